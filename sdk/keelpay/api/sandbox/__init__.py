"""Generated from protos/keelpay/api/sandbox: do not edit."""

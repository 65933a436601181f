"""Generated from protos/keelpay/api/auth: do not edit."""

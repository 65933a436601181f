"""Generated from protos/keelpay/api/type: do not edit."""

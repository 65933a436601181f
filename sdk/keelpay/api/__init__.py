"""Generated from protos/keelpay/api: do not edit."""

"""Generated from protos/keelpay/api/gateway: do not edit."""

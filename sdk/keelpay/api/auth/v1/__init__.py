"""Generated from protos/keelpay/api/auth/v1: do not edit."""

"""Generated from protos/keelpay/api/type/v1: do not edit."""

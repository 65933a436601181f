"""Generated from protos/keelpay/api/gateway/v1: do not edit."""

"""Generated from protos/keelpay/api/risk/v1: do not edit."""

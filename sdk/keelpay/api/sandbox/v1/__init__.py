"""Generated from protos/keelpay/api/sandbox/v1: do not edit."""

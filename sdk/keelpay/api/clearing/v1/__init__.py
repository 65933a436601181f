"""Generated from protos/keelpay/api/clearing/v1: do not edit."""

"""Generated from protos/keelpay/api/clearing: do not edit."""

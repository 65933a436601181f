"""Generated from protos/keelpay/api/rail/v1: do not edit."""

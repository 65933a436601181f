"""Generated from protos/keelpay/api/rail: do not edit."""

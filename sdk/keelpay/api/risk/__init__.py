"""Generated from protos/keelpay/api/risk: do not edit."""

"""Generated from protos/keelpay/api/event: do not edit."""

"""Generated from protos/keelpay/api/event/v1: do not edit."""

# Generated from sdk/keelpay/_async/__init__.py by sdk/generate_sync.py: do not edit.
"""The client that blocks."""

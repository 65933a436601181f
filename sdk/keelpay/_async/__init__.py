"""The client, written by hand: asynchronous. keelpay._sync is made from it by sdk/generate_sync.py."""

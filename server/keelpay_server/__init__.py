"""The keelpay server: gateway, auth, risk and clearing over one ledger.

In: gRPC calls (and a browser's Connect calls through `edge`). Out: answers, events, bank operations.
Nothing is imported here: each room is imported by the rooms above it alone (see docs/architecture.md).
"""

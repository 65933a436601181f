"""gRPC plumbing without business: what stands between the socket and a servicer, the same for every RPC.

In: servicers, the contract's descriptors, an `Authenticate` port. Out: a running server (server.py).
Invariant: no RPC is reachable that has no policy row and did not pass the pipeline.
"""

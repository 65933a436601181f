"""What a browser and a phone need: a byte bridge from HTTP to gRPC, the pages, the files that tie apps to the site.

In: HTTP requests. Out: calls of the one gRPC server over a unix socket, its answers, files.
Invariant: nothing of the business is decided here; every call passes the pipeline of `rpc` like any other.
"""

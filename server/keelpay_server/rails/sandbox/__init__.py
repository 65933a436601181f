"""A bank to build, test and show against: stateful, durable, as strict as a real one, and as unreliable as asked.

In: operations, over gRPC or in the process. Out: results and statements. Invariant: what it answered survives
kill -9, one key is one operation, and its statements say exactly what it did unless a difference was ordered.
"""

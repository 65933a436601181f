"""Events: telling everybody who may know what happened: a stream to hold, pages to read, webhooks that are sent.

In: the journal. Out: events by resource name, cursors, signed deliveries. Invariant: who stores the cursor with the
effect of the events misses none and applies none twice; nobody is told of another's merchants.
"""

"""The engine: commands are queued, loaded, decided, saved in one commit, and only then answered.

In: frozen commands of the rooms above. Out: outcomes, events and later work. Invariant: a book has one writer at a
time, every state change is one commit, and whatever was acknowledged is on disk.
"""

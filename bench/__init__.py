"""Benchmarks: programs that measure keelpay beside references, in one run, on one machine.

In: nothing but the repository. Out: tables and JSON. Invariant: a figure is never compared with one of another run.
"""

"""Python's garbage collector, set for a process that serves and does nothing else.

In: a process whose server is open. Out: fewer and shorter collections. Invariant: the whole process is concerned, so
only who owns it calls this: `keelpay serve` does, a program that opens a server inside itself does not.
"""

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 100)
"""New objects before a young collection, then young ones a middle one, then middle ones a full one. A batch makes some
ten thousand objects that reference counting frees; the default of 700 looks through them again and again in vain
(a ninth of the processor's time under load)."""


def settle_collector() -> None:
    """Collects once, takes what is alive now out of all later collections, and makes these rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)

"""The composition root: the only place that knows every room, and wires them into one server.

In: settings. Out: a running server. Invariant: nothing is decided here; what is not asked for is not loaded (a sandbox
bank needs nothing of a server, and is there at once).
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .local import Embedded, local_server
    from .serving import RunningServer, open_server

_HOMES: Final = {
    "Embedded": "local", "RunningServer": "serving", "local_server": "local", "open_server": "serving",
}  # fmt: skip
__all__ = ["Embedded", "RunningServer", "local_server", "open_server"]


def __getattr__(name: str) -> Any:
    """Loads what is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)

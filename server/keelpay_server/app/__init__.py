"""The composition root: the only place that knows every room, and wires them into one server.

In: settings. Out: a running server. Invariant: nothing is decided here.
"""

from .local import Embedded, local_server
from .serving import RunningServer, open_server

__all__ = ["Embedded", "RunningServer", "local_server", "open_server"]

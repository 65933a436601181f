"""The command line: everything an operator or a newcomer does at a keyboard; `keelpay` alone shows the way.

In: arguments, a settings file, the environment. Out: text on a terminal, an exit code. Invariant: commands ask `app`
and the clients; nothing is decided here. An expected failure is one sentence and one piece of advice, no traceback.
"""

from .program import main

__all__ = ["main"]

"""`python -m keelpay_server.cli`: the command line by the interpreter that runs now, for child processes."""

from .program import main

main()

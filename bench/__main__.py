"""`python -m bench` (and `make bench`): the benchmark of payments, with its options."""

import sys

from bench.payments import main

if __name__ == "__main__":
    sys.exit(main())

"""Every screen of the pages, and how a person comes to it: for whoever looks at them, eyes or programs.

In: a town, a phone. Out: the phone, showing that screen. Invariant: the way there is a real one, on the real server.
"""

from tests.e2e.pages import screens_at_bank, screens_of_keys, screens_of_links, screens_of_payments

WAYS = screens_of_payments.WAYS | screens_of_links.WAYS | screens_of_keys.WAYS | screens_at_bank.WAYS
"""Screen to the way there."""

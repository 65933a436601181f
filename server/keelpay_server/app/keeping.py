"""What is not kept for ever, and for how long: the rules of pruning, from the settings.

In: settings. Out: rules, in their order. Invariant: requests come first and go soonest, so that none is remembered of
which nothing is left; nothing that moved money or was signed is here.
"""

from collections.abc import Mapping

from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.enrolment import Registration
from keelpay_server.auth.payer_link import PayerLink
from keelpay_server.book.pruning import Keeping
from keelpay_server.book.request import RequestRow
from keelpay_server.config import Settings
from keelpay_server.events.delivery import Delivery, DeliveryState


def keeping_rules(settings: Settings) -> tuple[Keeping, ...]:
    """Returns the rules."""
    return (
        Keeping(RequestRow, "create_time", settings.keep_requests_days, lambda since: {"create_time__lt": since}),
        Keeping(Delivery, "id", settings.keep_deliveries_days, _ended),
        Keeping(Confirmation, "id", settings.keep_unused_days, _never_signed),
        Keeping(Registration, "id", settings.keep_unused_days, _never_finished),
        Keeping(PayerLink, "id", settings.keep_unused_days, _long_closed),
    )


def _ended(since: int) -> Mapping[str, object]:
    """Deliveries that arrived or were given up, and were not asked for again since."""
    return {"state": [int(DeliveryState.DELIVERED), int(DeliveryState.FAILED)], "queue_time__lt": since}


def _never_signed(since: int) -> Mapping[str, object]:
    """Confirmations that nobody signed: their time ran out, or another one took their place."""
    return {"state": [int(ConfirmationState.EXPIRED), int(ConfirmationState.SUPERSEDED)], "update_time__lt": since}


def _never_finished(since: int) -> Mapping[str, object]:
    """Enrolments that were begun and made no passkey."""
    return {"passkey": None, "expire_time__lt": since, "update_time__lt": since}


def _long_closed(since: int) -> Mapping[str, object]:
    """Links that can be opened no more, and whose sessions are over: a session lasts minutes."""
    return {"expire_time__lt": since, "update_time__lt": since}

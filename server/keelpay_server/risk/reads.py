"""Queries of risk: decisions, reviews and list entries, by filters that indexes back.

In: parsed requests. Out: rows and the token of the next page. Invariant: every list is bounded by a page.
"""

from typing import Final, NamedTuple

from keelpay_server.book.filtering import one_of, parse_filter, parse_order, time_of
from keelpay_server.book.ids import parse
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import Page, Reader

from .decision import Decision
from .label import Label, Report
from .list_entry import ListEntry
from .policy import Outcome
from .review import Review, ReviewState

ANY_MERCHANT: Final = "-"
PAYMENT_KIND: Final = "pay"
_ID_SHIFT: Final = 80
_MS_US: Final = 1000


class Query(NamedTuple):
    """What a list request asks for beside its filter."""

    scope: str
    size: int
    token: str


class Listing(NamedTuple):
    """A page of rows."""

    rows: list[Decision]
    reports: dict[bytes, Report]
    next_token: str


def _payment_of(text: str) -> tuple[str, object]:
    return "payment", parse(PAYMENT_KIND, text.rpartition("/")[2])


def _truth_of(text: str) -> tuple[str, object]:
    return "degraded", {"true": True, "false": False}[text]


def _merchant_of(text: str) -> tuple[str, object]:
    return "merchant", text.removeprefix("merchants/")


_DECISION_FIELDS: Final = {
    "payment": _payment_of,
    "outcome": one_of("outcome", Outcome),
    "degraded": _truth_of,
    "label": one_of("label", Label),
    "create_time": time_of("create_time"),
}
_REVIEW_FIELDS: Final = {
    "state": one_of("state", ReviewState),
    "merchant": _merchant_of,
    "payment": _payment_of,
    "create_time": time_of("create_time"),
}
_REVIEW_ORDERS: Final = {"due_time": "due_time", "create_time": "create_time"}


async def list_decisions(reader: Reader, pager: Pager, merchant: str, text: str, query: Query) -> Listing:
    """Returns decisions of a merchant (or of all, for `-`), the newest first.

    Raises:
        Refused: FILTER_INVALID, PAGE_TOKEN_INVALID.
    """
    where = parse_filter(text, _DECISION_FIELDS)
    if merchant != ANY_MERCHANT:
        where["merchant"] = merchant
    label = where.pop("label", None)
    if label is not None:
        return await _list_labelled(reader, pager, where, label, query)
    if isinstance(before := where.get("create_time__lt"), int):
        # Ids grow with the wall clock, which the business clock is never behind: so the list begins near the time.
        where["id__lt"] = ((before // _MS_US + 1) << _ID_SHIFT).to_bytes(16, "big")
    page = pager.page(query.scope, query.size, query.token)
    rows = await reader.find(Decision, where, page)
    return Listing(rows, await reports_of(reader, rows), pager.next_token(query.scope, page, rows))


async def _list_labelled(
    reader: Reader, pager: Pager, where: dict[str, object], label: object, query: Query
) -> Listing:
    """Labels are few beside decisions, so they lead; the other conditions may leave a page short."""
    page = pager.page(query.scope, query.size, query.token, order="decision")
    mine = {"merchant": where["merchant"]} if "merchant" in where else {}
    reports = await reader.find(Report, {**mine, "label": label}, page)
    keys = [report.decision for report in reports]
    rows: list[Decision] = []
    if keys:
        rows = await reader.find(Decision, {**where, "id": keys}, Page(len(keys), descending=True))
    return Listing(rows, {report.id: report for report in reports}, pager.next_token(query.scope, page, reports))


async def reports_of(reader: Reader, decisions: list[Decision]) -> dict[bytes, Report]:
    """Returns the labels of decisions, by payment."""
    if not decisions:
        return {}
    payments = list({decision.payment for decision in decisions})
    found = await reader.find(Report, {"id": payments}, Page(len(payments)))
    return {report.id: report for report in found}


async def latest_decision(reader: Reader, payment: bytes) -> Decision | None:
    """Returns the newest decision on a payment."""
    found = await reader.find(Decision, {"payment": payment}, Page(1, descending=True))
    return found[0] if found else None


async def list_reviews(
    reader: Reader, pager: Pager, text: str, order_by: str, query: Query
) -> tuple[list[Review], str]:
    """Returns reviews, by default the open ones, the most urgent first.

    Raises:
        Refused: FILTER_INVALID, PAGE_TOKEN_INVALID.
    """
    where = parse_filter(text, _REVIEW_FIELDS) or {"state": int(ReviewState.OPEN)}
    order, descending = parse_order(order_by, _REVIEW_ORDERS, "due_time")
    page = pager.page(query.scope, query.size, query.token, order=order, descending=descending)
    rows = await reader.find(Review, where, page)
    return rows, pager.next_token(query.scope, page, rows)


async def list_entries(
    reader: Reader, pager: Pager, where: dict[str, object], business_us: int, query: Query
) -> tuple[list[ListEntry], str]:
    """Returns the list entries in force, the newest first.

    Args:
        reader: Where from.
        pager: Makes and reads page tokens.
        where: Any of `id`, `kind`, `strength`.
        business_us: Now: entries that ended are left out.
        query: The page.

    Raises:
        Refused: PAGE_TOKEN_INVALID.
    """
    page = pager.page(query.scope, query.size, query.token, order="create_time")
    rows = await reader.find(ListEntry, {**where, "expire_time__gt": business_us}, page)
    return rows, pager.next_token(query.scope, page, rows)

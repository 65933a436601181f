# Generated from sdk/keelpay/_async/pager.py by sdk/generate_sync.py: do not edit.
"""Lists: items one by one, or page by page.

In: a method that answers a page, and its first request. Out: items in the server's order. Invariant: a page is fetched
when it is reached and not before; every pass begins at the first page.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from keelpay._page import Page

from .connection import Connection

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)
T = TypeVar("T")


class Pager(Generic[T]):
    """A list that is fetched as it is read: `for item in pager`, or `for page in pager.pages()`."""

    def __init__(self, fetch: Callable[[str], Page[T]]) -> None:
        """Fetches nothing yet.

        Args:
            fetch: Answers the page that begins at a token; empty is the first.
        """
        self._fetch = fetch

    def __iter__(self) -> Iterator[T]:
        """The items, one by one."""
        for page in self.pages():
            for item in page:
                yield item

    def pages(self, page_token: str = "") -> Iterator[Page[T]]:
        """The pages.

        Args:
            page_token: `next_page_token` of the page before; empty for the first.
        """
        while True:
            page = self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    def first(self) -> T | None:
        """The first item, or None of an empty list."""
        for item in self:
            return item
        return None


def pager(
    connection: Connection,
    method: "grpc.UnaryUnaryMultiCallable[Q, R]",
    request: Q,
    read: Callable[[R], Iterable[T]],
    *,
    timeout_s: float | None = None,
) -> Pager[T]:
    """Makes a pager.

    Args:
        connection: Where calls are made.
        method: Answers a page.
        request: The request of the first page.
        read: The items of an answer.
        timeout_s: Seconds for each page; None takes the contract's own.
    """

    def fetch(page_token: str) -> Page[T]:
        turned: Any = type(request)()
        turned.CopyFrom(request)
        turned.page_token = page_token
        answer: Any = connection.unary(method, turned, timeout_s=timeout_s)
        return Page(tuple(read(answer)), answer.next_page_token)

    return Pager(fetch)

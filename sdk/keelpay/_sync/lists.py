# Generated from sdk/keelpay/_async/lists.py by sdk/generate_sync.py: do not edit.
"""The lists that rules decide by."""

from collections.abc import Iterable, Sequence

from keelpay._names import Named, name_of
from keelpay.api.risk.v1 import list_entry_pb2, rule_service_pb2
from keelpay.api.risk.v1.rule_service_pb2_grpc import RuleServiceStub
from keelpay.enums import EntryKind, Strength
from keelpay.models.risk import ListEntry
from keelpay.request_id import new_request_id
from keelpay.risk_facts import NewListEntry

from .connection import Connection
from .pager import Pager, pager


class Lists:
    """Whom to trust and whom to refuse: `client.lists`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = RuleServiceStub(connection.channel)

    def entries(
        self,
        *,
        kind: EntryKind = EntryKind.UNSPECIFIED,
        strength: Strength = Strength.UNSPECIFIED,
        value: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[ListEntry]:
        """Lists entries, the newest first. Ended ones are left out."""
        request = rule_service_pb2.ListEntriesRequest(
            page_size=page_size, kind=kind.wire, strength=strength.wire, value=value
        )
        return pager(
            self._connection,
            self._stub.ListEntries,
            request,
            lambda answer: map(ListEntry.of, answer.entries),
            timeout_s=timeout_s,
        )

    def upsert(
        self, entries: Iterable[NewListEntry], *, request_id: str = "", timeout_s: float | None = None
    ) -> Sequence[str]:
        """Adds entries, or replaces those of the same kind and value; all of them or none. Returns their names."""
        raw: Iterable[list_entry_pb2.ListEntry] = [entry.to_raw() for entry in entries]
        request = rule_service_pb2.UpsertEntriesRequest(request_id=request_id or new_request_id(), entries=raw)
        answer = self._connection.unary(self._stub.UpsertEntries, request, timeout_s=timeout_s)
        return tuple(answer.names)

    def remove(
        self,
        entries: Iterable[str | Named],
        *,
        comment: str,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> None:
        """Removes entries; one that does not exist is passed over."""
        request = rule_service_pb2.RemoveEntriesRequest(
            request_id=request_id or new_request_id(), names=map(name_of, entries), comment=comment
        )
        self._connection.unary(self._stub.RemoveEntries, request, timeout_s=timeout_s)

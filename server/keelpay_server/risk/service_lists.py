"""RuleService: the lists of whom to trust and whom to refuse. For operators alone, by the policy table.

In: operators' requests with values in clear. Out: entries without them. Invariant: a value leaves this file hashed.
"""

import grpc

from keelpay.api.risk.v1 import list_entry_pb2, rule_service_pb2_grpc
from keelpay.api.risk.v1 import rule_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.paging import Pager
from keelpay_server.book.refusal import invalid
from keelpay_server.book.request import identify

from .list_entry import COLLECTION, FOR_EVER, Listed, RemoveEntries, UpsertEntries
from .listing import EntryKind, Strength, entry_id
from .reads import Query, list_entries
from .service_render import entry_name, render_entry

Context = grpc.aio.ServicerContext[object, object]


class RuleServicer(rule_service_pb2_grpc.RuleServiceServicer):
    """Serves RuleService.

    Args:
        engine: The book.
        pager: Makes page tokens.
        list_key: The installation's key of listed values, the same as in the risk policy.
    """

    def __init__(self, engine: Engine, pager: Pager, *, list_key: bytes) -> None:
        self._engine, self._pager, self._key = engine, pager, list_key

    async def ListEntries(self, request: pb.ListEntriesRequest, _context: Context) -> pb.ListEntriesResponse:
        """Lists the entries in force, the newest first."""
        caller = current().caller
        where: dict[str, object] = {}
        if request.value:
            if not request.kind:
                invalid("kind", "a value needs its kind")
            where["id"] = entry_id(self._key, EntryKind(request.kind), request.value)
        if request.kind:
            where["kind"] = int(request.kind)
        if request.strength:
            where["strength"] = int(request.strength)
        scope = f"entries\n{caller.actor}\n{sorted(where.items())}"
        query = Query(scope, request.page_size, request.page_token)
        book = await self._engine.reader.book()
        business_us = max(book.business_us, self._engine.wall() + book.offset_us)
        rows, token = await list_entries(self._engine.reader, self._pager, where, business_us, query)
        return pb.ListEntriesResponse(entries=[render_entry(row) for row in rows], next_page_token=token)

    async def UpsertEntries(self, request: pb.UpsertEntriesRequest, _context: Context) -> pb.UpsertEntriesResponse:
        """Adds or replaces entries, all or none."""
        call = current()
        entries = tuple(self._listed(entry) for entry in request.entries)
        names = [entry_name(entry.id) for entry in entries]
        if len(set(names)) < len(names):
            invalid("entries", "two of them have the same kind and value")
        command = UpsertEntries(
            request=identify(call, request, COLLECTION), caller=call.caller, deadline_us=call.deadline_us,
            entries=entries,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        return pb.UpsertEntriesResponse(names=names, replayed=outcome.replayed)

    async def RemoveEntries(self, request: pb.RemoveEntriesRequest, _context: Context) -> pb.RemoveEntriesResponse:
        """Ends entries at once."""
        call = current()
        command = RemoveEntries(
            request=identify(call, request, COLLECTION), caller=call.caller, deadline_us=call.deadline_us,
            entries=tuple(name.removeprefix(f"{COLLECTION}/") for name in request.names), comment=request.comment,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        return pb.RemoveEntriesResponse(replayed=outcome.replayed)

    def _listed(self, entry: list_entry_pb2.ListEntry) -> Listed:
        kind = EntryKind(entry.kind)
        expire_time = entry.expire_time.ToMicroseconds() if entry.HasField("expire_time") else FOR_EVER
        return Listed(
            entry_id(self._key, kind, entry.value), kind, Strength(entry.strength), entry.comment, expire_time
        )

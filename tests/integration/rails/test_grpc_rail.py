"""The connector before a real socket: everything is answered, nothing is sent twice, doubt is UNKNOWN."""

import asyncio
import secrets
from contextlib import asynccontextmanager
from datetime import date

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from keelpay.api.rail.v1 import capabilities_pb2, operation_pb2, query_request_pb2, rail_service_pb2_grpc
from keelpay.api.sandbox.v1 import bank_control_pb2, bank_control_pb2_grpc
from keelpay_server.book.rail import OperationKind, OperationRequest, StatementUnavailableError
from keelpay_server.book.statement_file import parse_statement
from keelpay_server.rails.grpc_rail import GrpcRail
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.local_rail import open_local_rail
from keelpay_server.rails.sandbox.magic import instrument_of
from keelpay_server.rails.sandbox.server import serve, wall_clock_us

PROFILE = BankProfile(batch_items_max=3)


def authorization(amount=1000, instrument="tok-x", capture=True, key=None):
    key = key or secrets.token_bytes(16)
    return OperationRequest(key, OperationKind.AUTHORIZE, amount, "CNY", instrument, "CAFE", "pay-1", capture=capture)


def about(kind, original, amount=0):
    return OperationRequest(secrets.token_bytes(16), kind, amount, "CNY" if amount else "", original_key=original.key)


async def authorize(rail, *operations):
    return [result async for group in rail.authorize_many(operations) for result in group]


@asynccontextmanager
async def bank_and_rail(**settings):
    async with await serve("127.0.0.1", 0, profile=PROFILE, **settings) as bank:
        rail = GrpcRail(bank.address)
        try:
            yield bank, rail
        finally:
            await rail.close()


@asynccontextmanager
async def control_of(bank):
    async with grpc.aio.insecure_channel(bank.address) as channel:
        yield bank_control_pb2_grpc.SandboxBankControlServiceStub(channel)


async def test_all_kinds_go_through_and_come_back_as_the_port_says():
    async with bank_and_rail() as (_, rail):
        held = authorization(capture=False)
        (answer,) = await authorize(rail, held)
        assert (answer.outcome.name, answer.amount_minor, answer.kind) == ("SUCCEEDED", 1000, OperationKind.AUTHORIZE)
        assert answer.bank_us > 0
        assert answer.decide_us > 0
        part = await rail.capture(about(OperationKind.CAPTURE, held, 600))
        assert (part.outcome.name, part.cost_minor, isinstance(part.value_date, date)) == ("SUCCEEDED", 2, True)
        assert (await rail.void(about(OperationKind.VOID, held))).amount_minor == 400
        assert (await rail.refund(about(OperationKind.REFUND, held, 600))).outcome.name == "SUCCEEDED"
        over = await rail.refund(about(OperationKind.REFUND, held, 1))
        assert (over.outcome.name, over.code) == ("FAILED", "AMOUNT_EXCEEDS_CAPTURED")
        paid = await rail.pay(authorization()._replace(kind=OperationKind.PAY, capture=False))
        assert paid.outcome.name == "SUCCEEDED"
        redirected = authorization(instrument=instrument_of("redirect"))
        (pending,) = await authorize(rail, redirected)
        assert (pending.outcome.name, pending.challenge.name) == ("PENDING", "REDIRECT")
        assert (await rail.resume(redirected.key, b"approve")).outcome.name == "SUCCEEDED"


async def test_batches_are_cut_to_what_the_bank_takes_and_every_key_is_answered():
    async with bank_and_rail() as (_, rail):
        operations = [authorization(100 + n) for n in range(10)]
        groups = [group async for group in rail.authorize_many(operations)]
        assert sorted(len(group) for group in groups) == [1, 3, 3, 3]
        assert {r.key for group in groups for r in group} == {operation.key for operation in operations}
        keys = [operation.key for operation in operations] + [bytes(16)]
        told = {result.key: result.outcome.name for result in await rail.query_many(keys)}
        assert told == dict.fromkeys(keys[:-1], "SUCCEEDED") | {bytes(16): "NOT_FOUND"}


async def test_the_connector_and_the_local_rail_tell_the_same_stories():
    stories = ["insufficient-funds", "processing-error", "pending-success", "app-approval", "contradiction"]
    async with bank_and_rail() as (_, rail):
        local = open_local_rail(PROFILE, clock=wall_clock_us)
        for story in [*stories, "ordinary"]:
            operation = authorization(instrument=instrument_of(story))
            told = [
                (r.outcome, r.code, r.amount_minor, r.cost_minor, r.bank_reference, r.challenge, r.challenge_uri)
                for one in (rail, local)
                for r in await authorize(one, operation)
            ]
            assert told[0] == told[1], story
        await local.close()


async def test_a_mismatch_is_unknown_because_it_says_nothing_of_the_known_operation():
    async with bank_and_rail() as (_, rail):
        first = authorization()
        await authorize(rail, first)
        (other,) = await authorize(rail, first._replace(amount_minor=1))
        assert (other.outcome.name, other.code) == ("UNKNOWN", "MISMATCH")


async def test_no_answer_is_unknown_and_the_query_tells(monkeypatch):
    async with bank_and_rail() as (_, rail):
        known = await rail.capabilities()
        rail._capabilities = known._replace(authorize_timeout_us=200_000, operation_timeout_us=200_000)
        silent = authorization(instrument=instrument_of("timeout"))
        (answer,) = await authorize(rail, silent)
        assert (answer.outcome.name, answer.code) == ("UNKNOWN", "DEADLINE_EXCEEDED")
        assert answer.bank_us >= 190_000
        (told,) = await rail.query_many([silent.key])
        assert told.outcome.name == "SUCCEEDED"
        refund = about(OperationKind.REFUND, silent, 10)
        answer = await rail.refund(refund)
        assert (answer.outcome.name, answer.code) == ("UNKNOWN", "DEADLINE_EXCEEDED")


async def test_a_silent_item_leaves_the_rest_of_its_batch_answered():
    async with bank_and_rail() as (_, rail):
        silent, good = authorization(instrument=instrument_of("timeout")), authorization()
        told = {result.key: (result.outcome.name, result.code) for result in await authorize(rail, silent, good)}
        assert told == {silent.key: ("UNKNOWN", "NO_ANSWER"), good.key: ("SUCCEEDED", "")}


async def test_a_bank_that_is_not_there_makes_everything_unknown_and_raises_nothing():
    async with await serve("127.0.0.1", 0) as bank:
        rail = GrpcRail(bank.address)
        await rail.capabilities()
    operation = authorization()
    (answer,) = await authorize(rail, operation)
    assert answer.outcome.name == "UNKNOWN"
    assert (await rail.pay(operation)).outcome.name == "UNKNOWN"
    assert (await rail.query_many([operation.key]))[0].outcome.name == "UNKNOWN"
    with pytest.raises(StatementUnavailableError):
        await rail.statement(date(2026, 3, 1), "CNY")
    await rail.close()
    assert (await rail.void(operation)).outcome.name == "UNKNOWN"
    stranger = GrpcRail(bank.address)
    assert await stranger.capabilities() is None
    (answer,) = await authorize(stranger, operation)
    assert (answer.outcome.name, answer.code) == ("UNKNOWN", "NO_ANSWER")
    await stranger.close()


class OddBank(rail_service_pb2_grpc.RailServiceServicer):
    """Answers what it is told to, and counts."""

    Authorize = Capture = Void = Refund = Pay = Continue = Query = BatchQuery = None

    def __init__(self, status=None, results=(), parts=()):
        self.calls, self.status, self.results, self.parts = 0, status, results, parts

    async def GetCapabilities(self, request, context):
        second = Duration(seconds=20)
        known = capabilities_pb2.Capabilities(
            bank="odd", batch_items_max=10, authorize_timeout=second, operation_timeout=second, query_timeout=second
        )
        return query_request_pb2.GetCapabilitiesResponse(capabilities=known)

    async def BatchAuthorize(self, request, context):
        self.calls += 1
        if self.status:
            await context.abort(self.status, "odd")
        return {"results": self.results}

    async def StreamStatement(self, request, context):
        for part in self.parts:
            yield part


@asynccontextmanager
async def odd_rail(bank):
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler
    request, response = query_request_pb2.BatchQueryRequest, query_request_pb2.BatchQueryResponse

    async def batch(raw, context):
        answer = await bank.BatchAuthorize(raw, context)
        return response(results=answer["results"])

    handlers = {
        "GetCapabilities": method(bank.GetCapabilities, response_serializer=lambda m: m.SerializeToString()),
        "BatchAuthorize": method(batch, response_serializer=lambda m: m.SerializeToString()),
        "BatchQuery": method(batch, request.FromString, lambda m: m.SerializeToString()),
        "StreamStatement": grpc.unary_stream_rpc_method_handler(
            bank.StreamStatement, response_serializer=lambda m: m.SerializeToString()
        ),
    }
    name = "keelpay.api.rail.v1.RailService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    rail = GrpcRail(f"127.0.0.1:{port}")
    try:
        yield rail
    finally:
        await rail.close()
        await server.stop(0)


@pytest.mark.parametrize(
    "status", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK], ids=lambda code: code.name
)
async def test_every_status_is_unknown_and_the_call_is_made_once(status):
    bank = OddBank(status)
    async with odd_rail(bank) as rail:
        answers = await authorize(rail, authorization(), authorization())
        assert [answer.outcome.name for answer in answers] == ["UNKNOWN", "UNKNOWN"]
        assert {answer.code for answer in answers} == {status.name}
        assert bank.calls == 1


async def test_answers_that_make_no_sense_are_unknown_and_strangers_are_left_out():
    operations = [authorization() for _ in range(4)]
    keys = [operation.key for operation in operations]
    result = operation_pb2.OperationResult
    bank = OddBank(
        results=[
            result(key=keys[0], outcome=0),
            result(key=keys[1], outcome=99),
            result(key=keys[2], outcome=1, cost_minor=-1),
            result(key=bytes(16), outcome=1),
        ]
    )
    async with odd_rail(bank) as rail:
        told = {answer.key: (answer.outcome.name, answer.code) for answer in await authorize(rail, *operations)}
    assert told == dict.fromkeys(keys[:3], ("UNKNOWN", "MALFORMED_ANSWER")) | {keys[3]: ("UNKNOWN", "NO_ANSWER")}


async def test_codes_of_tomorrow_are_read_as_the_general_one():
    declined, failed = authorization(), authorization()
    result = operation_pb2.OperationResult
    bank = OddBank(results=[result(key=declined.key, outcome=2, code=77), result(key=failed.key, outcome=4, code=77)])
    async with odd_rail(bank) as rail:
        told = {answer.key: answer.code for answer in await authorize(rail, declined, failed)}
    assert told == {declined.key: "DO_NOT_HONOR", failed.key: "PROCESSING_ERROR"}


def statement_parts(**change):
    part = query_request_pb2.StreamStatementResponse
    header = {"bank": "odd", "statement_number": 1, "statement_date": "2026-03-01", "currency_code": "CNY"}
    line = {"line_number": 1, "natural_key": "a", "kind": 5, "amount_minor": 7} | change.get("line", {})
    trailer = {"line_count": 1, "closing_balance_minor": 7} | change.get("trailer", {})
    parts = [
        part(header=header | change.get("header", {})),
        part(lines={"lines": [line]}),
        part(trailer=trailer),
    ]
    return [parts[n] for n in change.get("order", (0, 1, 2))]


async def test_a_whole_statement_is_read():
    async with odd_rail(OddBank(parts=statement_parts())) as rail:
        statement = await rail.statement(date(2026, 3, 1), "CNY")
    assert (statement.closing_balance_minor, statement.lines[0].kind.name) == (7, "TOP_UP")


@pytest.mark.parametrize(
    "change",
    [
        {"order": ()},
        {"order": (0, 1)},
        {"order": (1, 2)},
        {"order": (0, 2)},
        {"order": (0, 0, 1, 2)},
        {"order": (0, 2, 1)},
        {"order": (0, 1, 1, 2)},
        {"header": {"statement_date": "2026-03-02"}},
        {"header": {"currency_code": "USD"}},
        {"header": {"opening_balance_minor": 1}},
        {"trailer": {"line_count": 2}},
        {"line": {"line_number": 2}},
    ],
)
async def test_a_statement_that_is_not_whole_is_none(change):
    async with odd_rail(OddBank(parts=statement_parts(**change))) as rail:
        with pytest.raises(StatementUnavailableError):
            await rail.statement(date(2026, 3, 1), "CNY")


async def test_the_levers_work_over_the_wire_and_the_file_says_what_the_stream_says():
    async with bank_and_rail() as (bank, rail), control_of(bank) as control:
        pb = bank_control_pb2
        await control.SetScenario(pb.SetScenarioRequest(scenario="do-not-honor", operation_count=1))
        declined, good = await authorize(rail, authorization()), await authorize(rail, authorization(2000))
        assert [declined[0].outcome.name, good[0].outcome.name] == ["DECLINED", "SUCCEEDED"]
        await control.PostEntry(pb.PostEntryRequest(kind=5, amount_minor=50, currency_code="CNY", text="capital"))
        await control.SetStatementDifference(
            pb.SetStatementDifferenceRequest(difference=4, operation_key=good[0].key, amount_delta_minor=-1)
        )
        with pytest.raises(StatementUnavailableError, match="FAILED_PRECONDITION"):
            await rail.statement(good[0].value_date, "CNY")
        moved = await control.AdvanceTime(pb.AdvanceTimeRequest(days=1))
        assert moved.business_date > good[0].value_date.isoformat()
        statement = await rail.statement(good[0].value_date, "CNY")
        assert [line.amount_minor for line in statement.lines] == [2000 - 9 - 1, 50]
        day = good[0].value_date.isoformat()
        file = await control.ExportStatement(pb.ExportStatementRequest(statement_date=day, currency_code="CNY"))
        assert parse_statement(file.content) == statement
        for call in (
            control.SetScenario(pb.SetScenarioRequest(scenario="none", operation_count=1)),
            control.SetFaults(pb.SetFaultsRequest(faults=pb.Faults(reply_lost_permille=1001))),
            control.SetFaults(pb.SetFaultsRequest(faults=pb.Faults(late=Duration(seconds=3601)))),
            control.AdvanceTime(pb.AdvanceTimeRequest(step=Duration(seconds=-1))),
            control.AdvanceTime(pb.AdvanceTimeRequest(days=401)),
            control.PostEntry(pb.PostEntryRequest(kind=0, amount_minor=1, currency_code="CNY")),
            control.SetStatementDifference(pb.SetStatementDifferenceRequest(operation_key=bytes(16))),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_faults_set_over_the_wire_befall_calls_and_end():
    async with bank_and_rail() as (bank, rail), control_of(bank) as control:
        known = await rail.capabilities()
        rail._capabilities = known._replace(authorize_timeout_us=200_000, query_timeout_us=200_000)
        operation = authorization()
        pb = bank_control_pb2
        await control.SetFaults(pb.SetFaultsRequest(faults=pb.Faults(seed=1, reply_lost_permille=1000)))
        assert (await authorize(rail, operation))[0].outcome.name == "UNKNOWN"
        await control.SetFaults(pb.SetFaultsRequest())
        assert (await rail.query_many([operation.key]))[0].outcome.name == "SUCCEEDED"


async def test_duplicates_in_flight_over_sockets_share_commits_and_are_one_operation(tmp_path):
    async with bank_and_rail(path=tmp_path / "bank.sqlite") as (_, rail):
        operation = authorization()
        answers = await asyncio.gather(*[authorize(rail, operation) for _ in range(50)])
        assert {answer.bank_reference for (answer,) in answers} == {answers[0][0].bank_reference}
        assert {answer.outcome.name for (answer,) in answers} == {"SUCCEEDED"}

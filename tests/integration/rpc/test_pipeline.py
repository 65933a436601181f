"""Laws of the stages, tried over a socket."""

import asyncio
import logging

import grpc
import pytest

from keelpay_server.rpc.wire import MESSAGE_BYTES_MAX
from tests.infrastructure.waiting import until
from tests.integration.rpc.conftest import CALLERS, serving, told
from tests.integration.rpc.echo import SECRET_TEXT, EchoRequest

Code = grpc.StatusCode


async def test_a_good_call_is_answered_with_request_id_and_mode(bench):
    call = bench.call("Echo", EchoRequest(text="hi"), metadata=(("x-request-id", "order-4711-abc"),))
    assert (await call).text == "hi"
    trailers = dict(await call.trailing_metadata())
    assert trailers["x-request-id"] == "order-4711-abc"
    assert trailers["x-keelpay-mode"] == "test"


@pytest.mark.parametrize("odd", ["short", "x" * 65, "with space in it", 'quote"quote"q', "a" * 5000])
async def test_an_odd_request_id_is_replaced(bench, odd):
    call = bench.call("Echo", metadata=(("x-request-id", odd),))
    await call
    given = dict(await call.trailing_metadata())["x-request-id"]
    assert given != odd
    assert 8 <= len(given) <= 64


async def test_made_request_ids_differ(bench):
    ids = set()
    for _ in range(5):
        call = bench.call("Echo")
        await call
        ids.add(dict(await call.trailing_metadata())["x-request-id"])
    assert len(ids) == 5


async def test_the_handler_sees_its_call(bench):
    await bench.call("Echo", metadata=(("x-request-id", "order-4711"),))
    (call,) = bench.servicer.calls
    assert (call.request_id, call.caller, call.method) == (
        "order-4711",
        CALLERS["acme"],
        "/keelpay.test.v1.EchoService/Echo",
    )
    assert call.address == "127.0.0.1"


async def test_trailers_of_the_servicer_survive(bench):
    call = bench.call("Echo", EchoRequest(act="trailer"))
    await call
    trailers = dict(await call.trailing_metadata())
    assert trailers["x-read-token"] == "t1"
    assert "x-request-id" in trailers


# --- who calls ---


@pytest.mark.parametrize(
    "token,reason", [("", "TOKEN_MISSING"), ("expired", "TOKEN_EXPIRED"), ("forged", "TOKEN_INVALID")]
)
@pytest.mark.parametrize("method", ["Echo", "Look", "Watch"])
async def test_without_a_good_token_nothing_is_served(bench, method, token, reason):
    answer = await bench.refused(method, token=token)
    assert (answer.code, answer.reason) == (Code.UNAUTHENTICATED, reason)
    assert bench.servicer.seen == []


async def test_two_credentials_are_none(bench):
    answer = await bench.refused("Echo", metadata=(("authorization", "Bearer other"),))
    assert answer.reason == "TOKEN_INVALID"


async def test_a_missing_scope_is_refused_and_named(bench):
    answer = await bench.refused("Echo", token="reader")
    assert (answer.code, answer.reason) == (Code.PERMISSION_DENIED, "SCOPE_MISSING")
    assert answer.info.metadata["scope"] == "echo.write"
    assert bench.servicer.seen == []


async def test_the_wrong_kind_of_caller_is_refused_even_with_the_scope(bench):
    answer = await bench.refused("Echo", token="payer")
    assert (answer.code, answer.reason) == (Code.PERMISSION_DENIED, "SCOPE_MISSING")
    await bench.call("Echo", token="bank")


async def test_a_public_method_looks_at_no_token(bench):
    await bench.call("Hello", token="")
    await bench.call("Hello", token="expired")
    assert {call.caller.kind.name for call in bench.servicer.calls} == {"ANYONE"}


async def test_a_method_for_all_knows_whoever_shows_a_token(bench):
    await bench.call("Greet", token="")
    await bench.call("Greet", token="acme")
    assert [call.caller.kind.name for call in bench.servicer.calls] == ["ANYONE", "PARTNER"]
    assert (await bench.refused("Greet", token="forged")).reason == "TOKEN_INVALID"


# --- what is asked ---


async def test_all_violations_are_told_at_once(bench):
    request = EchoRequest(act="x" * 65)
    request.bounded.count = 11
    answer = await bench.refused("Echo", request)
    assert (answer.code, answer.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
    assert set(answer.fields) == {
        "act",
        "bounded.request_id",
        "bounded.key",
        "bounded.count",
        "bounded.colour",
        "bounded.amount",
    }
    assert bench.servicer.seen == []


async def test_malformed_bytes_are_the_callers_fault_and_show_nothing_of_ours(bench):
    answer = await bench.refused("Echo", raw=b"\x12\xff\xff\xff\xff\x0f")
    assert (answer.code, answer.reason) == (Code.INVALID_ARGUMENT, "MESSAGE_MALFORMED")
    assert "upb" not in answer.text
    assert "DecodeError" not in answer.text


async def test_text_that_is_not_utf8_is_malformed(bench):
    assert (await bench.refused("Echo", raw=b"\x12\x02\xff\xfe")).reason == "MESSAGE_MALFORMED"


async def test_a_message_at_the_limit_passes_and_one_byte_more_does_not(bench):
    overhead = EchoRequest(text="x" * 100_000).ByteSize() - 100_000
    fits = EchoRequest(text="x" * (MESSAGE_BYTES_MAX - overhead))
    assert fits.ByteSize() == MESSAGE_BYTES_MAX
    await bench.call("Echo", fits)
    fits.text += "x"
    answer = await bench.refused("Echo", fits)
    assert (answer.code, answer.reason) == (Code.INVALID_ARGUMENT, "MESSAGE_MALFORMED")
    assert len(bench.servicer.seen) == 1


async def test_over_long_metadata_is_refused_by_the_transport(bench):
    with pytest.raises(grpc.aio.AioRpcError):
        await bench.call("Echo", metadata=(("x-long", "x" * 40_000),))
    await bench.call("Echo")


async def test_a_stranger_without_token_is_not_even_parsed(bench):
    assert (await bench.refused("Echo", raw=b"\xff", token="")).reason == "TOKEN_MISSING"


# --- how long, how often, how much ---


async def test_a_deadline_too_short_to_answer_is_refused():
    async with serving(deadline_ms_min=60_000) as bench:
        answer = await bench.refused("Echo", timeout=30)
        assert (answer.code, answer.reason) == (Code.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT")
        assert bench.servicer.seen == []


async def test_the_deadline_is_the_smaller_of_callers_and_policys():
    async with serving(wall_clock=lambda: 1_000_000_000) as bench:
        await bench.call("Echo", timeout=4)
        await bench.call("Echo", timeout=60)
        await bench.call("Echo", timeout=None)
        short, long, none = ((call.deadline_us - 1_000_000_000) / 1_000_000 for call in bench.servicer.calls)
        assert 0 < short < 4.1  # the wire rounds a deadline up by some milliseconds
        assert long == none == 5


async def test_the_policys_deadline_ends_a_call_that_never_would(bench):
    answer = await bench.refused("Brief", EchoRequest(delay_ms=60_000), timeout=None)
    assert answer.code is Code.DEADLINE_EXCEEDED
    assert "x-request-id" in answer.trailers
    assert bench.servicer.commits == []
    assert [line["code"] for line in await bench.logged()] == ["DEADLINE_EXCEEDED"]


async def test_the_rate_limit_tells_when_to_come_back():
    now = [0]
    async with serving(ticks=lambda: now[0]) as bench:
        for _ in range(3):
            await bench.call("Rare")
        answer = await bench.refused("Rare")
        assert (answer.code, answer.reason) == (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert answer.retry_after_s == 20
        await bench.call("Rare", token="other")
        now[0] += 20_000_000
        await bench.call("Rare")


async def test_the_excess_over_capacity_is_refused_at_once():
    async with serving(calls_max=2) as bench:
        slow = [asyncio.ensure_future(bench.call("Echo", EchoRequest(act="hold"))) for _ in range(2)]
        await until(lambda: bench.server.load.calls == 2)
        answer = await bench.refused("Echo", metadata=(("x-request-id", "order-4711"), ("accept-language", "zh")))
        assert (answer.code, answer.reason) == (Code.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert answer.retry_after_s > 0
        assert answer.localized.locale == "zh"
        assert (answer.trailers["x-request-id"], answer.trailers["x-keelpay-mode"]) == ("order-4711", "test")
        await bench.call("Watch").read()
        bench.servicer.go.set()
        await asyncio.gather(*slow)
        await bench.call("Echo")
        await until(lambda: bench.server.load.calls == 0)


# --- errors ---


async def test_a_crash_shows_no_inner_text_and_is_found_by_its_request_id(bench, caplog):
    with caplog.at_level(logging.ERROR, "keelpay.rpc"):
        answer = await bench.refused("Echo", EchoRequest(act="crash"), metadata=(("x-request-id", "order-4711"),))
    assert (answer.code, answer.reason) == (Code.INTERNAL, "INTERNAL")
    assert SECRET_TEXT not in answer.text
    assert SECRET_TEXT.encode() not in answer.raw
    assert "RuntimeError" not in answer.text
    assert answer.info.metadata["request_id"] == "order-4711"
    assert "order-4711" in caplog.text
    assert SECRET_TEXT in caplog.text


async def test_a_handler_that_answers_the_wrong_type_has_crashed(bench, caplog):
    assert (await bench.refused("Echo", EchoRequest(act="wrong"))).reason == "INTERNAL"
    assert "crashed" in caplog.text


async def test_a_refusal_carries_reason_metadata_and_retry(bench):
    answer = await bench.refused("Echo", EchoRequest(act="refuse"))
    assert (answer.code, answer.reason, answer.info.domain) == (Code.ABORTED, "CONFLICT", "keelpay")
    assert answer.info.metadata["merchant"] == "merchants/cafe"
    assert answer.retry_after_s == 1.5


async def test_people_are_told_in_their_language(bench):
    german_then_chinese = (("accept-language", "de-DE,zh-CN;q=0.9,en;q=0.1"),)
    answer = await bench.refused("Echo", EchoRequest(act="refuse"), metadata=german_then_chinese)
    assert (answer.localized.locale, answer.localized.message) == ("zh", "请重试。")
    answer = await bench.refused("Echo", EchoRequest(act="refuse"))
    assert answer.localized.locale == "en"


async def test_anothers_resource_looks_exactly_like_none(bench):
    same_id = (("x-request-id", "order-4711"),)
    stranger = await bench.refused("Look", EchoRequest(act="stranger", text="merchants/x"), metadata=same_id)
    nothing = await bench.refused("Look", EchoRequest(act="nothing", text="merchants/x"), metadata=same_id)
    assert stranger.raw == nothing.raw
    assert (stranger.code, stranger.text, stranger.trailers) == (nothing.code, nothing.text, nothing.trailers)
    assert stranger.code is Code.NOT_FOUND
    assert [line["reason"] for line in await bench.logged()] == ["NOT_OWNER", "RESOURCE_NOT_FOUND"]


async def test_a_lost_database_is_unavailable_and_worth_a_retry(bench):
    answer = await bench.refused("Echo", EchoRequest(act="lost"))
    assert (answer.code, answer.reason) == (Code.UNAVAILABLE, "STORAGE_UNAVAILABLE")
    assert answer.retry_after_s > 0


async def test_what_a_servicer_aborts_itself_passes_through(bench):
    answer = await bench.refused("Echo", EchoRequest(act="abort"))
    assert (answer.code, answer.text) == (Code.DATA_LOSS, "said by the servicer")
    assert [line["code"] for line in await bench.logged()] == ["DATA_LOSS"]


async def test_a_caller_who_leaves_is_no_error_in_the_log(bench, caplog):
    call = bench.call("Echo", EchoRequest(act="hold"))
    await until(lambda: bench.server.load.calls == 1)
    call.cancel()
    await until(lambda: bench.server.load.calls == 0)
    with pytest.raises(grpc.aio.AioRpcError):
        await bench.call("Echo", EchoRequest(act="hold"), timeout=0.2)
    assert [line["code"] for line in await bench.logged()] == ["CANCELLED", "DEADLINE_EXCEEDED"]
    assert caplog.records == []


async def test_an_unknown_method_is_unimplemented(bench):
    call = bench.channel.unary_unary("/keelpay.test.v1.EchoService/Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"")
    assert told(caught.value).code is Code.UNIMPLEMENTED


# --- what is recorded ---


async def test_each_call_is_one_line_without_its_body(bench):
    await bench.call("Echo", EchoRequest(text="4111111111111111"), metadata=(("x-request-id", "order-4711"),))
    await bench.refused("Echo", token="reader")
    good, bad = await bench.logged()
    assert good["time"].endswith("Z")
    assert (good["request_id"], good["caller"], good["code"], good["reason"]) == (
        "order-4711",
        "partner:acme",
        "OK",
        "",
    )
    assert good["ms"] >= 0
    assert (bad["caller"], bad["code"], bad["reason"]) == ("partner:reader", "PERMISSION_DENIED", "SCOPE_MISSING")
    assert "4111111111111111" not in str((good, bad))


async def test_metrics_count_by_method_status_and_reason(bench):
    await bench.call("Echo")
    await bench.refused("Echo", EchoRequest(act="refuse"))
    await until(lambda: not bench.unrecorded)
    samples = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in bench.server.metrics.collect()
        for sample in family.samples
    }
    method = "keelpay.test.v1.EchoService/Echo"
    assert samples["grpc_server_call_started_total", (method,)] == 2
    assert samples["grpc_server_call_duration_seconds_count", (method, "OK")] == 1
    assert samples["grpc_server_call_duration_seconds_count", (method, "ABORTED")] == 1
    assert samples["keelpay_refusals_total", (method, "CONFLICT")] == 1
    assert samples["keelpay_rpcs_in_flight", ("call",)] == 0

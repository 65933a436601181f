"""Every field of every request out of bounds: each gets its reason and its path, and changes nothing."""

import grpc
import pytest

from keelpay_server.book.caller import CallerKind
from keelpay_server.rpc.validation import compile_check
from tests.e2e.specimen import bounded, bounds_of, breaks, specimen
from tests.e2e.wire import POLICIES, SERVED, call

RATE_LIMITED = "RATE_LIMITED"
ROWS_LEAST = 1_500


async def callers_of(made, name):
    """(channel, metadata) of callers who may call a method, for ever: a new one whenever one has called too often."""
    kinds = POLICIES[name].callers
    if CallerKind.PARTNER in kinds or CallerKind.ANYONE in kinds:
        clients = [made.acme, made.rival]
    elif CallerKind.OPERATOR in kinds:
        clients = [made.ling, made.omar]
    elif CallerKind.BANK in kinds:
        clients = [made.bank]
    else:
        clients = [made.as_holder_of(await each.partner.tokens.manage(each.name)) for each in made.people.values()]
    for client in clients:
        yield client
    number = 0
    while CallerKind.OPERATOR in kinds:
        number += 1
        yield await made.another_operator(f"{name.rpartition('/')[2].lower()}-{number}")


async def refused_row(made, method, callers, broken):
    """Sends a broken request; returns what is wrong with its refusal, and who is to send the next one."""
    while True:
        client = callers[-1]
        request = [broken.request] if method.client_streaming else broken.request
        answer = await call(client._connection.channel, method, request, await client.metadata())
        if answer.reason != RATE_LIMITED:
            break
        callers.append(await anext(callers[0]))
    row = f"{method.name} {broken.path} {broken.what}"
    if (answer.code, answer.reason) != (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"):
        return f"{row}: {answer.code.name} {answer.reason}"
    if broken.path not in answer.fields:
        return f"{row}: names {answer.fields}"
    return ""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", SERVED)
async def test_every_bound_of_every_request_is_told_by_its_path_and_changes_nothing(installation, name):
    made, method = installation, SERVED[name]
    source = callers_of(made, name)
    callers = [source, await anext(source)]
    await callers[-1].metadata()
    before = await made.still()
    wrong = [await refused_row(made, method, callers, broken) for broken in breaks(method.descriptor.input_type)]
    await source.aclose()
    assert [each for each in wrong if each] == []
    if len(callers) == 2:  # letting more operators in is an event of its own
        assert await made.still() == before


def test_no_bound_of_the_contract_is_left_out():
    rows = {name: list(breaks(method.descriptor.input_type)) for name, method in SERVED.items()}
    for name, method in SERVED.items():
        told = {part.partition("[")[0] for broken in rows[name] for part in broken.path.split(".")}
        for names, field in bounded(method.descriptor.input_type):
            assert not bounds_of(field).ByteSize() or field.name in told, f"{name} {'.'.join(names)}"
    assert sum(map(len, rows.values())) > ROWS_LEAST


def test_a_specimen_breaks_no_bound():
    for method in SERVED.values():
        check = compile_check(method.descriptor.input_type)
        assert check is None or not check(specimen(method.descriptor.input_type)), method.name

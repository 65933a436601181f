"""Cases about batches and statements: many at once is the same as one by one, and the day's paper says it all.

In: the bank under test. Out: silence, or an error that says which rule broke. Invariant: the statement cases come last
and look at everything that the suite asked before.
"""

from collections import Counter
from typing import Final

from keelpay.api.rail.v1 import operation_pb2
from keelpay_server.book.rail import StatementLine, StatementLineKind, StatementUnavailableError

from .case import BrokenRuleError, NotTriedError, case, expect
from .grpc_subject import Result, Subject, describe, status_of
from .key_cases import NOT_FOUND, SUCCEEDED, captured

_BATCH_ITEMS: Final = 20
_QUERY_ITEMS: Final = 100


@case(40, "a batch is decided as single calls are")
async def try_batch(subject: Subject) -> None:
    """Good, bad and repeated items do not touch each other."""
    capture = not subject.capabilities.separate_capture
    size = min(_BATCH_ITEMS, subject.capabilities.batch_items_max - 1)
    bad = subject.options.declined_instrument or subject.options.instrument
    requests = [
        subject.authorization(instrument=bad if n % 3 == 0 else "", capture=capture, amount_minor=500 + n)
        for n in range(size)
    ]
    results = await subject.batch_authorize([*requests, *requests[:1]])
    by_key = {result.key: result for result in results}
    expect(by_key.keys() == {request.key for request in requests}, "the answer does not hold one result a key")
    for n, request in enumerate(requests):
        result = by_key[request.key]
        good = request.instrument == subject.options.instrument
        expect((result.outcome == SUCCEEDED) == good, f"item {n} of the batch was answered {describe(result)}")
        expect((await subject.send(request)) == result, f"item {n}, sent alone, is answered otherwise")


@case(41, "a batch query answers each key, known or not")
async def try_batch_query(subject: Subject) -> None:
    """Known and unknown keys may be mixed."""
    payment = await captured(subject)
    stranger = subject.new_key()
    by_key = {result.key: result for result in await subject.batch_query([payment.key, stranger])}
    expect(by_key.keys() == {payment.key, stranger}, "the answer does not hold one result a key")
    expect(by_key[payment.key] == await subject.query(payment.key), "the known key is told otherwise than by Query")
    expect(by_key[stranger].outcome == NOT_FOUND, f"the unknown key is told {describe(by_key[stranger])}")


@case(42, "a batch above the declared size is refused whole")
async def try_batch_too_big(subject: Subject) -> None:
    """INVALID_ARGUMENT, and nothing of it was done."""
    size = subject.capabilities.batch_items_max + 1
    status = await status_of(subject.batch_query([subject.new_key() for _ in range(size)]))
    expect(status == "INVALID_ARGUMENT", f"{size} keys were answered by status {status}")


@case(90, "the statement of an open day is refused")
async def try_open_statement(subject: Subject) -> None:
    """FAILED_PRECONDITION until the day is closed."""
    await captured(subject)
    day = await subject.business_date()
    if day is None:
        raise NotTriedError("the bank does not serve SandboxBankControlService.AdvanceTime")
    status = await status_of(subject.statement(day))
    expect(status == "FAILED_PRECONDITION", f"the open day was answered by status {status}")


@case(91, "the statement holds every success exactly once, and nothing else of ours")
async def try_statement(subject: Subject) -> None:
    """Each line has the right sign and amount, the numbers have no gap, and asking twice gives the same."""
    payment = await captured(subject)
    await subject.refund(payment.key, 40)
    day = await subject.business_date(close=True)
    if day is None:
        raise NotTriedError("the bank does not serve SandboxBankControlService.AdvanceTime")
    try:
        statement = await subject.statement(day)
        again = await subject.statement(day)
    except StatementUnavailableError as error:
        raise BrokenRuleError(str(error)) from error
    expect(statement == again, "the same statement, asked for twice, differs")
    told = await _told(subject)
    lines = [line for line in statement.lines if line.kind is not StatementLineKind.FEE]
    counts = Counter(line.reference for line in lines)
    for key, asked in subject.asked.items():
        result = told[key]
        moved = asked.moves_money and result.outcome == SUCCEEDED and result.value_date == day
        expect(counts[key] == moved, f"{_name(subject, key)} is {describe(result)} and has {counts[key]} lines")
    for line in lines:
        if line.reference in subject.asked:
            _check_amount(subject, line, told[line.reference])
    others = [line.reference for line in lines if line.reference and line.reference not in subject.asked]
    strangers = [key for key in others if (await subject.query(key)).outcome == NOT_FOUND]
    expect(not strangers, f"{len(strangers)} lines carry keys that the bank itself does not know")


async def _told(subject: Subject) -> dict[bytes, Result]:
    keys = list(subject.asked)
    step = min(_QUERY_ITEMS, subject.capabilities.batch_items_max)
    told: dict[bytes, Result] = {}
    for start in range(0, len(keys), step):
        told |= {result.key: result for result in await subject.batch_query(keys[start : start + step])}
    return told


def _check_amount(subject: Subject, line: StatementLine, result: Result) -> None:
    asked = subject.asked[line.reference]
    net = subject.capabilities.net_of_cost and asked.amount_minor > 0
    right = asked.amount_minor - result.cost_minor if net else asked.amount_minor
    expect(
        line.amount_minor == right, f"{_name(subject, line.reference)} is stated as {line.amount_minor}, not {right}"
    )


def _name(subject: Subject, key: bytes) -> str:
    kind = operation_pb2.OperationKind.Name(subject.asked[key].kind).removeprefix("OPERATION_KIND_")
    return f"{kind} {key.hex()}"

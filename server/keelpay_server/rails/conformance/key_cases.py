"""Cases about the key: one key is one operation, whoever repeats it and however.

In: the bank under test. Out: silence, or an error that says which rule broke. Invariant: each case uses keys of its
own, so that cases run in any order and again and again on one bank.
"""

import asyncio
from typing import Final

from keelpay.api.rail.v1 import operation_pb2

from .case import NotTriedError, case, expect
from .grpc_subject import Subject, describe

SUCCEEDED: Final = operation_pb2.OUTCOME_SUCCEEDED
DECLINED: Final = operation_pb2.OUTCOME_DECLINED
NOT_FOUND: Final = operation_pb2.OUTCOME_NOT_FOUND
MISMATCH: Final = operation_pb2.OUTCOME_MISMATCH
_DAY_S: Final = 86_400
_REMEMBER_DAYS_MIN: Final = 30
_SETTLE_DAYS_MAX: Final = 7
_AT_ONCE: Final = 10


@case(1, "capabilities are complete")
async def try_capabilities(subject: Subject) -> None:
    """Everything the engine plans with is declared and within its bounds."""
    known = subject.capabilities
    expect(bool(known.bank), "bank is empty")
    expect(known.channel != 0, "channel is unspecified")
    expect(operation_pb2.OPERATION_KIND_AUTHORIZE in known.kinds, "kinds does not hold AUTHORIZE")
    expect(subject.options.currency in known.currency_codes, f"{subject.options.currency} is not in currency_codes")
    expect(known.batch_items_max >= 1, "batch_items_max is below 1")
    expect(known.separate_capture or known.capture_on_authorize, "there is no way to capture")
    expect(known.settle_time.seconds <= _SETTLE_DAYS_MAX * _DAY_S, "settle_time is above 7 days")
    expect(known.remember_time.seconds >= _REMEMBER_DAYS_MIN * _DAY_S, "remember_time is below 30 days")
    for field in ("authorize_timeout", "operation_timeout", "query_timeout"):
        expect(getattr(known, field).ToMicroseconds() > 0, f"{field} is not above zero")


@case(2, "an authorization succeeds and says what it did")
async def try_authorize(subject: Subject) -> None:
    """The answer names the key, the amount and the bank's own number."""
    request = subject.authorization(capture=not subject.capabilities.separate_capture)
    result = await subject.send(request)
    expect(result.outcome == SUCCEEDED, f"the good instrument was answered {describe(result)}")
    expect(result.key == request.key, "the answer carries another key")
    expect(result.amount_minor == request.amount.amount_minor, "the answer carries another amount")
    expect(bool(result.bank_reference), "bank_reference is empty")
    expect(result.HasField("decide_time"), "decide_time is absent")


@case(3, "a repeated key is one operation")
async def try_repeat(subject: Subject) -> None:
    """The second answer is the first one's."""
    request = subject.authorization(capture=subject.capabilities.capture_on_authorize)
    first = await subject.send(request)
    for _ in range(3):
        again = await subject.send(request)
        expect(again == first, f"first {describe(first)} {first.bank_reference}, then {describe(again)} "
               f"{again.bank_reference}")  # fmt: skip


@case(4, "a key with another body is a MISMATCH and changes nothing")
async def try_other_body(subject: Subject) -> None:
    """Amount, instrument and the capture flag are each part of the body."""
    usual = subject.options.amount_minor
    capture = not subject.capabilities.separate_capture
    first = await subject.authorize(capture=capture)
    for other in ({"amount_minor": usual + 1}, {"instrument": subject.options.instrument + "-2"}):
        answer = await subject.authorize(key=first.key, capture=capture, **other)
        expect(answer.outcome == MISMATCH, f"another {next(iter(other))} was answered {describe(answer)}")
    now = await subject.query(first.key)
    expect(now.outcome == SUCCEEDED and now.amount_minor == usual, f"the operation is now {describe(now)}")


@case(5, "repeated refunds and payments out are one operation each")
async def try_repeat_others(subject: Subject) -> None:
    """Every kind is idempotent by its own key."""
    usual = subject.options.amount_minor
    payment = await captured(subject)
    refund_key, pay_key = subject.new_key(), subject.new_key()
    first, again = [await subject.refund(payment.key, usual, key=refund_key) for _ in range(2)]
    expect(first.outcome == SUCCEEDED, f"the refund was answered {describe(first)}")
    expect(first == again, f"refund: first {describe(first)}, then {describe(again)}")
    if operation_pb2.OPERATION_KIND_PAY in subject.capabilities.kinds:
        first, again = [await subject.pay(usual, key=pay_key) for _ in range(2)]
        expect(first == again, f"payment out: first {describe(first)}, then {describe(again)}")


@case(6, "repeated captures and voids are one operation each")
async def try_repeat_captures(subject: Subject) -> None:
    """Every kind is idempotent by its own key."""
    need_separate_capture(subject)
    usual = subject.options.amount_minor
    payment, voided = await subject.authorize(), await subject.authorize()
    capture_key, void_key = subject.new_key(), subject.new_key()
    first, again = [await subject.capture(payment.key, usual, key=capture_key) for _ in range(2)]
    expect(first.outcome == SUCCEEDED, f"the capture was answered {describe(first)}")
    expect(first == again, f"capture: first {describe(first)}, then {describe(again)}")
    first, again = [await subject.void(voided.key, key=void_key) for _ in range(2)]
    expect(first == again, f"void: first {describe(first)}, then {describe(again)}")


@case(7, "duplicates in flight are one operation")
async def try_duplicates_in_flight(subject: Subject) -> None:
    """Ten requests with one key at the same moment are carried out once."""
    request = subject.authorization(capture=subject.capabilities.capture_on_authorize)
    answers = await asyncio.gather(*[subject.send(request) for _ in range(_AT_ONCE)])
    references = {answer.bank_reference for answer in answers if answer.bank_reference}
    expect(len(references) == 1, f"one key got {len(references)} bank references")
    now = await subject.query(request.key)
    expect({now.bank_reference} == references, "a query tells another bank reference than the answers")


@case(8, "a declined key stays declined")
async def try_declined(subject: Subject) -> None:
    """Refusals are remembered as successes are."""
    instrument = subject.options.declined_instrument
    if not instrument:
        raise NotTriedError("no instrument that is always declined was given")
    request = subject.authorization(instrument=instrument, capture=not subject.capabilities.separate_capture)
    first, again = [await subject.send(request) for _ in range(2)]
    expect(first.outcome == DECLINED, f"the declined instrument was answered {describe(first)}")
    expect(first.code != 0, "DECLINED without a code")
    expect(first == again, f"first {describe(first)}, then {describe(again)}")
    expect((await subject.query(request.key)).outcome == DECLINED, "a query does not say DECLINED")


@case(9, "an unknown key is NOT_FOUND, and asking creates nothing")
async def try_unknown_key(subject: Subject) -> None:
    """A key that was asked for may still be used."""
    key = subject.new_key()
    for _ in range(2):
        result = await subject.query(key)
        expect(result.outcome == NOT_FOUND and result.key == key, f"an unknown key was answered {describe(result)}")
    later = await subject.authorize(key=key, capture=not subject.capabilities.separate_capture)
    expect(later.outcome == SUCCEEDED, f"after a query its key was answered {describe(later)}")


@case(10, "a query tells what the answer told")
async def try_query(subject: Subject) -> None:
    """Outcome, amount, cost and number are the same by both ways."""
    payment = await captured(subject)
    refund = await subject.refund(payment.key, subject.options.amount_minor)
    for answer in (payment, refund):
        told = await subject.query(answer.key)
        expect(told == answer, f"answered {describe(answer)}, then told {describe(told)}")


async def captured(subject: Subject) -> operation_pb2.OperationResult:
    """Returns an operation whose money was taken: the AUTHORIZE, captured in full."""
    if subject.capabilities.capture_on_authorize:
        result = await subject.authorize(capture=True)
        expect(result.outcome == SUCCEEDED, f"the good instrument was answered {describe(result)}")
        return result
    result = await subject.authorize()
    taken = await subject.capture(result.key, subject.options.amount_minor)
    expect(taken.outcome == SUCCEEDED, f"a full capture was answered {describe(taken)}")
    return result


def need_separate_capture(subject: Subject) -> None:
    """Ends the case as SKIPPED where the bank cannot reserve first.

    Raises:
        NotTriedError: It cannot.
    """
    if not subject.capabilities.separate_capture:
        raise NotTriedError("the bank declares no separate capture")

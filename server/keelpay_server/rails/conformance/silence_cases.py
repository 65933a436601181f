"""Cases about silence and order: answers that do not come, requests that overtake each other, late decisions.

In: the bank under test. Out: silence, or an error that says which rule broke. Invariant: as in key_cases.
"""

import asyncio
import time
from typing import Final

from keelpay.api.rail.v1 import operation_pb2
from keelpay_server.book.times import SECOND_US

from .case import NotTriedError, case, expect
from .grpc_subject import Result, Subject, describe
from .key_cases import NOT_FOUND, SUCCEEDED, need_separate_capture

PENDING: Final = operation_pb2.OUTCOME_PENDING
FAILED: Final = operation_pb2.OUTCOME_FAILED
_LOOK_S: Final = 0.1


@case(20, "after silence a query tells what happened")
async def try_silence(subject: Subject) -> None:
    """A caller that goes away undoes nothing, and the same key sent again is still one operation."""
    silent = subject.options.silent_instrument
    capture = subject.capabilities.capture_on_authorize
    request = subject.authorization(instrument=silent, capture=capture)
    await subject.send_and_leave(request)
    told = await found_or_settled(subject, request.key)
    if silent:
        expect(told.outcome == SUCCEEDED, f"carried out without an answer, then told {describe(told)}")
    if told.outcome == NOT_FOUND and not subject.capabilities.idempotent:
        return
    again = await subject.send(request)
    if told.outcome != NOT_FOUND:
        expect(again == told, f"told {describe(told)}, then on repeat {describe(again)}")
    expect((await subject.query(request.key)) == again, "a query after the repeat tells something else")


@case(21, "a capture that overtakes its authorization fails and harms nothing")
async def try_overtaking(subject: Subject) -> None:
    """Requests may arrive in any order."""
    need_separate_capture(subject)
    request = subject.authorization()
    early = await subject.capture(request.key, request.amount.amount_minor)
    expect(early.outcome == FAILED, f"a capture of an unknown authorization was answered {describe(early)}")
    expect((await subject.send(request)).outcome == SUCCEEDED, "the authorization behind it did not succeed")
    late = await subject.capture(request.key, request.amount.amount_minor)
    expect(late.outcome == SUCCEEDED, f"a new capture was answered {describe(late)}")


@case(22, "a void fences an authorization that has not arrived")
async def try_fence(subject: Subject) -> None:
    """A void that succeeded proves that nothing will be charged."""
    request = subject.authorization(capture=subject.capabilities.capture_on_authorize)
    void = await subject.void(request.key)
    expect(void.outcome == SUCCEEDED, f"the void of an unknown key was answered {describe(void)}")
    expect(void.amount_minor == 0, "the void of an unknown key gave money back")
    late = await subject.send(request)
    expect(late.outcome == FAILED, f"the fenced authorization was answered {describe(late)}")
    told = await subject.query(request.key)
    expect(told.outcome == FAILED, f"a query of the fenced key tells {describe(told)}")


@case(23, "a pending operation is decided and stays one operation")
async def try_pending(subject: Subject) -> None:
    """PENDING is told to queries and repeats until it is decided, and the decision stands."""
    request = subject.authorization(
        instrument=pending_instrument(subject), capture=subject.capabilities.capture_on_authorize
    )
    first = await subject.send(request)
    expect(first.outcome == PENDING, f"the pending instrument was answered {describe(first)}")
    again = await subject.send(request)
    expect(again.outcome in {PENDING, SUCCEEDED}, f"a repeat while pending was answered {describe(again)}")
    end_s = time.monotonic() + subject.options.decide_s
    told = again
    while told.outcome == PENDING and time.monotonic() < end_s:
        await asyncio.sleep(_LOOK_S)
        told = await subject.query(request.key)
    expect(told.outcome == SUCCEEDED, f"after {subject.options.decide_s:g} s it is {describe(told)}")
    expect((await subject.send(request)) == told, "a repeat after the decision is answered otherwise")


@case(24, "a pending operation can be voided, and then never succeeds")
async def try_void_pending(subject: Subject) -> None:
    """The void ends it."""
    request = subject.authorization(
        instrument=pending_instrument(subject), capture=subject.capabilities.capture_on_authorize
    )
    expect((await subject.send(request)).outcome == PENDING, "the pending instrument was not PENDING")
    void = await subject.void(request.key)
    expect(void.outcome == SUCCEEDED, f"the void was answered {describe(void)}")
    await asyncio.sleep(min(3.0, subject.options.decide_s))
    told = await subject.query(request.key)
    expect(told.outcome == FAILED, f"the voided operation is {describe(told)}")


async def found_or_settled(subject: Subject, key: bytes) -> Result:
    """Queries until the key is known and decided, or the declared settle time has passed.

    Raises:
        NotTriedError: The settle time is longer than the suite may wait.
    """
    settle_s = subject.capabilities.settle_time.ToMicroseconds() / SECOND_US
    end_s = time.monotonic() + min(settle_s, subject.options.settle_s_max)
    told = await subject.query(key)
    while told.outcome in {NOT_FOUND, PENDING} and time.monotonic() < end_s:
        await asyncio.sleep(_LOOK_S)
        told = await subject.query(key)
    if told.outcome == NOT_FOUND and settle_s > subject.options.settle_s_max:
        raise NotTriedError(
            f"the bank settles after {settle_s:g} s, the suite waits {subject.options.settle_s_max:g} s"
        )
    return told


def pending_instrument(subject: Subject) -> str:
    """Returns the instrument that is decided late.

    Raises:
        NotTriedError: None was given.
    """
    if not subject.options.pending_instrument:
        raise NotTriedError("no instrument that is decided late was given")
    return subject.options.pending_instrument

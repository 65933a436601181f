"""Cases about amounts: never more captured than authorized, never more refunded than captured.

In: the bank under test. Out: silence, or an error that says which rule broke. Invariant: as in key_cases.
"""

import asyncio
from typing import Final

import grpc

from keelpay.api.rail.v1 import operation_pb2

from .case import NotTriedError, case, expect
from .grpc_subject import Subject, describe
from .key_cases import SUCCEEDED, captured, need_separate_capture

FAILED: Final = operation_pb2.OUTCOME_FAILED
_AT_ONCE: Final = 10
_REFUSED_STATUS: Final = grpc.StatusCode.INVALID_ARGUMENT


@case(30, "a capture beyond the authorization is refused and changes nothing")
async def try_capture_too_much(subject: Subject) -> None:
    """The whole amount can still be captured after it."""
    need_separate_capture(subject)
    usual = subject.options.amount_minor
    payment = await subject.authorize()
    over = await subject.capture(payment.key, usual + 1)
    expect(over.outcome == FAILED, f"a capture of {usual + 1} of {usual} was answered {describe(over)}")
    full = await subject.capture(payment.key, usual)
    expect(full.outcome == SUCCEEDED, f"the full capture after it was answered {describe(full)}")
    more = await subject.capture(payment.key, 1)
    expect(more.outcome == FAILED, f"a capture after the full one was answered {describe(more)}")


@case(31, "partial captures add up as the capabilities say")
async def try_partial_captures(subject: Subject) -> None:
    """Parts are taken, or refused, exactly as declared."""
    need_separate_capture(subject)
    usual = subject.options.amount_minor
    payment = await subject.authorize()
    part = await subject.capture(payment.key, usual - 40)
    if not subject.capabilities.partial_capture:
        expect(part.outcome == FAILED, f"an undeclared partial capture was answered {describe(part)}")
        return
    expect(part.outcome == SUCCEEDED, f"a partial capture was answered {describe(part)}")
    second = await subject.capture(payment.key, 40)
    if not subject.capabilities.multiple_capture:
        expect(second.outcome == FAILED, f"an undeclared second capture was answered {describe(second)}")
        return
    expect(second.outcome == SUCCEEDED, f"the second part was answered {describe(second)}")
    third = await subject.capture(payment.key, 1)
    expect(third.outcome == FAILED, f"a part beyond the whole was answered {describe(third)}")


@case(32, "a final capture gives the rest back")
async def try_final_capture(subject: Subject) -> None:
    """Nothing can be captured after it."""
    need_separate_capture(subject)
    if not subject.capabilities.partial_capture:
        raise NotTriedError("the bank declares no partial capture")
    payment = await subject.authorize()
    final = await subject.capture(payment.key, subject.options.amount_minor - 40, final=True)
    expect(final.outcome == SUCCEEDED, f"the final capture was answered {describe(final)}")
    more = await subject.capture(payment.key, 40)
    expect(more.outcome == FAILED, f"a capture after the final one was answered {describe(more)}")


@case(33, "captures at the same moment never exceed the authorization")
async def try_captures_at_once(subject: Subject) -> None:
    """The limit holds under a race."""
    need_separate_capture(subject)
    usual = subject.options.amount_minor
    payment = await subject.authorize()
    part = usual // 3
    answers = await asyncio.gather(*[subject.capture(payment.key, part) for _ in range(_AT_ONCE)])
    taken = sum(part for answer in answers if answer.outcome == SUCCEEDED)
    expect(taken <= usual, f"{taken} of {usual} was captured")


@case(34, "a void gives back what is reserved, and nothing can be captured after it")
async def try_void(subject: Subject) -> None:
    """The amount given back is told."""
    need_separate_capture(subject)
    usual = subject.options.amount_minor
    payment = await subject.authorize()
    void = await subject.void(payment.key)
    expect(void.outcome == SUCCEEDED, f"the void was answered {describe(void)}")
    expect(void.amount_minor == usual, f"the void tells {void.amount_minor} given back of {usual}")
    late = await subject.capture(payment.key, usual)
    expect(late.outcome == FAILED, f"a capture after the void was answered {describe(late)}")


@case(35, "a void after the full capture is refused")
async def try_void_captured(subject: Subject) -> None:
    """What was taken is returned by refunds only."""
    payment = await captured(subject)
    void = await subject.void(payment.key)
    expect(void.outcome == FAILED, f"the void of a captured payment was answered {describe(void)}")
    refund = await subject.refund(payment.key, subject.options.amount_minor)
    expect(refund.outcome == SUCCEEDED, f"the refund after it was answered {describe(refund)}")


@case(36, "a refund beyond the capture is refused and changes nothing")
async def try_refund_too_much(subject: Subject) -> None:
    """Refunds add up to the captured amount and not beyond."""
    usual = subject.options.amount_minor
    payment = await captured(subject)
    over = await subject.refund(payment.key, usual + 1)
    expect(over.outcome == FAILED, f"a refund of {usual + 1} of {usual} was answered {describe(over)}")
    for amount in (40, usual - 40):
        part = await subject.refund(payment.key, amount)
        expect(part.outcome == SUCCEEDED, f"a refund of {amount} was answered {describe(part)}")
    more = await subject.refund(payment.key, 1)
    expect(more.outcome == FAILED, f"a refund after the full one was answered {describe(more)}")


@case(37, "refunds at the same moment never exceed the capture")
async def try_refunds_at_once(subject: Subject) -> None:
    """The limit holds under a race."""
    usual = subject.options.amount_minor
    payment = await captured(subject)
    part = usual // 3
    answers = await asyncio.gather(*[subject.refund(payment.key, part) for _ in range(_AT_ONCE)])
    returned = sum(part for answer in answers if answer.outcome == SUCCEEDED)
    expect(returned <= usual, f"{returned} of {usual} was refunded")


@case(38, "what was not captured cannot be refunded")
async def try_refund_uncaptured(subject: Subject) -> None:
    """A reservation is given back by a void, an unknown key by nothing."""
    stranger = await subject.refund(subject.new_key(), 1)
    expect(stranger.outcome == FAILED, f"a refund of an unknown key was answered {describe(stranger)}")
    if not subject.capabilities.separate_capture:
        return
    payment = await subject.authorize()
    refund = await subject.refund(payment.key, 1)
    expect(refund.outcome == FAILED, f"a refund of a reservation was answered {describe(refund)}")


@case(39, "amounts of zero or less and foreign currencies are refused")
async def try_bad_amounts(subject: Subject) -> None:
    """Refused as FAILED, or by INVALID_ARGUMENT."""
    capture = not subject.capabilities.separate_capture
    for wish in ({"amount_minor": 0}, {"amount_minor": -1}, {"currency": "XXX"}):
        try:
            answer = await subject.authorize(capture=capture, **wish)
        except grpc.aio.AioRpcError as error:
            expect(error.code() is _REFUSED_STATUS, f"{wish} was answered by status {error.code().name}")
        else:
            expect(answer.outcome == FAILED, f"{wish} was answered {describe(answer)}")

import pytest

from keelpay_server.ledger.account import merchant_unsettled, payer_balance
from keelpay_server.ledger.hold import Hold, HoldError

CNY = 156
HOLD = Hold(payer_balance(1, CNY), merchant_unsettled(2, CNY, 1), 100)


def test_a_hold_can_be_captured_many_times():
    after = HOLD.capture(30).capture(50)
    assert (after.captured, after.released, after.rest) == (80, 0, 20)
    assert after.capture(20).rest == 0


def test_a_final_capture_releases_the_rest():
    after = HOLD.capture(30, final=True)
    assert (after.captured, after.released, after.rest) == (30, 70, 0)


@pytest.mark.parametrize("amount", [101, 0, -1])
def test_capture_beyond_the_rest_is_refused(amount):
    with pytest.raises(HoldError):
        HOLD.capture(amount)


@pytest.mark.parametrize("amount", [101, 0, -1])
def test_release_beyond_the_rest_is_refused(amount):
    with pytest.raises(HoldError):
        HOLD.release(amount)


def test_a_hold_without_rest_gives_nothing_more():
    with pytest.raises(HoldError):
        HOLD.release().release()
    with pytest.raises(HoldError):
        HOLD.capture(30, final=True).capture(1)


def test_a_part_may_be_released_and_the_rest_captured():
    after = HOLD.release(40).capture(60)
    assert (after.captured, after.released) == (60, 40)


def test_placing_and_ending_a_hold_leave_nothing_pending():
    after = HOLD.capture(30)
    moves = HOLD.placed() + HOLD.freed(after) + after.freed(after.release())
    assert [move[2] for move in moves] == [100, -30, -70]
    assert {move[:2] for move in moves} == {(HOLD.debit, HOLD.credit)}


def test_a_step_that_frees_nothing_has_no_pending_move():
    assert HOLD.freed(HOLD) == ()

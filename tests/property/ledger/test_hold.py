from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.ledger.account import merchant_unsettled, payer_balance
from keelpay_server.ledger.hold import Hold, HoldError

STEPS = st.lists(st.tuples(st.sampled_from(["capture", "final", "release"]), st.integers(-2, 60)), max_size=12)


@given(amount=st.integers(1, 100), steps=STEPS)
def test_a_hold_stays_within_its_bounds_and_its_rest_is_what_is_pending(amount, steps):
    hold = Hold(payer_balance(1, 156), merchant_unsettled(2, 156, 1), amount)
    pending = sum(move[2] for move in hold.placed())
    for kind, part in steps:
        try:
            after = hold.release(part) if kind == "release" else hold.capture(part, final=kind == "final")
        except HoldError:
            assert not 0 < part <= hold.rest
            continue
        pending += sum(move[2] for move in hold.freed(after))
        hold = after
        assert 0 <= hold.captured + hold.released <= amount
        assert min(hold.captured, hold.released) >= 0
        assert pending == hold.rest

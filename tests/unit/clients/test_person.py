import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_clients.mixture import Way
from keelpay_clients.person import Person, card_number
from keelpay_clients.planned_payment import Obstacle
from keelpay_server.gateway.card import brand_of
from keelpay_server.rails.sandbox.magic import instrument_of
from keelpay_server.rails.sandbox.tokenizer import SandboxTokenizer, card_of

ANN = Person(name="partners/p/payers/ann", token="ann", region="CN-EAST")


def luhn(number):
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10


@given(st.integers(0, 10**30))
def test_every_card_has_the_right_check_digit(number):
    card = card_number(number)
    assert len(card) == 16
    assert luhn(card) == 0


def test_cards_are_of_a_known_brand():
    assert brand_of(card_number(1)) == "unionpay"


@pytest.mark.parametrize(
    ("obstacle", "scenario"), [(Obstacle.NO_MONEY, "insufficient-funds"), (Obstacle.REFUSED, "do-not-honor")]
)
async def test_instruments_with_an_obstacle_are_those_of_the_sandbox_bank(obstacle, scenario):
    account = ANN.details(Way.WALLET, obstacle).wallet_account
    assert ANN.details(Way.CARD, obstacle).number == card_of(scenario)
    assert await SandboxTokenizer().token("bank", account, "digest") == instrument_of(scenario)


def test_the_same_person_is_the_same_one_in_every_run():
    twin = Person(name="partners/p/payers/other", token="ann", region="CN-WEST")
    assert ANN.device() == twin.device()
    assert ANN.details(Way.CARD) == twin.details(Way.CARD)


def test_two_people_share_no_device():
    assert ANN.device() != Person(name="x", token="bob", region="CN-EAST").device()


def test_a_thief_has_another_phone():
    assert ANN.device(stolen=True) != ANN.device()


def test_without_a_passkey_nothing_is_signed():
    with pytest.raises(LookupError, match="no passkey"):
        ANN.sign(None)

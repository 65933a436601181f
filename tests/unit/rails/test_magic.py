"""The magic table asks for what it says, and for nothing by accident."""

import re

from keelpay_server.rails.sandbox.magic import SCENARIOS, amount_of, instrument_of, scenario_of
from keelpay_server.rails.sandbox.magic_table import table_text
from keelpay_server.rails.sandbox.tokenizer import SandboxTokenizer


def test_every_scenario_is_asked_for_by_its_amount_and_by_its_instrument():
    for name in SCENARIOS:
        assert scenario_of(amount_of(name), "tok-x") == name
        assert scenario_of(100, instrument_of(name)) == name


def test_amounts_name_one_scenario_each():
    amounts = [amount_of(name) for name in SCENARIOS]
    assert len(set(amounts)) == len(amounts)
    assert all(9_990_000 < amount < 9_990_100 for amount in amounts)


def test_ordinary_payments_ask_for_nothing():
    for amount in (1, 999, 9_990_000, 9_990_100, 10_000_000):
        assert scenario_of(amount, "tok-4f9a") == ""
    assert scenario_of(1, "") == ""


async def test_what_the_printed_table_says_to_type_asks_for_the_story_beside_it():
    rows = [[cell.strip(" `") for cell in line.strip("|\n").split("|")] for line in table_text().splitlines()[2:]]
    assert [row[0] for row in rows] == list(SCENARIOS)
    for scenario, card, account, amount, kinds, what in rows:
        for number in (card, account):
            assert await SandboxTokenizer().token("bank", number, "-") == instrument_of(scenario)
        assert scenario_of(int(re.sub(r"[,.]", "", amount)), "") == scenario
        assert kinds.split(", ") == [kind.name for kind in SCENARIOS[scenario].kinds]
        assert what == SCENARIOS[scenario].note


def test_the_printed_table_is_straight():
    lines = table_text().splitlines()
    assert len({tuple(place for place, letter in enumerate(line) if letter == "|") for line in lines}) == 1

"""The magic table asks for what it says, and for nothing by accident."""

from keelpay_server.rails.sandbox.magic import SCENARIOS, amount_of, instrument_of, scenario_of, table_text


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


def test_the_printed_table_holds_every_scenario():
    text = table_text()
    for name, row in SCENARIOS.items():
        assert f"| `{instrument_of(name)}` | {amount_of(name)} |" in text
        assert row.note in text

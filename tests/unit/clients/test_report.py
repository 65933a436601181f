from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from keelpay_clients.figures import (
    Books,
    BreakFigure,
    FindingFigure,
    LedgerFigures,
    PaymentFigure,
    PayoutFigure,
    Played,
    RefundFigure,
    SettlementFigure,
    StatementFigure,
)
from keelpay_clients.report import Check, Report, Share, Spread, groups, money, spread, success_of
from keelpay_clients.report_table import print_report


def payment(**fields):
    row = PaymentFigure("WALLET", "CN-EAST", "CAPTURED", True, False, False, False, False, 10, 2, 1000, 0, 6)
    return row._replace(**fields)


DECLINED = payment(state="REQUIRES_PAYMENT_METHOD", paid=False, captured_minor=0, fee_minor=0)
FINDINGS = tuple(FindingFigure(number, 1, True, 100, "") for number in range(1, 9))


def books(**fields):
    ledger = LedgerFigures((("bank", 2000),), 116, 40, 0, 0, 0, 0, 0, 0)
    whole = Books(
        payments=(payment(), payment(channel="CARD", refunded_minor=500, fee_minor=10)),
        refunds=(RefundFigure("SUCCEEDED", 500, 5, False, "UNSPECIFIED"),),
        settlements=(SettlementFigure(2000, 16, 495, 1489, True),),
        payouts=(PayoutFigure("PAID", 1489, True),),
        statements=(StatementFigure("bank", 3, 3, 1500), StatementFigure("bank", 2, 2, 2000)),
        breaks=(),
        findings=FINDINGS,
        ledger=ledger,
        fee_income_before=105,
        bank_cost_before=30,
    )
    return whole._replace(**fields)


PLAYED = Played(2, 2, 2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, (), 10)


def report(*, played=PLAYED, **fields):
    return Report(books(**fields), played, "CNY")


def test_a_good_run_has_no_faults():
    assert report().faults == []
    assert report().ok


def test_figures_of_the_run_leave_out_what_was_there_before():
    assert report().fee_minor == 11
    assert report().bank_cost_minor == 10


def test_success_leaves_out_want_of_funds_and_what_was_abandoned_or_is_open():
    left_out = [DECLINED._replace(**{name: True}) for name in ("unfunded", "abandoned", "open")]
    assert success_of([payment(), DECLINED, *left_out]) == Share(1, 2)


def test_a_share_of_nothing_is_nothing():
    assert Share(0, 0).ppm == 0


@pytest.mark.parametrize(
    ("share", "text"), [(Share(1, 3), "33.33 %"), (Share(1999, 2000), "99.95 %"), (Share(1, 1), "100.00 %")]
)
def test_shares_are_rounded_to_the_nearest(share, text):
    assert str(share) == text


def test_percentiles_are_nearest_ranks():
    assert spread(range(1, 101)) == Spread(50, 99, 100)
    assert spread([7]) == Spread(7, 7, 7)
    assert spread([]) == Spread(0, 0, 0)
    assert spread([1, 2, 3]) == Spread(2, 3, 3)


def test_times_are_those_of_paid_payments():
    slow = DECLINED._replace(system_ms=9000)
    assert report(payments=(payment(), slow)).system == Spread(10, 10, 10)


def test_groups_are_sorted_by_size():
    made = groups([payment(), payment(channel="CARD"), payment(channel="CARD")], lambda each: each.channel)
    assert [(group.name, group.payments, group.captured_minor) for group in made] == [
        ("CARD", 2, 2000),
        ("WALLET", 1, 1000),
    ]


def test_the_newest_statement_of_a_bank_counts():
    (check,) = [each for each in report().checks if each.what == "at bank"]
    assert (check.left_value, check.right_value) == (2000, 2000)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"payments": (payment(),)}, "1 payments are missing"),
        ({"breaks": (BreakFigure("breaks/b", "BANK_ONLY", "OPEN", False),)}, "unexplained break breaks/b"),
        ({"findings": (*FINDINGS[:7], FINDINGS[7]._replace(ok=False, detail="a leg"))}, "invariant 8: a leg"),
        ({"findings": FINDINGS[:7]}, "invariant 8: not checked"),
        ({"payouts": ()}, "merchants' money"),
        ({"statements": ()}, "at bank"),
        ({"refunds": ()}, "refunds"),
        ({"settlements": ()}, "captured"),
        ({"fee_income_before": 0}, "fees"),
    ],
)
def test_whatever_is_wrong_is_told(fields, fault):
    assert any(each.startswith(fault) for each in report(**fields).faults)


def test_what_the_program_saw_is_compared_with_what_the_server_says():
    seen = replace_played(paid=1, captured_minor=1999)
    assert {check.what for check in report(played=seen).checks if not check.ok} == {"paid", "captured"}


def replace_played(**fields):
    return PLAYED._replace(**fields)


def test_a_failed_act_is_a_fault():
    assert report(played=replace_played(failures=("RATE_LIMITED: no",))).faults == ["RATE_LIMITED: no"]


def test_an_explained_break_is_no_fault():
    settled = BreakFigure("breaks/b", "LEDGER_ONLY", "EXPLAINED", True)
    assert report(breaks=(settled,)).ok


def test_only_the_systems_own_lag_counts():
    late = RefundFigure("SUCCEEDED", 500, 5, True, "BANK")
    assert report(refunds=(late,)).lagging == Share(0, 1)
    assert report(refunds=(late._replace(lag_cause="SYSTEM"),)).lagging == Share(1, 1)


@pytest.mark.parametrize(
    ("amount_minor", "text"),
    [(123456789, "1,234,567.89 CNY"), (5, "0.05 CNY"), (-5, "-0.05 CNY"), (-123400, "-1,234.00 CNY")],
)
def test_amounts_are_read_with_thousands(amount_minor, text):
    assert money(amount_minor, "CNY") == text


def test_amounts_that_are_known_twice_are_read_in_their_currency_and_counts_are_not():
    out = Console(record=True, width=80, file=StringIO())
    print_report(report(settlements=(SettlementFigure(1999, 16, 495, 1488, True),)), out)
    told = " ".join(out.export_text().split())
    assert "│ ≠ 19.99 CNY │" in told
    assert "captured: payments 20.00 CNY, settlements 19.99 CNY" in told
    assert "payments │ played │ listed │ 2 │" in told


@pytest.mark.parametrize("fields", [{}, {"findings": (), "payments": ()}])
def test_the_tables_fit_eighty_columns(fields):
    out = Console(record=True, width=80, file=StringIO())
    print_report(report(**fields), out)
    lines = out.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert ("All green" in lines[-2] + lines[-1]) == (not fields)


def test_a_check_passes_only_for_equal_values():
    assert Check("x", "a", 1, "b", 1).ok
    assert not Check("x", "a", 1, "b", 2).ok
    assert replace(report(), currency="EUR").currency == "EUR"

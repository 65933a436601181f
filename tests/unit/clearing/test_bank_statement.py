"""Laws of what is kept of a bank's statement."""

from datetime import date

from keelpay_server.book import rail
from keelpay_server.clearing.bank_statement import lines_of

LINE = rail.StatementLine(
    line_number=1, natural_key="n-1", kind=rail.StatementLineKind.OTHER, amount_minor=5, currency="CNY", reference=b"",
    date=date(2026, 5, 1), bank_reference="RF18\u200b5390", text="Corner\u202eefaC\nCafé",
)  # fmt: skip


def test_what_a_line_says_is_kept_without_what_nobody_can_see():
    (row,) = lines_of(bytes(16), "bank", (LINE,))
    assert (row.bank_reference, row.text) == ("RF185390", "CornerefaC Café")
    assert row.natural == "bank/n-1"

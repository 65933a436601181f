"""ISO 20022 camt.053 (BankToCustomerStatement): a bank's statement as XML, in any version of the message.

In: bytes and the bank's short name, which the message does not carry. Out: a statement. Pure. Invariant: no entity, DTD
or outside reference is ever followed; what parses is whole (the booked entries and both balances agree), and everything
else raises `StatementFileError` and says at which entry.

The key of the operation stands in EndToEndId as 32 hexadecimal digits. What an entry is comes from its proprietary
transaction code where that is one of our own words, else from the ISO bank transaction code.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

import defusedxml.ElementTree as SafeTree
from defusedxml import DefusedXmlException

from keelpay_server.book.rail import Statement, StatementLine, StatementLineKind
from keelpay_server.book.statement_file import StatementFileError
from keelpay_server.ledger.currency import Currency, CurrencyError, currency
from keelpay_server.ledger.money import AmountError, parse_minor

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
LINES_MAX: Final = 200_000
TEXT_MAX: Final = 140
KEY_MAX: Final = 80
REFERENCE_MAX: Final = 64
NUMBER_MAX: Final = 10**9

_NAMESPACE: Final = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}\}")
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_BY_CODE: Final = {
    ("MCRD", True): StatementLineKind.CAPTURE_SETTLEMENT,
    ("MCRD", False): StatementLineKind.REFUND,
    ("CCRD", True): StatementLineKind.CAPTURE_SETTLEMENT,
    ("CCRD", False): StatementLineKind.REFUND,
    ("RCDT", True): StatementLineKind.CAPTURE_SETTLEMENT,
    ("RDDT", True): StatementLineKind.CAPTURE_SETTLEMENT,
    ("ICDT", False): StatementLineKind.PAYOUT,
    ("IRCT", False): StatementLineKind.PAYOUT,
    ("ICDT", True): StatementLineKind.PAYOUT_RETURN,
    ("IRCT", True): StatementLineKind.PAYOUT_RETURN,
}
"""ISO bank transaction family and whether money came in, for entries that name an operation of ours."""
_CHARGES: Final = frozenset({"CHRG", "COMM", "FEES"})
"""ISO sub-families of what a bank charges."""


def parse_camt053(content: bytes, bank: str) -> Statement:
    """Returns the statement in a message.

    Args:
        content: The whole file, at most FILE_BYTES_MAX.
        bank: The short name of the bank that sent it.

    Raises:
        StatementFileError: It is foreign, malformed, too big, or its numbers do not agree.
    """
    if len(content) > FILE_BYTES_MAX:
        raise StatementFileError(0, f"the file is larger than {FILE_BYTES_MAX} bytes")
    try:
        root = SafeTree.fromstring(content, forbid_dtd=True)
    except (SafeTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        line, _ = getattr(error, "position", (0, 0))
        raise StatementFileError(line, "the file is not well-formed XML without a DTD") from None
    namespace = _NAMESPACE.match(root.tag)
    if namespace is None:
        raise StatementFileError(0, "the file is not a camt.053 message of ISO 20022")
    statements = root.findall("./x:BkToCstmrStmt/x:Stmt", {"x": namespace[0][1:-1]})
    if len(statements) != 1:
        raise StatementFileError(0, f"a file holds one statement, not {len(statements)}")
    return _Reader(namespace[0]).statement(statements[0], bank)


class _Reader:
    """Reads one statement of one version's namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def statement(self, root: Element, bank: str) -> Statement:
        unit = self._currency(root)
        opening, closing = self._balance(root, unit, "OPBD"), self._balance(root, unit, "CLBD")
        number = self._text(root, "ElctrncSeqNb") or self._text(root, "LglSeqNb")
        if not (number.isascii() and number.isdecimal() and 0 < int(number) <= NUMBER_MAX):
            raise StatementFileError(0, f"its sequence number is not a whole number from 1 to {NUMBER_MAX}")
        day = self._day(root)
        lines = tuple(self._lines(root, unit, day))
        if len({line.natural_key for line in lines}) != len(lines):
            raise StatementFileError(0, "two entries have one reference")
        if opening + sum(line.amount_minor for line in lines) != closing:
            raise StatementFileError(0, "the opening balance and the entries do not add up to the closing balance")
        return Statement(bank, int(number), day, unit.code, opening, closing, lines)

    def _lines(self, root: Element, unit: Currency, day: date) -> Iterator[StatementLine]:
        number = 0
        for at, entry in enumerate(self._all(root, "Ntry"), start=1):
            if (self._text(entry, "Sts", "Cd") or self._text(entry, "Sts")) != "BOOK":
                continue
            incoming = self._incoming(entry, at)
            whole = self._amount(entry, unit, at)
            details = [one for group in self._all(entry, "NtryDtls") for one in self._all(group, "TxDtls")]
            parts = [self._amount(one, unit, at) for one in details if self._find(one, "Amt") is not None]
            if len(details) < 2 or len(parts) != len(details):  # noqa: PLR2004  (two make a batch)
                details, parts = details[:1] or [entry], [whole]
            if sum(parts) != whole:
                raise StatementFileError(at, f"entry {at}: its details do not add up to its amount")
            for n, (detail, amount) in enumerate(zip(details, parts, strict=True)):
                number += 1
                if number > LINES_MAX:
                    raise StatementFileError(at, f"more than {LINES_MAX} entries")
                yield self._line(entry, detail, number, n if len(parts) > 1 else None, amount, unit, day, incoming, at)

    def _line(
        self, entry: Element, detail: Element, number: int, part: int | None, amount: int, unit: Currency, day: date,
        incoming: bool, at: int,
    ) -> StatementLine:  # fmt: skip
        reference = self._text(entry, "AcctSvcrRef") or self._text(entry, "NtryRef")
        if not reference:
            raise StatementFileError(at, f"entry {at} has neither AcctSvcrRef nor NtryRef, so it has no name")
        natural = reference if part is None else f"{reference}/{part + 1}"
        if len(natural) > KEY_MAX:
            raise StatementFileError(at, f"entry {at}: its reference is longer than {KEY_MAX} characters")
        end_to_end = self._text(detail, "Refs", "EndToEndId").replace("-", "").lower()
        key = bytes.fromhex(end_to_end) if _KEY.fullmatch(end_to_end) else b""
        bank_reference = self._text(detail, "Refs", "AcctSvcrRef") or reference
        if amount == 0:
            raise StatementFileError(at, f"entry {at} has an amount of zero")
        return StatementLine(
            line_number=number, natural_key=natural, kind=self._kind(entry, detail, incoming, named=bool(key)),
            amount_minor=amount if incoming else -amount, currency=unit.code, reference=key, date=day,
            bank_reference=bank_reference[:REFERENCE_MAX], text=self._text(entry, "AddtlNtryInf")[:TEXT_MAX],
        )  # fmt: skip

    def _kind(self, entry: Element, detail: Element, incoming: bool, *, named: bool) -> StatementLineKind:
        """Tells what an entry is; without a key of ours, only what a bank says about itself can be told."""
        for place in (detail, entry):
            own = self._text(place, "BkTxCd", "Prtry", "Cd")
            if own in StatementLineKind.__members__:
                return StatementLineKind[own]
        family = self._text(entry, "BkTxCd", "Domn", "Fmly", "Cd")
        if self._text(entry, "BkTxCd", "Domn", "Fmly", "SubFmlyCd") in _CHARGES:
            return StatementLineKind.FEE
        return _BY_CODE.get((family, incoming), StatementLineKind.OTHER) if named else StatementLineKind.OTHER

    def _currency(self, root: Element) -> Currency:
        try:
            return currency(self._text(root, "Acct", "Ccy"))
        except CurrencyError:
            raise StatementFileError(0, "the account names no currency that is known") from None

    def _balance(self, root: Element, unit: Currency, kind: str) -> int:
        found = [b for b in self._all(root, "Bal") if self._text(b, "Tp", "CdOrPrtry", "Cd") == kind]
        if len(found) != 1:
            raise StatementFileError(0, f"it has not exactly one balance {kind}")
        amount = self._amount(found[0], unit, 0)
        return amount if self._incoming(found[0], 0) else -amount

    def _day(self, root: Element) -> date:
        """The day of the closing balance: the statement's business day."""
        for balance in self._all(root, "Bal"):
            if self._text(balance, "Tp", "CdOrPrtry", "Cd") == "CLBD":
                told = self._text(balance, "Dt", "Dt") or self._text(balance, "Dt", "DtTm")[:10]
                try:
                    return date.fromisoformat(told)
                except ValueError:
                    break
        raise StatementFileError(0, "its closing balance has no date")

    def _amount(self, place: Element, unit: Currency, at: int) -> int:
        found = self._find(place, "Amt")
        if found is None or found.get("Ccy") != unit.code:
            raise StatementFileError(at, f"entry {at}: an amount is missing or of another currency than the account")
        try:
            return parse_minor((found.text or "").strip(), unit)
        except AmountError as error:
            raise StatementFileError(at, f"entry {at}: {error}") from None

    def _incoming(self, place: Element, at: int) -> bool:
        told = self._text(place, "CdtDbtInd")
        if told not in {"CRDT", "DBIT"}:
            raise StatementFileError(at, f"entry {at}: CdtDbtInd is neither CRDT nor DBIT")
        return told == "CRDT"

    def _find(self, place: Element, *path: str) -> Element | None:
        return place.find("/".join(f"{self._namespace}{name}" for name in path))

    def _all(self, place: Element, name: str) -> list[Element]:
        return place.findall(f"{self._namespace}{name}")

    def _text(self, place: Element, *path: str) -> str:
        found = self._find(place, *path)
        return "" if found is None else (found.text or "").strip()

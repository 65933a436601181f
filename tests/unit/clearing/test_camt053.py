"""camt.053: what a bank says in ISO 20022 is read whole, or refused with its place."""

import pytest

from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.statement_file import StatementFileError
from keelpay_server.rails.camt053 import FILE_BYTES_MAX, parse_camt053

KEY = "00112233445566778899aabbccddeeff"


def entry(amount="10.00", sign="CRDT", ref="R-1", key=KEY, family="MCRD", sub="POSP", own="", status="BOOK", extra=""):
    code = f"<Prtry><Cd>{own}</Cd></Prtry>" if own else ""
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>'
        f"<AcctSvcrRef>{ref}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd>"
        f"</Fmly></Domn>{code}</BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{key}</EndToEndId></Refs></TxDtls>{extra}"
        "</NtryDtls><AddtlNtryInf>text</AddtlNtryInf></Ntry>"
    )


def balance(kind, amount, sign="CRDT"):
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>{amount}</Amt>"
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-05-01</Dt></Dt></Bal>"
    )


def message(*entries, opening="100.00", closing="110.00", version="08", number="7", head=""):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.'
        f'{version}"><BkToCstmrStmt><Stmt><Id>S</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Ccy>CNY</Ccy></Acct>'
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


@pytest.mark.parametrize("version", ["02", "08", "13"])
def test_a_statement_is_read_in_any_version(version):
    read = parse_camt053(message(entry(), version=version), "icbc")
    (line,) = read.lines
    assert (read.bank, read.number, read.currency, str(read.date)) == ("icbc", 7, "CNY", "2026-05-01")
    assert (read.opening_balance_minor, read.closing_balance_minor) == (10_000, 11_000)
    assert (line.amount_minor, line.reference.hex(), line.natural_key) == (1000, KEY, "R-1")
    assert line.kind is StatementLineKind.CAPTURE_SETTLEMENT


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"family": "ICDT", "sub": "ESCT", "sign": "DBIT"}, StatementLineKind.PAYOUT),
        ({"family": "ICDT", "sub": "RRTN"}, StatementLineKind.PAYOUT_RETURN),
        ({"family": "MCRD", "sign": "DBIT"}, StatementLineKind.REFUND),
        ({"family": "MDOP", "sub": "CHRG", "sign": "DBIT"}, StatementLineKind.FEE),
        ({"family": "RCDT", "key": "NOTPROVIDED"}, StatementLineKind.OTHER),
        ({"family": "XXXX", "own": "TOP_UP"}, StatementLineKind.TOP_UP),
    ],
)
def test_an_entry_is_what_its_codes_say(facts, kind):
    closing = "90.00" if facts.get("sign") == "DBIT" else "110.00"
    (line,) = parse_camt053(message(entry(**facts), closing=closing), "icbc").lines
    assert line.kind is kind


def test_entries_that_are_only_announced_do_not_count():
    assert parse_camt053(message(entry(status="PDNG"), closing="100.00"), "icbc").lines == ()


def test_a_batch_entry_becomes_a_line_a_detail():
    batch = (
        entry(amount="10.00")
        .replace("<TxDtls><Refs>", '<TxDtls><Amt Ccy="CNY">4.00</Amt><Refs>')
        .replace(
            "</TxDtls>",
            f'</TxDtls><TxDtls><Amt Ccy="CNY">6.00</Amt><Refs><EndToEndId>{KEY[::-1]}</EndToEndId></Refs></TxDtls>',
            1,
        )
    )
    read = parse_camt053(message(batch), "icbc")
    assert [(line.amount_minor, line.natural_key) for line in read.lines] == [(400, "R-1/1"), (600, "R-1/2")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "well-formed"),
        (b"<a/>", "camt.053"),
        (message(entry())[:-20], "well-formed"),
        (message(entry(), closing="111.00"), "add up"),
        (message(entry(amount="10.001")), "decimals"),
        (message(entry(amount="-1.00")), "digits"),
        (message(entry(sign="BOTH")), "CdtDbtInd"),
        (message(entry(ref="")), "no name"),
        (message(entry(), entry(), closing="120.00"), "one reference"),
        (message(entry(), number="x"), "sequence number"),
        (message(entry(), head='<!DOCTYPE a [<!ENTITY b "c">]>'), "DTD"),
        (message(entry()).replace(b'Amt Ccy="CNY"', b'Amt Ccy="USD"'), "another currency"),
        (b" " * (FILE_BYTES_MAX + 1), "larger"),
    ],
)
def test_what_is_not_a_whole_statement_is_refused(content, says):
    with pytest.raises(StatementFileError, match=says):
        parse_camt053(content, "icbc")

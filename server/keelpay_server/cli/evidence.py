"""`keelpay evidence`: checks offline what somebody signed.

In: an evidence file. Out: what it proves, and an exit code. Invariant: no clock, no network, no database.
"""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .running import FOUND_WRONG, REFUSED_ACT

if TYPE_CHECKING:
    from keelpay_server.auth.assertion import Verified
    from keelpay_server.auth.evidence_report import EvidenceReport
    from keelpay_server.auth.terms import Terms


MALFORMED = "malformed"
MINOR = "_minor"
FILE_BYTES_MAX: Final = 1024 * 1024
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def evidence() -> None:
    """Check what somebody signed, offline and years later."""


@evidence.command()
@click.argument("file", type=FILE)
@click.option("--jwks", type=FILE, help="The installation's public keys, as `keelpay keys jwks` prints them.")
def verify(file: Path, jwks: Path | None) -> None:
    """Check an evidence FILE: did this passkey sign exactly these terms, and was that accepted?

    It says first what became of it, accepted or refused and when; then in words what the payer was shown. The outcome
    and the times are the installation's own word, sealed with a key that the payer's signature names; that the key is
    the installation's, and the passkey the payer's, is certain with --jwks. The digest is that of the event
    `confirmation.consumed`, which the journal keeps: compare them to know that the file is the one that was kept.

    The file is `evidence.document_json` of GetConfirmation, for payments and mandates alike.

    \b
    Exit status:
      0  genuine, and accepted
      1  not valid: it proves nothing
      6  genuine, and refused: the act did not happen by it

    \b
    Example:
      keelpay keys jwks > jwks.json
      keelpay evidence verify --jwks jwks.json cnf-01k5w3.json
    """
    from keelpay_server.auth.evidence_report import read_jwks, verify_evidence

    text = _text_of(file)
    try:
        known = None if jwks is None else read_jwks(_text_of(jwks))
    except ValueError as error:
        raise click.UsageError(f"{jwks} is no key set: {error}") from error
    report = verify_evidence(text, known)
    for line in lines_of(text, report):
        click.echo(line)
    if not report.proven:
        raise SystemExit(REFUSED_ACT if report.genuine else FOUND_WRONG)


def lines_of(text: str, report: "EvidenceReport") -> list[str]:
    """Returns a report as people read it: the verdict, what was shown to whom and when, then every member."""
    from keelpay_server.auth.evidence import evidence_digest
    from keelpay_server.auth.evidence_words import evidence_sentences, moment, verdict
    from keelpay_server.book.readable import written_out

    lines = [verdict(report), "", *evidence_sentences(report), ""]
    if report.terms is not None:
        lines += [f"  {name.replace('_', ' '):<20} {value}" for name, value in _members(report.terms)]
    if report.verified is not None:
        lines += [f"  {name.replace('_', ' '):<20} {value}" for name, value in _members(report.verified)]
    if report.started_at_us:
        lines.append(f"  {'started':<20} {moment(report.started_at_us)}")
        lines.append(f"  {'verified':<20} {moment(report.verified_at_us)}")
    if report.outcome is not None:
        lines.append(f"  {'decided':<20} {moment(report.outcome.decided_at_us)}")
        lines.append(f"  {'sealed by':<20} {report.seal_key}")
    if report.failure != MALFORMED:
        lines.append(f"  {'digest':<20} {evidence_digest(text)}")
    return [written_out(line) for line in lines]


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise click.UsageError(f"{file} is too large: at most {FILE_BYTES_MAX} bytes are read")
    try:
        return content.decode("utf-8-sig")  # editors of some systems put a mark before the text
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is no text: {error.reason}") from error


def _members(record: "Terms | Verified") -> list[tuple[str, object]]:
    """Returns a record's members that say something: bytes as hexadecimal digits, amounts with their currency."""
    pairs = ((each.name, getattr(record, each.name)) for each in fields(record))
    return [_member(record, name, value) for name, value in pairs if value not in {None, ""}]


def _member(record: "Terms | Verified", name: str, value: object) -> tuple[str, object]:
    from keelpay_server.ledger.money import amount_text

    if isinstance(value, int) and name.endswith(MINOR):
        return name.removesuffix(MINOR), amount_text(value, getattr(record, "currency", ""))
    return name, value.hex() if isinstance(value, bytes) else value

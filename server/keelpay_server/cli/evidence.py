"""`keelpay evidence`: checks offline what somebody signed.

In: an evidence file. Out: what it proves, and an exit code. Invariant: no clock, no network, no database.
"""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .running import FOUND_WRONG

if TYPE_CHECKING:
    from keelpay_server.auth.assertion import Verified
    from keelpay_server.auth.evidence import EvidenceReport
    from keelpay_server.auth.terms import Terms


MALFORMED = "malformed"


@click.group()
def evidence() -> None:
    """Check what somebody signed, offline and years later."""


@evidence.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Check an evidence FILE: did this passkey sign exactly these terms, in time, with its user verified?

    It says in words what the payer was shown and when. That the passkey belonged to the payer is the installation's
    own word, as are the times; everything else follows from the file. The digest is that of the event
    `confirmation.consumed`, which the journal keeps: compare them to know that the file is the one that was kept.

    The file is `evidence.document_json` of GetConfirmation, for payments and mandates alike.

    \b
    Example:
      keelpay evidence verify cnf-01k5w3.json
    """
    from keelpay_server.auth.evidence import verify_evidence

    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is no text: {error.reason}") from error
    report = verify_evidence(text)
    for line in lines_of(text, report):
        click.echo(line)
    if not report.valid:
        raise SystemExit(FOUND_WRONG)


def lines_of(text: str, report: "EvidenceReport") -> list[str]:
    """Returns a report as people read it: the verdict, what was shown to whom and when, then every member."""
    from keelpay_server.auth.evidence import evidence_digest
    from keelpay_server.auth.evidence_words import evidence_sentences, moment

    lines = ["✓ valid: the passkey signed exactly these terms"] if report.valid else []
    if not report.valid:
        lines.append(f"✗ NOT valid, {report.failure}: {report.detail}")
    lines += ["", *evidence_sentences(report), ""]
    if report.terms is not None:
        lines += [f"  {name.replace('_', ' '):<20} {value}" for name, value in _members(report.terms)]
    if report.verified is not None:
        lines += [f"  {name.replace('_', ' '):<20} {value}" for name, value in _members(report.verified)]
    if report.started_at_us:
        lines.append(f"  {'started':<20} {moment(report.started_at_us)}")
        lines.append(f"  {'verified':<20} {moment(report.verified_at_us)}")
    if report.failure != MALFORMED:
        lines.append(f"  {'digest':<20} {evidence_digest(text)}")
    return lines


def _members(record: "Terms | Verified") -> list[tuple[str, object]]:
    """Returns a record's members that say something, bytes as hexadecimal digits."""
    pairs = ((each.name, getattr(record, each.name)) for each in fields(record))
    told = ((name, value) for name, value in pairs if value not in {None, ""})
    return [(name, value.hex() if isinstance(value, bytes) else value) for name, value in told]

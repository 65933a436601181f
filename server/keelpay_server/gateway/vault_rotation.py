"""Rotation of the vault's keys: every number that an older key sealed is sealed anew with the current one.

In: a vault that still has the old keys. Out: how many numbers were resealed. Invariant: it can be stopped and begun
again at any time; a number is readable under the old key or the new one at each moment.
"""

from collections.abc import Callable
from typing import Final

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page

from .instrument import Instrument, InstrumentState
from .instrument_commands import ResealInstrument
from .vault import NONCE_BYTES, Sealed, Vault

PORTION: Final = 500


async def reseal_all(engine: Engine, vault: Vault, nonce: Callable[[int], bytes]) -> int:
    """Reseals what older keys have sealed; afterwards they may be taken out of the settings.

    Args:
        engine: The book.
        vault: With the old keys and the current one.
        nonce: Returns so many random bytes.

    Raises:
        VaultError: A number's key is not in the vault.
    """
    resealed = 0
    page = Page(PORTION)
    while True:
        rows = await engine.reader.find(Instrument, {"state": int(InstrumentState.ACTIVE)}, page)
        old = [row for row in rows if row.key_id != vault.current]
        commands = []
        for row in old:
            before = Sealed(row.sealed, row.key_id)
            after = vault.seal(vault.open(before, row.payer), row.payer, nonce(NONCE_BYTES))
            commands.append(ResealInstrument(instrument=row.id, before=before, after=after))
        if commands:
            outcomes = await engine.execute_many(commands)
            resealed += sum(outcome.row is not None for outcome in outcomes)
        if len(rows) < PORTION:
            return resealed
        page = Page(PORTION, (rows[-1].id, rows[-1].id))

"""Later work of this room: what ends when its time is over.

In: due work. Out: commands that end what may be ended. Invariant: each command looks again, so that doing it twice, or
late, or beside another process changes nothing.
"""

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.worker import Handler, Look

from . import confirmation, mandate, passkey, proposal, single_use
from .confirmation_commands import ExpireConfirmation
from .mandate_commands import ExpireMandate
from .proposal_commands import ExpireProposal
from .recovery import EndCooling
from .single_use import Forget


def expiry_handlers(engine: Engine) -> dict[str, Handler]:
    """Returns the handlers of this room's work by kind."""

    async def confirmations(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([ExpireConfirmation(confirmation=task.subject) for task in tasks])

    async def mandates(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([ExpireMandate(mandate=task.subject) for task in tasks])

    async def passkeys(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([EndCooling(passkey=task.subject) for task in tasks])

    async def proposals(tasks: list[Work], _look: Look) -> None:
        await engine.execute_many([ExpireProposal(proposal=task.subject) for task in tasks])

    async def used(tasks: list[Work], _look: Look) -> None:
        await engine.execute(Forget(keys=tuple(task.id for task in tasks)))

    return {
        confirmation.EXPIRY_WORK: confirmations,
        mandate.EXPIRY_WORK: mandates,
        passkey.COOLING_WORK: passkeys,
        proposal.EXPIRY_WORK: proposals,
        single_use.FORGET_WORK: used,
    }

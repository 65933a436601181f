"""The page of a sandbox bank in this process, as its service asks it (`book.sandbox_bank.SandboxPage`).

In: tickets, answers. Out: what the payer is asked, what became of it. Invariant: a ticket that the bank has not made
never comes to its lane, so that strangers keep nobody waiting there.
"""

from keelpay_server.book.sandbox_bank import ChallengeAnswer, SandboxChallenge

from .bank import SandboxBank
from .lane import BankLane


class LocalPage:
    """Shows the page of one bank.

    Args:
        lane: The bank's lane.
    """

    def __init__(self, lane: BankLane) -> None:
        self._lane = lane

    async def challenge(self, ticket: str) -> SandboxChallenge | None:
        """See the port."""
        if not self._lane.bank.knows(ticket):
            return None
        return await self._lane.call(SandboxBank.challenge, ticket)

    async def answer(self, ticket: str, answer_id: str, *, approved: bool) -> ChallengeAnswer | None:
        """See the port."""
        if not self._lane.bank.knows(ticket):
            return None
        return await self._lane.call(SandboxBank.answer_challenge, ticket, answer_id, approved=approved)

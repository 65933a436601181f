"""BankPageService on the wire: the page of the sandbox banks, to which payers are redirected. In test mode only.

In: a ticket. Out: what the payer is asked; what became of the answer, recorded as any other word of a bank. Invariant:
the bank remembers who answered, so that a crash between its commit and ours loses nothing: the answer is sent again,
or the bank asked.
"""

from collections.abc import Collection

from keelpay.api.sandbox.v1 import bank_page_service_pb2 as pb
from keelpay.api.sandbox.v1 import bank_page_service_pb2_grpc
from keelpay_server.book.engine import Engine
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.sandbox_bank import ChallengeState, SandboxChallenge, SandboxPage
from keelpay_server.book.wire_render import duration, money

from .result import RecordOperation


class BankPageService(bank_page_service_pb2_grpc.BankPageServiceServicer):
    """The page of the sandbox banks (see the contract).

    Args:
        engine: The book.
        pages: Those of the banks in this process.
    """

    def __init__(self, engine: Engine, pages: Collection[SandboxPage]) -> None:
        self._engine, self._pages = engine, pages

    async def GetChallenge(self, request: pb.GetChallengeRequest, context: object) -> pb.GetChallengeResponse:
        """See the contract."""
        for page in self._pages:
            challenge = await page.challenge(request.ticket)
            if challenge is not None:
                return pb.GetChallengeResponse(challenge=_render(challenge))
        raise _unknown()

    async def AnswerChallenge(self, request: pb.AnswerChallengeRequest, context: object) -> pb.AnswerChallengeResponse:
        """See the contract."""
        for page in self._pages:
            answer = await page.answer(request.ticket, request.request_id.lower(), approved=request.approve)
            if answer is None:
                continue
            wanted = ChallengeState.APPROVED if request.approve else ChallengeState.REFUSED
            if answer.challenge.state not in {wanted, ChallengeState.EXPIRED}:
                raise Refused(Reason.IDEMPOTENCY_MISMATCH)
            await self._engine.execute(RecordOperation(result=answer.result))
            return pb.AnswerChallengeResponse(challenge=_render(answer.challenge), replayed=answer.replayed)
        raise _unknown()


def _unknown() -> Refused:
    """One answer for tickets that never were and for those that others have used."""
    return Refused(Reason.RESOURCE_NOT_FOUND, resource="challenge")


def _render(challenge: SandboxChallenge) -> pb.BankChallenge:
    return pb.BankChallenge(
        state=pb.BankChallenge.State.ValueType(challenge.state),
        bank=challenge.bank,
        payee=challenge.payee,
        amount=money(challenge.amount, challenge.currency),
        time_left=duration(challenge.left_us) if challenge.left_us else None,
        return_url=challenge.return_uri,
    )

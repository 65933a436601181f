"""Tokens of instruments at the rails of this installation.

In: a number in clear and our keyed digest of it. Out: what the rail knows it by.
Invariant: only sandbox rails are given tokens made here; a real one hands its tokens out itself.
"""

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rails.sandbox.tokenizer import SandboxTokenizer


class InstallationTokens:
    """See `gateway.tokenizer.Tokenizer`.

    Args:
        mode: `test` or `live`.
    """

    def __init__(self, mode: str) -> None:
        self._sandbox = SandboxTokenizer() if mode == "test" else None

    async def token(self, bank: str, number: str, fingerprint: str) -> str:
        """Returns the token of a number.

        Raises:
            Refused: UNSUPPORTED_BY_RAIL in live mode.
        """
        if self._sandbox is None:
            raise Refused(Reason.UNSUPPORTED_BY_RAIL, f"{bank} hands out its tokens itself")
        return await self._sandbox.token(bank, number, fingerprint)

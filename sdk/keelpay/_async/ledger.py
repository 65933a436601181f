"""The ledger: every cent, where it came from and where it went."""

from collections.abc import AsyncIterator, Iterable, Sequence

from keelpay._filter import conditions
from keelpay._names import Defaults, Named, name_of
from keelpay.adjustment import AdjustmentLeg
from keelpay.api.clearing.v1 import ledger_service_pb2
from keelpay.api.clearing.v1.ledger_service_pb2_grpc import LedgerServiceStub
from keelpay.models.ledger import Account, LedgerFinding, Leg, MerchantBalance
from keelpay.request_id import new_request_id

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncLedger:
    """The double-entry ledger: `client.ledger`."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = LedgerServiceStub(connection.channel)

    async def account(self, account: str | Named, *, timeout_s: float | None = None) -> Account:
        """Returns one account with its sums."""
        request = ledger_service_pb2.GetAccountRequest(name=name_of(account))
        answer = await self._connection.unary(self._stub.GetAccount, request, timeout_s=timeout_s)
        return Account.of(answer.account)

    def accounts(
        self,
        *,
        owner: str | Named = "",
        code: int | None = None,
        currency_code: str = "",
        window: str | Named = "",
        book: int | None = None,
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Account]:
        """Lists accounts in the order of their numbers.

        Args:
            owner: Only those of this resource.
            code: Only those of this code in the chart of accounts.
            currency_code: Only those of this currency.
            window: Only those that settle with this window.
            book: Only those in this book.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = ledger_service_pb2.ListAccountsRequest(
            page_size=page_size,
            filter=conditions(
                owner=name_of(owner), code=code, currency_code=currency_code, window=name_of(window), book=book
            ),
        )
        return async_pager(
            self._connection,
            self._stub.ListAccounts,
            request,
            lambda answer: map(Account.of, answer.accounts),
            timeout_s=timeout_s,
        )

    async def balance(
        self, merchant: str | Named | None = None, *, timeout_s: float | None = None
    ) -> Sequence[MerchantBalance]:
        """Returns what a merchant has here, one entry a currency."""
        request = ledger_service_pb2.GetBalanceRequest(name=self._defaults.merchant_or(merchant))
        answer = await self._connection.unary(self._stub.GetBalance, request, timeout_s=timeout_s)
        return tuple(map(MerchantBalance.of, answer.balances))

    def legs(
        self,
        *,
        account: str | Named = "",
        resource: str | Named = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Leg]:
        """Lists legs in the order they were posted, of one account or of one resource.

        Args:
            account: Legs that debit or credit it.
            resource: Legs of the events about this payment, refund, payout, settlement, break or proposal.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = ledger_service_pb2.ListLegsRequest(
            account=name_of(account), resource=name_of(resource), page_size=page_size
        )
        return async_pager(
            self._connection,
            self._stub.ListLegs,
            request,
            lambda answer: map(Leg.of, answer.legs),
            timeout_s=timeout_s,
        )

    async def verify(
        self,
        *,
        books: Iterable[int] = (),
        invariants: Iterable[int] = (),
        full: bool = False,
        timeout_s: float | None = None,
    ) -> AsyncIterator[LedgerFinding]:
        """Checks the invariants of the ledger: progress of each, then one complete finding of each.

        Args:
            books: The books to check; empty for all.
            invariants: Which of them, 1 to 8; empty for all.
            full: From the first event on; otherwise from the last signed checkpoint.
            timeout_s: Seconds for the whole check.
        """
        request = ledger_service_pb2.VerifyLedgerRequest(books=books, invariants=invariants, full=full)
        stream = await self._connection.open(self._stub.VerifyLedger, request, timeout_s=timeout_s)
        try:
            while (message := await stream.read()) is not None:
                yield LedgerFinding.of(message)
        finally:
            stream.cancel()

    async def post_adjustment(
        self, legs: Iterable[AdjustmentLeg], *, comment: str, request_id: str = "", timeout_s: float | None = None
    ) -> str:
        """Proposes legs that correct the ledger; they are posted when a second operator approves.

        Args:
            legs: 1 to 20, all of one book.
            comment: Why, 1 to 1,000 characters; no personal data.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Returns:
            The proposal's name.
        """
        request = ledger_service_pb2.PostAdjustmentRequest(
            request_id=request_id or new_request_id(), legs=[leg.to_raw() for leg in legs], comment=comment
        )
        answer = await self._connection.unary(self._stub.PostAdjustment, request, timeout_s=timeout_s)
        return answer.proposal

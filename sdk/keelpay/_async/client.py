"""The client: one connection, and a namespace for each noun of the contract.

In: an address and who calls. Out: orders, payments, refunds and the rest. Invariant: TLS unless the server is on this
machine; nothing is connected before the first call; closing cuts whatever is still under way.
"""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import Self

from grpc import aio

from keelpay._channel import channel_options
from keelpay._local import AsyncEmbeddedServer, credentials_of, defaults_of
from keelpay._mode import InstallationMode
from keelpay._names import Defaults, Named, name_of
from keelpay._retry import Backoff
from keelpay._runtime import Metadata
from keelpay._target import require_target
from keelpay.api.auth.v1.attestation_pb2 import PersonAttestation
from keelpay.credentials import NO_CREDENTIALS, Credentials, FixedToken, KeyHolder
from keelpay.errors import ConfigurationError
from keelpay.models.merchant import AccessToken
from keelpay.version import USER_AGENT

from .approvals import AsyncApprovals
from .confirmations import AsyncConfirmations
from .connection import AsyncConnection
from .events import AsyncEvents
from .ledger import AsyncLedger
from .lists import AsyncLists
from .mandates import AsyncMandates
from .merchants import AsyncMerchants
from .orders import AsyncOrders
from .partners import AsyncPartners
from .passkeys import AsyncPasskeys
from .payers import AsyncPayers
from .payments import AsyncPayments
from .payouts import AsyncPayouts
from .rail import AsyncRail
from .reconciliation import AsyncReconciliation
from .refunds import AsyncRefunds
from .reviews import AsyncReviews
from .risk import AsyncRisk
from .sandbox import AsyncSandbox, AsyncSandboxBank
from .sessions import AsyncSessions
from .settlements import AsyncSettlements
from .stubs import AsyncStubs
from .token_source import AsyncTokenSource
from .tokens import AsyncTokens


class AsyncClient:
    """A keelpay server, as a program sees it.

    async with keelpay.AsyncClient("pay.example.com", credentials=...) as client:
        payment = await client.payments.get("merchants/cafe/payments/pay-...")
    """

    def __init__(
        self,
        target: str,
        *,
        credentials: Credentials | None = None,
        defaults: Defaults | None = None,
        language: str = "en",
        backoff: Backoff | None = None,
        mode: str = "",
    ) -> None:
        """Connects to nothing yet.

        Args:
            target: `host`, `host:port`, `dns:///host:port` or `unix:/path`; several addresses share the calls.
            credentials: Who calls: see `keelpay.credentials`. Always needed; `credentials.anonymous()` is nobody.
            defaults: What every call means unless it says otherwise.
            language: Of the sentences meant for people, `en` or `zh`.
            backoff: The shortest pauses between tries.
            mode: `test` or `live`: the server is asked which it is before the first call, and every call to the other
                kind raises ConfigurationError, nothing having been sent; empty for either.

        Raises:
            ConfigurationError: `mode` is neither, nobody is named who calls, or the address is plainly none.
        """
        if not isinstance(credentials, Credentials):
            raise ConfigurationError(NO_CREDENTIALS)
        require_target(target, is_local=credentials.is_local)
        known = InstallationMode(mode)
        self._target = target
        self._credentials = credentials
        self._language = language
        channel = aio.secure_channel(
            target, credentials.channel_credentials(target), options=channel_options(USER_AGENT)
        )
        tokens = AsyncTokenSource(channel, credentials, backoff=backoff, mode=known)
        self._connection = AsyncConnection(
            channel, tokens, target=target, language=language, backoff=backoff, mode=known
        )
        self._defaults = defaults or Defaults()

    @staticmethod
    def local(*, defaults: Defaults | None = None, language: str = "en") -> "AsyncLocalClient":
        """A client of a server inside this process, with a sandbox bank: `async with AsyncClient.local() as client`.

        Args:
            defaults: What every call means unless it says otherwise; the sandbox's own merchant if not given.
            language: Of the sentences meant for people, `en` or `zh`.
        """
        return AsyncLocalClient(defaults, language)

    def with_token(self, token: AccessToken | str) -> Self:
        """Another client of the same server, for whoever holds this token: a payer, for one. Close it, too."""
        value = token if isinstance(token, str) else token.value
        who = dataclasses.replace(self._credentials, identity=FixedToken(value))
        return type(self)(
            self._target,
            credentials=who,
            defaults=self._defaults,
            language=self._language,
            mode=self._connection.mode.expected,
        )

    def attest(
        self, payer: str | Named, *, amr: Sequence[str], auth_time: datetime | None = None, purpose: str = "enrol"
    ) -> PersonAttestation:
        """This partner's signed word about a person, for `tokens.enrol` and `passkeys.start_recovery`.

        Args:
            payer: Who it is about.
            amr: How the person was authenticated, RFC 8176 values: `pwd`, `otp`, `face`.
            auth_time: When, at most ten minutes ago; None means now.
            purpose: `enrol` or `recover`.

        Raises:
            ConfigurationError: The client has no key to sign with.
        """
        holder = self._credentials.identity
        if not isinstance(holder, KeyHolder):
            raise ConfigurationError("only a partner with a key can vouch for a person: keelpay.credentials.partner")
        moment = auth_time or datetime.now(UTC)
        return holder.key.attest(name_of(payer), auth_time=moment, amr=amr, purpose=purpose)

    @property
    def mode(self) -> str:
        """What the server is for ever, `test` or `live`; empty before its first answer."""
        return self._connection.mode.told

    async def close(self) -> None:
        """Closes the connection; calls under way are cut."""
        await self._connection.close()

    async def metadata(self) -> Metadata:
        """The metadata that a call by `stubs` needs: who calls, under which id, and in which language."""
        return await self._connection.metadata()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it."""
        await self.close()

    @cached_property
    def stubs(self) -> AsyncStubs:
        """The generated stubs on this client's channel."""
        return AsyncStubs(self._connection.channel)

    @cached_property
    def orders(self) -> AsyncOrders:
        """What merchants want to be paid."""
        return AsyncOrders(self._connection, self._defaults)

    @cached_property
    def payments(self) -> AsyncPayments:
        """Money on its way from payers to merchants."""
        return AsyncPayments(self._connection, self._defaults)

    @cached_property
    def refunds(self) -> AsyncRefunds:
        """Captured money on its way back."""
        return AsyncRefunds(self._connection, self._defaults)

    @cached_property
    def payers(self) -> AsyncPayers:
        """People who pay."""
        return AsyncPayers(self._connection, self._defaults)

    @cached_property
    def passkeys(self) -> AsyncPasskeys:
        """The keys with which payers sign."""
        return AsyncPasskeys(self._connection)

    @cached_property
    def confirmations(self) -> AsyncConfirmations:
        """Requests to payers to confirm, step by step."""
        return AsyncConfirmations(self._connection)

    @cached_property
    def mandates(self) -> AsyncMandates:
        """Limits that payers signed once."""
        return AsyncMandates(self._connection, self._defaults)

    @cached_property
    def merchants(self) -> AsyncMerchants:
        """Whoever is paid."""
        return AsyncMerchants(self._connection, self._defaults)

    @cached_property
    def partners(self) -> AsyncPartners:
        """Platforms and their keys."""
        return AsyncPartners(self._connection, self._defaults)

    @cached_property
    def tokens(self) -> AsyncTokens:
        """Tokens for others."""
        return AsyncTokens(self._connection)

    @cached_property
    def approvals(self) -> AsyncApprovals:
        """What waits for a second person."""
        return AsyncApprovals(self._connection)

    @cached_property
    def risk(self) -> AsyncRisk:
        """Should it happen."""
        return AsyncRisk(self._connection, self._defaults)

    @cached_property
    def reviews(self) -> AsyncReviews:
        """What waits for a person's judgement."""
        return AsyncReviews(self._connection)

    @cached_property
    def lists(self) -> AsyncLists:
        """Whom to trust and whom to refuse."""
        return AsyncLists(self._connection)

    @cached_property
    def ledger(self) -> AsyncLedger:
        """The double-entry ledger."""
        return AsyncLedger(self._connection, self._defaults)

    @cached_property
    def sessions(self) -> AsyncSessions:
        """Sessions of payers: what a page, or an app that opens our links itself, begins with."""
        return AsyncSessions(self._connection)

    @cached_property
    def settlements(self) -> AsyncSettlements:
        """Who gets the money, and when."""
        return AsyncSettlements(self._connection, self._defaults)

    @cached_property
    def payouts(self) -> AsyncPayouts:
        """Merchants' available money on its way to their banks."""
        return AsyncPayouts(self._connection, self._defaults)

    @cached_property
    def reconciliation(self) -> AsyncReconciliation:
        """What does not agree, and settling it."""
        return AsyncReconciliation(self._connection)

    @cached_property
    def events(self) -> AsyncEvents:
        """Everything that happens, in order."""
        return AsyncEvents(self._connection, self._defaults)

    @cached_property
    def sandbox(self) -> AsyncSandbox:
        """The levers of a test installation."""
        return AsyncSandbox(self._connection)

    @cached_property
    def sandbox_bank(self) -> AsyncSandboxBank:
        """A sandbox bank's own levers."""
        return AsyncSandboxBank(self._connection)

    @cached_property
    def rail(self) -> AsyncRail:
        """The connector contract, from the bank's side."""
        return AsyncRail(self._connection)


class AsyncLocalClient:
    """A server inside this process, and a client of it for as long as the block lasts."""

    def __init__(self, defaults: Defaults | None, language: str) -> None:
        """Made by `AsyncClient.local`."""
        self._server = AsyncEmbeddedServer()
        self._defaults = defaults
        self._language = language

    async def __aenter__(self) -> AsyncClient:
        """Starts the server."""
        server = await self._server.start()
        self._client = AsyncClient(
            server.target,
            credentials=credentials_of(server),
            defaults=defaults_of(server, self._defaults),
            language=self._language,
        )
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self._client.close()
        await self._server.stop(kind, error, trace)

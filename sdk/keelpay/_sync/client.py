# Generated from sdk/keelpay/_async/client.py by sdk/generate_sync.py: do not edit.
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

import grpc

from keelpay._channel import channel_options
from keelpay._local import EmbeddedServer, credentials_of, defaults_of
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

from .approvals import Approvals
from .confirmations import Confirmations
from .connection import Connection
from .events import Events
from .ledger import Ledger
from .lists import Lists
from .mandates import Mandates
from .merchants import Merchants
from .orders import Orders
from .partners import Partners
from .passkeys import Passkeys
from .payers import Payers
from .payments import Payments
from .payouts import Payouts
from .rail import Rail
from .reconciliation import Reconciliation
from .refunds import Refunds
from .reviews import Reviews
from .risk import Risk
from .sandbox import Sandbox, SandboxBank
from .sessions import Sessions
from .settlements import Settlements
from .stubs import Stubs
from .token_source import TokenSource
from .tokens import Tokens


class Client:
    """A keelpay server, as a program sees it.

    with keelpay.Client("pay.example.com", credentials=...) as client:
        payment = client.payments.get("merchants/cafe/payments/pay-...")
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
        channel = grpc.secure_channel(
            target, credentials.channel_credentials(target), options=channel_options(USER_AGENT)
        )
        tokens = TokenSource(channel, credentials, backoff=backoff, mode=known)
        self._connection = Connection(channel, tokens, target=target, language=language, backoff=backoff, mode=known)
        self._defaults = defaults or Defaults()

    @staticmethod
    def local(*, defaults: Defaults | None = None, language: str = "en") -> "LocalClient":
        """A client of a server inside this process, with a sandbox bank: `with Client.local() as client`.

        Args:
            defaults: What every call means unless it says otherwise; the sandbox's own merchant if not given.
            language: Of the sentences meant for people, `en` or `zh`.
        """
        return LocalClient(defaults, language)

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

    def close(self) -> None:
        """Closes the connection; calls under way are cut."""
        self._connection.close()

    def metadata(self) -> Metadata:
        """The metadata that a call by `stubs` needs: who calls, under which id, and in which language."""
        return self._connection.metadata()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    @cached_property
    def stubs(self) -> Stubs:
        """The generated stubs on this client's channel."""
        return Stubs(self._connection.channel)

    @cached_property
    def orders(self) -> Orders:
        """What merchants want to be paid."""
        return Orders(self._connection, self._defaults)

    @cached_property
    def payments(self) -> Payments:
        """Money on its way from payers to merchants."""
        return Payments(self._connection, self._defaults)

    @cached_property
    def refunds(self) -> Refunds:
        """Captured money on its way back."""
        return Refunds(self._connection, self._defaults)

    @cached_property
    def payers(self) -> Payers:
        """People who pay."""
        return Payers(self._connection, self._defaults)

    @cached_property
    def passkeys(self) -> Passkeys:
        """The keys with which payers sign."""
        return Passkeys(self._connection)

    @cached_property
    def confirmations(self) -> Confirmations:
        """Requests to payers to confirm, step by step."""
        return Confirmations(self._connection)

    @cached_property
    def mandates(self) -> Mandates:
        """Limits that payers signed once."""
        return Mandates(self._connection, self._defaults)

    @cached_property
    def merchants(self) -> Merchants:
        """Whoever is paid."""
        return Merchants(self._connection, self._defaults)

    @cached_property
    def partners(self) -> Partners:
        """Platforms and their keys."""
        return Partners(self._connection, self._defaults)

    @cached_property
    def tokens(self) -> Tokens:
        """Tokens for others."""
        return Tokens(self._connection)

    @cached_property
    def approvals(self) -> Approvals:
        """What waits for a second person."""
        return Approvals(self._connection)

    @cached_property
    def risk(self) -> Risk:
        """Should it happen."""
        return Risk(self._connection, self._defaults)

    @cached_property
    def reviews(self) -> Reviews:
        """What waits for a person's judgement."""
        return Reviews(self._connection)

    @cached_property
    def lists(self) -> Lists:
        """Whom to trust and whom to refuse."""
        return Lists(self._connection)

    @cached_property
    def ledger(self) -> Ledger:
        """The double-entry ledger."""
        return Ledger(self._connection, self._defaults)

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of payers: what a page, or an app that opens our links itself, begins with."""
        return Sessions(self._connection)

    @cached_property
    def settlements(self) -> Settlements:
        """Who gets the money, and when."""
        return Settlements(self._connection, self._defaults)

    @cached_property
    def payouts(self) -> Payouts:
        """Merchants' available money on its way to their banks."""
        return Payouts(self._connection, self._defaults)

    @cached_property
    def reconciliation(self) -> Reconciliation:
        """What does not agree, and settling it."""
        return Reconciliation(self._connection)

    @cached_property
    def events(self) -> Events:
        """Everything that happens, in order."""
        return Events(self._connection, self._defaults)

    @cached_property
    def sandbox(self) -> Sandbox:
        """The levers of a test installation."""
        return Sandbox(self._connection)

    @cached_property
    def sandbox_bank(self) -> SandboxBank:
        """A sandbox bank's own levers."""
        return SandboxBank(self._connection)

    @cached_property
    def rail(self) -> Rail:
        """The connector contract, from the bank's side."""
        return Rail(self._connection)


class LocalClient:
    """A server inside this process, and a client of it for as long as the block lasts."""

    def __init__(self, defaults: Defaults | None, language: str) -> None:
        """Made by `Client.local`."""
        self._server = EmbeddedServer()
        self._defaults = defaults
        self._language = language

    def __enter__(self) -> Client:
        """Starts the server."""
        server = self._server.start()
        self._client = Client(
            server.target,
            credentials=credentials_of(server),
            defaults=defaults_of(server, self._defaults),
            language=self._language,
        )
        return self._client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self._client.close()
        self._server.stop(kind, error, trace)

"""The rooms of one process, wired: servicers by name, and the handlers of later work.

In: an engine, rails, settings and keys. Out: what the gRPC server serves and what the worker does.
Invariant: every service of the contract is here or named as not served; every kind of work has one handler.
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from keelpay_server.auth.approval_service import ApprovalService
from keelpay_server.auth.authentication import Authentication
from keelpay_server.auth.confirmation_service import ConfirmationService
from keelpay_server.auth.expiry import expiry_handlers as auth_handlers
from keelpay_server.auth.key_keeper import KeyKeeper
from keelpay_server.auth.link_desk import LinkDesk
from keelpay_server.auth.partner_service import PartnerService
from keelpay_server.auth.passkey_service import PasskeyService
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.spc import Logo
from keelpay_server.auth.standing import Standing
from keelpay_server.auth.token_signer import TokenSigner
from keelpay_server.book.engine import Engine
from keelpay_server.book.paging import Pager
from keelpay_server.book.pruning import Pruning
from keelpay_server.book.statement_file import parse_statement
from keelpay_server.book.worker import Handler
from keelpay_server.clearing.bank_statement import StatementFormat
from keelpay_server.clearing.ledger_service import LedgerService
from keelpay_server.clearing.paying_out import PayingOut
from keelpay_server.clearing.payout_service import PayoutService
from keelpay_server.clearing.reconciliation_service import ReconciliationService, StatementParser
from keelpay_server.clearing.reconciling import Reconciling
from keelpay_server.clearing.settlement_service import SettlementService
from keelpay_server.clearing.settling import Settling
from keelpay_server.clearing.statement_fetch import StatementFetch
from keelpay_server.config import Settings
from keelpay_server.events.alert import Leaving
from keelpay_server.events.courier import Courier
from keelpay_server.events.cursor import Cursors
from keelpay_server.events.outbox import Outbox
from keelpay_server.events.seal import SecretSeal
from keelpay_server.events.sender import Sender, SendingSettings
from keelpay_server.events.service import EventService
from keelpay_server.events.subscription import DELIVER
from keelpay_server.gateway import operation
from keelpay_server.gateway.bank_page_service import BankPageService
from keelpay_server.gateway.checkout_service import CheckoutService
from keelpay_server.gateway.dispatch import Dispatcher
from keelpay_server.gateway.expiry import expiry_handlers
from keelpay_server.gateway.notification_service import RailNotificationService
from keelpay_server.gateway.order_service import OrderService
from keelpay_server.gateway.payer_service import PayerService
from keelpay_server.gateway.payment_reads import took_part
from keelpay_server.gateway.payment_service import PaymentService
from keelpay_server.gateway.refund import RefundPolicy
from keelpay_server.gateway.refund_advance import refund_handlers
from keelpay_server.gateway.refund_service import RefundService
from keelpay_server.gateway.sandbox_service import SandboxService
from keelpay_server.gateway.terms import StoredTerms
from keelpay_server.gateway.tokenizer import InstrumentDesk
from keelpay_server.gateway.vault import Vault
from keelpay_server.rails.camt053 import parse_camt053
from keelpay_server.rails.grpc_conversion import result_of
from keelpay_server.risk.service import RiskServicer
from keelpay_server.risk.service_lists import RuleServicer
from keelpay_server.risk.service_review import ReviewServicer
from keelpay_server.storage.audit import SqlAudit
from keelpay_server.storage.channel import SqlChannelRecords
from keelpay_server.storage.reader import SqlReader

from .keeping import keeping_rules
from .master_key import MasterKey
from .notices import BankSeal, statement_ready
from .rails import Rails
from .reactions import REACTIONS, REBUILDS
from .tokens import InstallationTokens

_API: Final = "keelpay.api"
PARSERS: Final[dict[int, StatementParser]] = {
    StatementFormat.RAIL_JSON_LINES: lambda content, _bank: parse_statement(content),
    StatementFormat.CAMT_053: parse_camt053,
}
PLATFORM_KEYS: Final = "platform-keys"
"""What our own signing keys are sealed for."""
MINUTE_S: Final = 60
HOUR_S: Final = 3600
SANDBOX: Final = f"{_API}.sandbox.v1.SandboxService"
BANK_PAGES: Final = f"{_API}.sandbox.v1.BankPageService"
SERVED_BY_BANKS: Final = (f"{_API}.rail.v1.RailService", f"{_API}.sandbox.v1.SandboxBankControlService")


class Rooms:
    """All rooms over one engine.

    Args:
        engine: The book.
        reader: The same reader that the engine has, with the reads of storage's own.
        rails: The open connectors.
        settings: The installation's.
        master: Its one secret.
        list_key: Key of risk's lists.
    """

    def __init__(
        self, engine: Engine, reader: SqlReader, rails: Rails, settings: Settings, master: MasterKey, list_key: bytes
    ) -> None:
        self._engine, self._rails, self._settings, self._list_key = engine, rails, settings, list_key
        self.auth = auth_settings(settings)
        self.keeper = KeyKeeper(engine, master.derive(PLATFORM_KEYS), secrets.token_bytes)
        self.standing = Standing(engine.reader)
        self.authentication = Authentication(self.keeper, self.standing, self.auth, engine.wall)
        self.audit = SqlAudit(reader, engine.book)
        self.dispatcher = Dispatcher(engine, rails.connectors)
        self.statements = StatementFetch(engine, rails.connectors)
        self.outbox = Outbox(engine)
        self.pruning = Pruning(engine, keeping_rules(settings))
        self.policy = RefundPolicy(may_owe=settings.merchants_may_owe, return_fee=settings.refund_fees)
        self._pager = Pager(master.derive("page-tokens"))
        self._cursors = Cursors(master.derive("event-cursors"))
        self._seal = SecretSeal(master.derive("webhook-secrets"))
        self._sender = Sender(SendingSettings(loopback=settings.webhooks_to_loopback, proxy=settings.webhooks_proxy))
        self._reconciling = Reconciling(engine, SqlChannelRecords(reader))
        self.vault = _vault(settings.vault_key, master)
        tokens = InstallationTokens(settings.mode)
        self._desk = InstrumentDesk(self.vault, tokens, rails.routes, secrets.token_bytes)
        self._terms = StoredTerms(engine.reader)
        self._signer = TokenSigner(self.auth, self.keeper, secrets.token_bytes)
        self._links = LinkDesk(
            master.derive("payer-links"), pages_origin=self.auth.pages_origin, life_s=self.auth.link_life_s,
            random_bytes=secrets.token_bytes,
        )  # fmt: skip

    def handlers(self) -> dict[str, Handler]:
        """Returns the handler of every kind of later work."""
        engine = self._engine
        courier = Courier(engine, self._seal, self._sender)
        return {
            operation.WORK: self.dispatcher.handle,
            **expiry_handlers(engine),
            **auth_handlers(engine),
            **refund_handlers(engine, self.policy),
            **Settling(engine, auto_payout=self._settings.auto_payout).handlers(),
            **PayingOut(engine).handlers(),
            **self._reconciling.handlers(),
            **self.statements.handlers(),
            **self.pruning.handlers(),
            DELIVER: courier.handle,
        }

    def servicers(self, leaving: Callable[[], Leaving]) -> dict[str, object]:
        """Returns the servicers by full service name; `leaving` gives the drain once the server is made."""
        engine, pager = self._engine, self._pager
        found: dict[str, object] = {
            **self._gateway(),
            **self._auth(),
            "risk.v1.RiskService": RiskServicer(engine, pager, partial(took_part, engine.reader)),
            "risk.v1.ReviewService": ReviewServicer(engine, pager),
            "risk.v1.RuleService": RuleServicer(engine, pager, list_key=self._list_key),
            "clearing.v1.LedgerService": LedgerService(engine, pager, self.audit),
            "clearing.v1.SettlementService": SettlementService(engine, pager),
            "clearing.v1.PayoutService": PayoutService(engine, pager),
            "clearing.v1.ReconciliationService": ReconciliationService(engine, pager, self._reconciling, PARSERS),
            "event.v1.EventService": EventService((engine,), pager, self._cursors, self._seal, self._sender, leaving),
        }
        if self._settings.mode == "test":
            found["sandbox.v1.SandboxService"] = SandboxService(engine, pager, self._rails.levers)
        if self._rails.pages:
            found["sandbox.v1.BankPageService"] = BankPageService(engine, self._rails.pages)
        return {f"{_API}.{name}": servicer for name, servicer in found.items()}

    def close(self) -> None:
        """Lets go what the rooms hold open, after the engine's last work."""
        self._sender.close()

    def _gateway(self) -> dict[str, object]:
        engine, pager = self._engine, self._pager
        notified = partial(statement_ready, self.statements)
        return {
            "gateway.v1.OrderService": OrderService(engine, pager, self._rails.routes, self.auth, self._links),
            "gateway.v1.CheckoutService": CheckoutService(engine, self._rails.routes, self.auth, self._signer),
            "gateway.v1.PaymentService": PaymentService(engine, pager, self._rails.routes, self.auth, self.dispatcher),
            "gateway.v1.RefundService": RefundService(engine, pager, self.policy),
            "gateway.v1.PayerService": PayerService(engine, pager, self.auth, self._desk, secrets.token_bytes),
            "rail.v1.RailNotificationService": RailNotificationService(engine, BankSeal(engine), result_of, notified),
        }

    def _auth(self) -> dict[str, object]:
        engine, pager, auth = self._engine, self._pager, self.auth
        return {
            "auth.v1.PartnerService": PartnerService(
                engine,
                pager,
                auth,
                self.keeper,
                self.standing,
                self._terms,
                self._desk,
                secrets.token_bytes,
                self._links,
            ),
            "auth.v1.PasskeyService": PasskeyService(engine, pager, auth, secrets.token_bytes),
            "auth.v1.ConfirmationService": ConfirmationService(engine, pager, auth, self._terms, self.keeper.evidence),
            "auth.v1.ApprovalService": ApprovalService(engine, pager, REBUILDS, REACTIONS),
        }


def auth_settings(settings: Settings) -> AuthSettings:
    """Returns what the auth room takes of the settings."""
    figures = settings.auth
    return AuthSettings(
        party=RelyingParty(
            rp_id=settings.rp_id,
            origins=settings.signing_origins(),
            embedders=frozenset(settings.edge.frame_ancestors),
        ),
        issuer=settings.name,
        audience=settings.name,
        rp_name=settings.rp_name,
        pages_origin=settings.pages(),
        instrument_icon=settings.picture(settings.instrument_icon),
        logos=tuple(Logo(settings.picture(logo.url), logo.label) for logo in settings.logos),
        new_passkey_s=figures.new_passkey_hours * HOUR_S,
        new_passkey_limits=figures.new_passkey_limits,
        cooling_s=figures.cooling_hours * HOUR_S,
        passkeys_max=figures.passkeys_max,
        recoveries_a_day=figures.recoveries_a_day,
        enrolments_a_day=figures.enrolments_a_day,
        link_life_s=figures.link_minutes * MINUTE_S,
        attestation_roots=figures.roots(),
    )


def _vault(current: int, master: MasterKey) -> Vault:
    """Returns the vault with every key that may still have sealed something."""
    keys = {f"k{number}": master.derive(f"vault-{number}") for number in range(1, current + 1)}
    return Vault(keys, f"k{current}", master.derive("vault-digests"))

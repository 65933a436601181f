"""How partners, merchants, keys and proposals look on the wire, and how a merchant is read from it.

In: stored rows, or messages whose bounds were checked. Out: the other of the two. Invariant: no account number and no
private key ever leaves; what is stored of a merchant is canonical JSON.
"""

import json
from zoneinfo import ZoneInfo

from google.protobuf.json_format import MessageToJson

from keelpay.api.auth.v1 import merchant_pb2, partner_pb2, partner_request_pb2, proposal_pb2, signing_key_pb2
from keelpay_server.book import ids
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import invalid
from keelpay_server.book.wire_render import stamp
from keelpay_server.ledger.fee import FeePlan, FeeRate, fee_plan_text, parse_fee_plan

from . import names
from .client import Client
from .client_key import ClientKey
from .jwks import public_jwk
from .payout_vault import PayoutTarget
from .proposal import Proposal
from .signing_key import VerifyingKey

_REDACTED = "***"


def render_partner(client: Client) -> partner_pb2.Partner:
    """Returns a partner."""
    return partner_pb2.Partner(
        name=client.id,
        display_name=client.display_name,
        state=client.state,  # type: ignore[arg-type]
        scopes=client.scopes.split(),
        create_time=stamp(client.create_time),
        update_time=stamp(client.update_time),
        state_version=client.state_version,
    )


def render_merchant(merchant: Merchant) -> merchant_pb2.Merchant:
    """Returns a merchant."""
    zone, _, cut_off = merchant.calendar.partition("@")
    hours, _, minutes = cut_off.partition(":")
    message = merchant_pb2.Merchant(
        name=names.merchant_name(merchant.id),
        partner=names.partner_name(merchant.partner),
        display_name=merchant.display_name,
        statement_descriptor=merchant.statement_descriptor,
        settlement_currency=merchant.currency,
        settlement_calendar=merchant_pb2.SettlementCalendar(
            time_zone=zone, cut_off_minute=int(hours) * 60 + int(minutes)
        ),
        fee_plan=_fee_plan(parse_fee_plan(merchant.fee_plan)),
        metadata=json.loads(merchant.metadata) if merchant.metadata else {},
        state=merchant.state,  # type: ignore[arg-type]
        create_time=stamp(merchant.create_time),
        update_time=stamp(merchant.update_time),
        state_version=merchant.state_version,
        return_origins=merchant.return_origins.split(),
    )
    if merchant.payout_account:
        account = json.loads(merchant.payout_account)
        message.payout_account.CopyFrom(
            merchant_pb2.PayoutAccount(
                bank_code=account["bank_code"], account_holder=account["holder"],
                account_number_token=account["token"], display=f"{account['bank_code']} •••• {account['last_four']}",
            )
        )  # fmt: skip
    return message


def render_key(key: ClientKey) -> signing_key_pb2.SigningKey:
    """Returns a client's public key."""
    message = signing_key_pb2.SigningKey(
        name=f"{key.client}/signingKeys/{key.kid}",
        algorithm=key.algorithm,  # type: ignore[arg-type]
        public_key_der=key.public_key,
        state=key.state,  # type: ignore[arg-type]
        create_time=stamp(key.create_time),
        update_time=stamp(key.update_time),
        state_version=key.state_version,
    )
    if key.expire_time:
        message.expire_time.CopyFrom(stamp(key.expire_time))
    return message


def render_jwk(key: VerifyingKey) -> signing_key_pb2.Jwk:
    """Returns one of our public keys."""
    return signing_key_pb2.Jwk(**public_jwk(key))


def render_proposal(proposal: Proposal) -> proposal_pb2.Proposal:
    """Returns a proposal."""
    message = proposal_pb2.Proposal(
        name=f"proposals/{ids.text(names.PROPOSAL, proposal.id)}",
        state=proposal.state,  # type: ignore[arg-type]
        method=proposal.method,
        resource=proposal.resource,
        request_json=proposal.shown,
        proposer=proposal.proposer,
        decider=proposal.decider,
        comment=proposal.comment,
        expire_time=stamp(proposal.expire_time),
        create_time=stamp(proposal.create_time),
        update_time=stamp(proposal.update_time),
        state_version=proposal.state_version,
    )
    if proposal.result:
        message.outcome.resource = proposal.result
    elif proposal.reason:
        message.outcome.reason = Reason[proposal.reason].value
    return message


def read_calendar(calendar: merchant_pb2.SettlementCalendar) -> str:
    """Returns a settlement calendar as it is stored: `<IANA zone>@<HH:MM>`.

    Raises:
        Refused: FIELD_INVALID where there is no such zone.
    """
    try:
        ZoneInfo(calendar.time_zone)
    except (ValueError, OSError, KeyError):  # names that are no file of the database, and the folders of it
        invalid("merchant.settlement_calendar.time_zone", "is not a time zone of the IANA database")
    hours, minutes = divmod(calendar.cut_off_minute, 60)
    return f"{calendar.time_zone}@{hours:02}:{minutes:02}"


def read_fee_plan(plan: merchant_pb2.FeePlan) -> str:
    """Returns a fee plan as it is stored; a channel without a rule of its own, and no rule for all, costs nothing.

    Raises:
        Refused: FIELD_INVALID where a channel has two rules.
    """
    rates: dict[int, FeeRate] = {}
    for rule in plan.rules:
        if rule.channel in rates:
            invalid("merchant.fee_plan.rules", "a channel has one rule at most")
        rates[rule.channel] = FeeRate(rule.basis_points, rule.fixed_minor)
    default = rates.pop(0, FeeRate(0, 0))
    return fee_plan_text(FeePlan(default, tuple(sorted(rates.items()))))


def payout_account_text(account: merchant_pb2.PayoutAccount, target: PayoutTarget) -> str:
    """Returns a payout account as it is stored: without its number."""
    return json.dumps(
        {
            "bank_code": account.bank_code, "holder": account.account_holder, "token": target.token,
            "last_four": account.account_number[-4:],
        },
        ensure_ascii=False, sort_keys=True,
    )  # fmt: skip


def metadata_text(merchant: merchant_pb2.Merchant) -> str:
    """Returns a merchant's own texts as they are stored."""
    return json.dumps(dict(merchant.metadata), ensure_ascii=False, sort_keys=True)


def redacted(request: partner_request_pb2.UpdateMerchantRequest) -> str:
    """Returns a request as the second person reads it: every secret covered, its last four excepted."""
    shown = partner_request_pb2.UpdateMerchantRequest()
    shown.CopyFrom(request)
    account = shown.merchant.payout_account
    if account.account_number:
        account.account_number = _REDACTED + account.account_number[-4:]
    if account.account_holder:
        account.account_holder = _REDACTED
    return MessageToJson(shown, indent=None)


def _fee_plan(plan: FeePlan) -> merchant_pb2.FeePlan:
    rates = ((0, plan.default), *plan.channels)
    return merchant_pb2.FeePlan(
        rules=[
            merchant_pb2.FeeRule(
                channel=channel,  # type: ignore[arg-type]
                basis_points=rate.basis_points,
                fixed_minor=rate.fixed_minor,
            )
            for channel, rate in rates
        ]
    )

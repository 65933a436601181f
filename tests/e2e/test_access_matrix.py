"""Who may call what: every RPC by every kind of caller with every kind of forged token, made from the descriptors."""

import asyncio

import grpc
import pytest
import pytest_asyncio

from keelpay import PaymentMethod
from keelpay_server.auth.payer_token import SCOPES
from keelpay_server.auth.token import PayerPurpose
from keelpay_server.book.caller import CallerKind
from tests.e2e.forgery import forgeries
from tests.e2e.installation import cny
from tests.e2e.specimen import specimen
from tests.e2e.wire import ALL, POLICIES, SERVED, call

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_TOKEN = {"TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED"}
KINDS = {
    "partner": CallerKind.PARTNER, "pay": CallerKind.PAYER, "enrol": CallerKind.PAYER, "manage": CallerKind.PAYER,
    "operator": CallerKind.OPERATOR, "bank": CallerKind.BANK,
}  # fmt: skip
FORGERIES_LEAST = 25
MANAGES_NO_PAYMENT = ("manage", "/keelpay.api.auth.v1.ConfirmationService/StartConfirmation")
"""The specimen asks to confirm a payment, which only a token for that payment may; `manage` confirms other acts."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(installation):
    """A token of every kind of caller, and forgeries of each."""
    made, acme, ben = installation, installation.acme, installation.ben
    draft = acme.payments.draft(merchant=made.cafe, amount=cny(100), method=PaymentMethod.balance(ben.name))
    payment = await acme.payments.create(draft)
    newcomer = await acme.payers.create("newcomer", locale="en", region="CN")
    tokens = {
        "partner": await made.token(acme), "operator": await made.token(made.ling), "bank": await made.token(made.bank),
        "pay": (await acme.tokens.pay(ben.name, payment)).value, "manage": (await acme.tokens.manage(ben.name)).value,
        "enrol": (await acme.tokens.enrol(newcomer, acme.attest(newcomer, amr=["pwd"]))).value,
    }  # fmt: skip
    key = made.server.rooms.keeper.ring.signer(made.server.engine.wall() / 1e6)
    return tokens, {kind: forgeries(token, key) for kind, token in tokens.items()}


def request_of(method):
    """A valid request: who may not call must not learn whether it would have been."""
    request = specimen(method.descriptor.input_type)
    return [request] if method.client_streaming else request


@pytest.mark.parametrize("name", SERVED)
async def test_no_forged_token_opens_any_door(installation, doors, name):
    method, channel = SERVED[name], installation.acme._connection.channel
    rows = [(kind, what, *row) for kind, forged in doors[1].items() for what, row in forged.items()]
    assert len(rows) >= FORGERIES_LEAST * len(KINDS)
    rows.append(("nobody", "no token", None, "TOKEN_MISSING"))

    async def knock(header):
        metadata = () if header is None else (("authorization", header),)
        return await call(channel, method, request_of(method), metadata)

    answers = await asyncio.gather(*(knock(row[2]) for row in rows))
    if CallerKind.ANYONE in POLICIES[name].callers:  # no credential is looked at, so none is refused
        assert not {answer.reason for answer in answers} & NO_TOKEN
        return
    wrong = [
        (kind, what, answer.code.name, answer.reason)
        for (kind, what, _, reason), answer in zip(rows, answers, strict=True)
        if (answer.code, answer.reason) != (grpc.StatusCode.UNAUTHENTICATED, reason)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SERVED)
async def test_a_door_opens_to_whom_the_policy_names_and_to_nobody_else(installation, doors, name):
    method, policy = SERVED[name], POLICIES[name]
    for kind, token in doors[0].items():
        answer = await call(
            installation.acme._connection.channel, method, request_of(method), (("authorization", f"Bearer {token}"),)
        )
        assert answer.code not in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}, (kind, answer)
        assert answer.reason not in NO_TOKEN, kind
        allowed = KINDS[kind] in policy.callers or CallerKind.ANYONE in policy.callers
        if KINDS[kind] is CallerKind.PAYER and allowed and policy.scope:
            allowed = policy.scope in SCOPES[PayerPurpose(kind)] and (kind, name) != MANAGES_NO_PAYMENT
        assert (answer.reason != "SCOPE_MISSING") == allowed, (kind, answer)


@pytest.mark.parametrize("name", sorted(ALL.keys() - SERVED.keys()))
async def test_what_banks_serve_is_not_served_here(installation, doors, name):
    method = ALL[name]
    for header in (None, *(f"Bearer {token}" for token in doors[0].values())):
        stub = installation.acme._connection.channel.unary_unary(name)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub(specimen(method.descriptor.input_type).SerializeToString(), timeout=5,
                       metadata=() if header is None else (("authorization", header),))  # fmt: skip
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED

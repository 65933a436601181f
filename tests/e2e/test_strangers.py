"""Strangers learn nothing: what is another's is answered as what does not exist, byte for byte."""

import grpc
import pytest
import pytest_asyncio

from keelpay import KeelpayError, new_request_id
from keelpay_server.book.caller import CallerKind
from tests.e2e.belongings import absent, belongings, settle_a_day, shape_of, without
from tests.e2e.specimen import bounded, bounds_of, specimen
from tests.e2e.wire import POLICIES, SERVED, call

LOOPED = pytest.mark.asyncio(loop_scope="module")
ROWS_LEAST = 120

PLAIN = {
    "currency_code": "CNY", "settlement_currency": "CNY", "filter": "", "order_by": "", "page_token": "", "rail": "",
}  # fmt: skip
OWNED_BY = {
    "partner": ("merchants/", "partners/", "decisions/", "settlements/"),
    "payer": ("merchants/{}/", "partners/"),
}
"""Whose what is: a window is nobody's, and a merchant is no secret to its partner's payers."""
OTHERWISE = {
    # Refused before anybody looks whether it exists: by the names alone, or by what the caller may do.
    "MANDATE_PAYEE_MISMATCH", "SCOPE_MISSING", "FIELD_INVALID", "ILLEGAL_TRANSITION", "URL_REFUSED",
    "UNSUPPORTED_BY_RAIL",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(installation):
    """What acme with Ben, acme with Ann, and the rival with Eve have; and clients of the rival and of Ann herself."""
    made = installation
    await settle_a_day(made, {made.cafe: made.ben, made.bakery: made.ann, made.stall: made.eve})
    ben = await belongings(made, made.acme, made.ben, made.cafe)
    ann = await belongings(made, made.acme, made.ann, made.bakery)
    eve = await belongings(made, made.rival, made.eve, made.stall)
    app = made.as_holder_of(await made.acme.tokens.manage(made.ann.name))
    return {"partner": (made.rival, eve, ben), "payer": (app, ann, ben)}


def named_fields(method):
    """Every field of a request that names a resource: (names, field, its pattern)."""
    for names, field in bounded(method.descriptor.input_type):
        if field.type == field.TYPE_STRING and (shape := shape_of(bounds_of(field).pattern)):
            yield names, field, shape


def put(request, names, value):
    """Writes a field, wherever it is."""
    for name in names[:-1]:
        field = request.DESCRIPTOR.fields_by_name[name]
        request = getattr(request, name)[0] if field.is_repeated else getattr(request, name)
    field = request.DESCRIPTOR.fields_by_name[names[-1]]
    if field.is_repeated:
        getattr(request, names[-1])[:] = [value]
    else:
        setattr(request, names[-1], value)


def asked_by(method, own, route, value):
    """A request with the caller's own resources everywhere, but for one field."""
    descriptor = method.descriptor.input_type
    request = specimen(descriptor, route)
    for names, field in bounded(descriptor):
        oneof_elsewhere = any(
            part.containing_oneof is not None and len(part.containing_oneof.fields) > 1 and part.name not in route
            for part in _parts(descriptor, names)
        )
        if oneof_elsewhere or field.type != field.TYPE_STRING:
            continue
        shape = shape_of(bounds_of(field).pattern)
        if shape in own:
            put(request, names, own[shape])
        elif field.name in PLAIN:
            put(request, names, PLAIN[field.name])
        elif field.name == "request_id":
            put(request, names, new_request_id())
    put(request, route, value)
    return [request] if method.client_streaming else request


def _parts(descriptor, names):
    for name in names:
        field = descriptor.fields_by_name[name]
        yield field
        descriptor = field.message_type


ROWS = {
    f"{who} {name.rpartition('.')[2]} {'.'.join(names)}": (who, name, names, shape)
    for who, kind in (("partner", CallerKind.PARTNER), ("payer", CallerKind.PAYER))
    for name, method in SERVED.items()
    if kind in POLICIES[name].callers
    for names, field, shape in named_fields(method)
    if shape.startswith(OWNED_BY[who])
}


@LOOPED
@pytest.mark.parametrize("row", ROWS)
async def test_what_is_anothers_is_answered_as_what_does_not_exist(town, row):
    who, name, names, shape = ROWS[row]
    client, own, others = town[who]
    if shape not in others:
        pytest.fail(f"nobody has a {shape}")
    method, metadata = SERVED[name], await client.metadata()

    async def answer(value):
        request = asked_by(method, own, names, value)
        return await call(client._connection.channel, method, request, metadata)

    real, missing = await answer(others[shape]), await answer(absent(others[shape]))
    assert (real.code, real.reason) == (missing.code, missing.reason)
    # What the request itself named is said back, and nothing else tells the two apart.
    assert without(real.told, others[shape]) == without(missing.told, absent(others[shape]))
    assert not real.ok
    assert real.code is grpc.StatusCode.NOT_FOUND or real.reason in OTHERWISE, (real.code, real.reason)
    if real.code is grpc.StatusCode.NOT_FOUND:
        assert real.fields == ()


def test_nearly_every_row_comes_to_the_question_whose_it_is():
    assert len(ROWS) > ROWS_LEAST


@LOOPED
async def test_a_filter_for_what_is_anothers_finds_as_much_as_one_for_what_does_not_exist(town):
    rival, _, others = town["partner"]
    payer = others["partners/{}/payers/{}"]
    order = others["merchants/{}/orders/{}"]
    for condition in ({"payer": payer}, {"payer": absent(payer)}, {"order": order}, {"order": absent(order)}):
        assert [each async for each in rival.payments.list(merchant="merchants/stall", **condition)] == []


@LOOPED
async def test_a_page_token_of_anothers_list_is_as_good_as_none(town, installation):
    acme, rival = installation.acme, town["partner"][0]
    tokens = [page.next_page_token async for page in acme.payments.list(merchant="merchants/cafe", page_size=1).pages()]
    told = []
    for token in (tokens[0], tokens[0][:-2] + "AA", "x" * 40):
        with pytest.raises(KeelpayError) as refused:
            _ = [page async for page in rival.payments.list(merchant="merchants/stall", page_size=1).pages(token)]
        told.append((refused.value.reason, refused.value.message))
    assert told == [told[0]] * 3
    assert told[0][0] == "PAGE_TOKEN_INVALID"

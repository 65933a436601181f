"""Laws of the whole contract, walked from the descriptors: nothing is listed by hand, so nothing is forgotten."""

import pytest

from keelpay.api.type.v1 import bounds_pb2
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.policy import admit, read_policies
from keelpay_server.rpc.validation import compile_check
from keelpay_server.rpc.wire import BATCH_MESSAGE_BYTES_MAX, BATCH_METHODS, MESSAGE_BYTES_MAX, make_reader

METHODS = tuple(methods_of(load_services()))
POLICIES = read_policies(METHODS)
WITH_REQUEST_ID = [method for method in METHODS if "request_id" in method.descriptor.input_type.fields_by_name]


def test_the_contract_is_found():
    assert len(METHODS) > 50
    assert len({method.name for method in METHODS}) == len(METHODS)


def test_every_rpc_has_a_policy_row():
    assert POLICIES.keys() == {method.name for method in METHODS}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_an_rpc_admits_exactly_the_kinds_of_its_row_with_its_scope(method):
    policy = POLICIES[method.name]
    for kind in CallerKind:
        holder = Caller(kind, "p", "s", frozenset({policy.scope}))
        if kind in policy.callers:
            admit(policy, holder)
        else:
            with pytest.raises(Refused) as caught:
                admit(policy, holder)
            assert caught.value.reason is Reason.SCOPE_MISSING
        if policy.scope and kind is not CallerKind.ANYONE:
            with pytest.raises(Refused):
                admit(policy, holder._replace(scopes=frozenset({policy.scope + "x"})))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_request_has_a_reader_that_bears_an_empty_and_an_endless_message(method):
    read = make_reader(method)
    violations = compile_check(method.descriptor.input_type)
    if violations and violations(method.request()):
        with pytest.raises(Refused) as caught:
            read(b"")
        assert caught.value.reason is Reason.FIELD_INVALID
    else:
        assert read(b"") == method.request()
    limit = BATCH_MESSAGE_BYTES_MAX if method.name in BATCH_METHODS else MESSAGE_BYTES_MAX
    with pytest.raises(Refused) as caught:
        read(b"\0" * (limit + 1))
    assert caught.value.reason is Reason.MESSAGE_MALFORMED


@pytest.mark.parametrize("method", WITH_REQUEST_ID, ids=lambda method: method.name)
def test_a_request_id_that_is_no_uuid_is_refused(method):
    violations = dict(compile_check(method.descriptor.input_type)(method.request(request_id="not-a-uuid")))
    assert "request_id" in violations


UUID_TEXT = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def test_every_request_id_is_written_alike():
    fields = {field.full_name: field for method in METHODS for field in request_ids(method.descriptor.input_type)}
    assert len(fields) > 50
    for name, field in fields.items():
        bounds = field.GetOptions().Extensions[bounds_pb2.bounds]
        assert (bounds.required, bounds.pattern) == (True, UUID_TEXT), name


def request_ids(message, seen=frozenset()):
    """The fields called request_id of a message, and of the messages in it."""
    for field in message.fields:
        if field.name == "request_id":
            yield field
        elif field.message_type is not None and field.message_type not in seen:
            yield from request_ids(field.message_type, seen | {message})


def test_every_door_for_volume_that_we_serve_has_the_big_limit():
    ours = {method.name for method in METHODS if CallerKind.PARTNER in POLICIES[method.name].callers}
    doors = {name for name in ours if name.split("/")[-1].startswith(("Batch", "Ingest"))}
    assert doors <= BATCH_METHODS
    assert {name.split("/")[1] for name in BATCH_METHODS} <= {name.split("/")[1] for name in ours}

from google.protobuf import descriptor_pool

from keelpay import enums
from keelpay._channel import ONE_TRY
from keelpay._methods import SERVICE_FILES, methods
from keelpay.api.type.v1 import reason_pb2
from keelpay.errors import ERROR_BY_CODE
from tests.infrastructure.sources import ROOT


def rpcs():
    return [
        method for file in SERVICE_FILES for service in file.services_by_name.values() for method in service.methods
    ]


def test_every_service_of_the_contract_is_known():
    declared = sum(
        line.startswith("service ")
        for path in (ROOT / "protos/keelpay/api").rglob("*.proto")
        for line in path.read_text().splitlines()
    )
    assert sum(len(file.services_by_name) for file in SERVICE_FILES) == declared


def test_every_rpc_has_a_deadline_and_a_request_of_its_own():
    assert len(methods()) == len(rpcs())
    assert all(facts.deadline_s > 0 for facts in methods().values())


def test_every_write_can_be_repeated_because_it_names_its_request():
    """But for the one that is good for one try, and the doors of banks, whose operations carry keys."""
    unnamed = {
        facts.path.rsplit("/", 1)[-1]
        for facts in methods().values()
        if not facts.read_only and not facts.has_request_id and ".rail." not in facts.path
        if "SandboxBankControl" not in facts.path
    }
    assert unnamed == {ONE_TRY["method"], "ImportStatement"}


def test_every_reason_has_an_error_class():
    for value in descriptor_pool.Default().FindEnumTypeByName("keelpay.api.type.v1.Reason").values:
        if value.number:
            code = value.GetOptions().Extensions[reason_pb2.reason].code
            assert code in ERROR_BY_CODE, value.name
            assert enums.Reason[value.name.removeprefix("REASON_")] == value.name.removeprefix("REASON_")

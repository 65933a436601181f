import inspect
import subprocess
import sys

import keelpay
from keelpay import errors
from tests.infrastructure.sources import ROOT, SDK

# What users may import; a name that goes is a breaking change, a name that comes is a promise.
EXPORTED = """
    AdjustmentLeg AlreadyExistsError AsyncClient AsyncEventStream AsyncPager AsyncPaymentWatch AsyncSigner Backoff
    BankAccount BrowserSigner Calendar CaptureMethod Card ChainAddress Channel Client ConfigurationError
    ConfirmationMethod ConflictError Credentials DeadlineError Defaults Device Event EventStream ExhaustedError
    FailedPreconditionError Fee Fees InternalError InterruptedCallError InvalidArgumentError KeelpayError Money
    NewListEntry NotFoundError Order OrderState Page Pager PayerDeclinedError Payment PaymentDraft PaymentFacts
    PaymentMethod PaymentState PaymentWatch PayoutDestination PermissionDeniedError Reason Refund RefundState
    RefusedError Region Signer SigningPrivateKey SigningRequest TermsDifferError UnauthenticatedError
    UnavailableError UnsupportedError VERSION Wallet WebhookError credentials enums errors models new_request_id
    webhooks
"""
NAMESPACES = """
    approvals confirmations events ledger lists mandates merchants orders partners passkeys payers payments payouts
    rail reconciliation refunds reviews risk sandbox sandbox_bank sessions settlements stubs tokens
"""
FORBIDDEN = {
    "sqlalchemy",
    "asyncpg",
    "aiosqlite",
    "webauthn",
    "jwt",
    "keelpay_server",
    "cryptography",
    "cbor2",
    "click",
    "segno",
}


def test_exported_names_are_frozen():
    assert sorted(keelpay.__all__) == sorted(EXPORTED.split()) == dir(keelpay)
    for name in keelpay.__all__:
        assert getattr(keelpay, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(keelpay, "Bitcoin")


def test_both_clients_have_the_same_namespaces_and_methods():
    for kind in (keelpay.AsyncClient, keelpay.Client):
        assert public(kind) == {*NAMESPACES.split(), "attest", "close", "local", "metadata", "mode", "with_token"}
    for name in NAMESPACES.split():
        ours, theirs = (
            inspect.get_annotations(vars(kind)[name].func, eval_str=True)["return"]
            for kind in (keelpay.AsyncClient, keelpay.Client)
        )
        assert public(ours) == public(theirs)
        for method in public(ours):
            assert parameters(ours, method) == parameters(theirs, method)


def public(kind):
    return {name for name in vars(kind) if not name.startswith("_")}


def parameters(kind, method):
    return [(each.name, each.kind) for each in inspect.signature(getattr(kind, method)).parameters.values()]


def run(program):
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()


def test_importing_the_package_loads_nothing_of_it():
    loaded = run("import sys, keelpay; print(*(name for name in sys.modules))").split()
    assert not {"grpc", "google.protobuf", "asyncio"} & set(loaded)
    assert [name for name in loaded if name.startswith("keelpay")] == ["keelpay"]


def test_importing_the_package_is_fast():
    program = "import time; begin = time.process_time(); import keelpay; print(time.process_time() - begin)"
    assert min(float(run(program)) for _ in range(3)) < 0.05


def test_both_clients_pull_no_dependency_of_the_server():
    program = "import sys, keelpay; keelpay.Client, keelpay.AsyncClient, keelpay.webhooks; print(*sys.modules)"
    assert not FORBIDDEN & {name.split(".")[0] for name in run(program).split()}


def test_both_clients_are_ready_within_a_second_of_work():
    program = "import time, keelpay; begin = time.process_time(); keelpay.Client; print(time.process_time() - begin)"
    assert min(float(run(program)) for _ in range(2)) < 1


def test_the_tree_of_errors_is_drawn_as_it_is():
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)]
    tree = {line.strip("│ ├└─").split()[0] for line in errors.__doc__.splitlines() if "──" in line}
    assert {each.__name__ for each in classes} == {name for name in tree if name.endswith("Error")} | {"KeelpayError"}


def test_every_error_class_is_a_keelpay_error_that_is_exported():
    classes = {each.__name__ for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)}
    assert classes <= set(keelpay.__all__)


def test_the_blocking_client_holds_no_asynchronous_word():
    for path in (ROOT / SDK / "_sync").glob("*.py"):
        text = path.read_text()
        assert "async " not in text
        assert "await " not in text

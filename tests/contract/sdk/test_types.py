"""Wrong use of the SDK does not pass a type checker."""

import subprocess
import sys

import pytest

from tests.infrastructure.sources import ROOT

HEAD = """
import keelpay
from keelpay import AsyncClient, Client, Money, PaymentMethod

def blocking(client: Client) -> None:
    {blocking}

async def asynchronous(client: AsyncClient) -> None:
    {asynchronous}
"""
RIGHT = [
    ('client.orders.create(amount=Money.of("1", "CNY"), merchant_order_id="o")', "blocking"),
    ('x: str = client.orders.get("o").name', "blocking"),
    ('for p in client.payments.list(state="CAPTURED"): x: keelpay.Payment = p', "blocking"),
    ("for e in client.events.stream(): x: str = e.type", "blocking"),
    ('client.payments.confirm("p", lambda request: request.options_json)', "blocking"),
    ('x: str = (await client.orders.get("o")).name', "asynchronous"),
    ("async for p in client.payments.list(): x: keelpay.Payment = p", "asynchronous"),
    ('async for p in client.payments.watch("p"): x: keelpay.PaymentState = p.state', "asynchronous"),
]
WRONG = [
    ("client.orders.create(amount=12.30, merchant_order_id='o')", "blocking", "arg-type"),
    ("client.orders.create(Money.of('1', 'CNY'), 'o')", "blocking", "call-arg|misc"),
    ("client.orders.create(merchant_order_id='o')", "blocking", "call-arg"),
    ("Money.of(12.30, 'CNY')", "blocking", "arg-type"),
    ("client.orders.get('o').name = 'x'", "blocking", "misc"),
    ("client.payments.create('merchants/cafe')", "blocking", "arg-type"),
    ("client.payments.draft(amount=Money.of('1', 'CNY'))", "blocking", "call-arg"),
    ("client.payments.draft(amount=Money.of('1', 'CNY'), method='card')", "blocking", "arg-type"),
    ("client.refunds.create('p', amount=100)", "blocking", "arg-type"),
    ("client.orders.get('o').amount + client.orders.get('o').amount", "blocking", "operator"),
    ("x: int = client.orders.get('o').amount", "blocking", "assignment"),
    ("for p in client.payments.list(): x: keelpay.Order = p", "blocking", "assignment"),
    ("keelpay.webhooks.verify('text', {}, 's')", "blocking", "arg-type"),
    ("Client('localhost', credentials='token')", "blocking", "arg-type"),
    ("client.orders.get('o').name", "asynchronous", "attr-defined"),
    ("for p in client.payments.list(): pass", "asynchronous", "attr-defined"),
    ("await client.payments.list()", "asynchronous", "misc"),
]


def check(tmp_path, snippets):
    """The errors of mypy, by snippet."""
    paths = []
    for index, (line, side) in enumerate(snippets):
        other = {"blocking": "asynchronous", "asynchronous": "blocking"}[side]
        path = tmp_path / f"snippet_{index}.py"
        path.write_text(HEAD.format(**{side: line, other: "pass"}))
        paths.append(str(path))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent"]
    command += ["--cache-dir", str(ROOT / ".cache/mypy-snippets"), *paths]
    environment = {"MYPYPATH": str(ROOT / "sdk"), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, check=False, env=environment, text=True)
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    return [[line for line in lines if f"snippet_{index}.py:" in line] for index in range(len(snippets))], done.stdout


@pytest.mark.slow
def test_right_use_passes_and_wrong_use_does_not(tmp_path):
    found, output = check(tmp_path, [*RIGHT, *((line, side) for line, side, _ in WRONG)])
    assert not any(found[: len(RIGHT)]), output
    for (line, _, codes), errors in zip(WRONG, found[len(RIGHT) :], strict=True):
        assert errors, f"passes: {line}"
        assert any(f"[{code}]" in error for error in errors for code in codes.split("|")), (line, errors)

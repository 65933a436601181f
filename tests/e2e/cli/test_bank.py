import signal

import pytest

from tests.e2e.cli.process import done, started


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["card", "wallet", "account"])
async def test_the_sandbox_bank_keeps_the_contract(tmp_path, behaviour):
    async with started("bank", "serve", "--behaviour", behaviour, "--file", tmp_path / "bank.sqlite") as bank:
        address = (await bank.until("listening"))["address"]
        code, out, _ = await done("bank", "conformance", address)
        assert (code, f"bank sandbox-{behaviour} at {address}" in out) == (0, True), out
        assert "conforms: " in out.splitlines()[-1]
        bank.tell(signal.SIGTERM)
        assert await bank.end() == 0


async def test_a_bank_that_breaks_a_rule_does_not_conform():
    async with started("bank", "serve", "--contradictory", "1000") as bank:
        address = (await bank.until("listening"))["address"]
        code, out, _ = await done("bank", "conformance", address, "--case", "1", "--case", "2")
        assert (code, "does NOT conform" in out) == (1, True), out


async def test_where_no_bank_is_the_report_says_so():
    code, out, words = await done("bank", "conformance", "127.0.0.1:1", "--case", "1")
    assert (code, "was not answered" in out, "Traceback" in words) == (1, True, False)


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "127.0.0.1", "127.0.0.1:port"])
async def test_a_sandbox_bank_serves_this_machine_alone(listen):
    code, _, words = await done("bank", "serve", "--listen", listen)
    assert (code, "127.0.0.1:PORT" in words) == (3, True)


async def test_faults_beyond_all_calls_are_refused():
    code, _, words = await done("bank", "serve", "--doubled", "600", "--reply-lost", "600")
    assert (code, "1000" in words, "Traceback" in words) == (3, True, False)


async def test_a_taken_port_is_told():
    async with started("bank", "serve") as bank:
        address = (await bank.until("listening"))["address"]
        code, _, words = await done("bank", "serve", "--listen", address)
        assert (code, f"cannot listen on {address}" in words, "Traceback" in words) == (5, True, False)

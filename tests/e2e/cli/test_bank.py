import signal
from datetime import UTC, timedelta

import pytest

from keelpay import AsyncClient, KeelpayError, Money, PaymentMethod
from keelpay.credentials import anonymous, local
from keelpay.enums import Behaviour, PaymentState, RailResultCode, Trigger
from tests.e2e.cli.process import client_of, done, open_merchant, serving, started
from tests.infrastructure.waiting import until


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


def settings_of(path, **addresses):
    """A settings file whose rails are banks of their own."""
    rails = [
        f'[[rails]]\nname = "{name}"\nchannel = "{name.removeprefix("sandbox-")}"\naddress = "{address}"\n'
        "insecure = true\n"
        for name, address in addresses.items()
    ]
    path.write_text("\n".join(rails))
    return path


async def test_two_processes_do_not_share_a_banks_file(tmp_path):
    async with started("bank", "serve", "--file", tmp_path / "card.sqlite") as bank:
        await bank.until("listening")
        code, _, words = await done("bank", "serve", "--file", tmp_path / "card.sqlite")
        assert (code, "is open in another process" in words, "Traceback" in words) == (5, True, False)


async def test_a_bank_of_another_name_than_its_rail_stops_the_start(tmp_path):
    async with started("bank", "serve", "--name", "second") as bank:
        address = (await bank.until("listening"))["address"]
        config = settings_of(tmp_path / "keelpay.toml", **{"sandbox-card": address})
        code, _, words = await done("serve", "--config", config, "--data", tmp_path, "--listen", "127.0.0.1:0")
    assert (code, "calls itself 'second'" in words, "Traceback" in words) == (3, True, False)


async def test_the_levers_of_an_installation_reach_a_bank_that_is_a_process_of_its_own(tmp_path):
    behaviour = ("--behaviour", "wallet", "--name", "sandbox-wallet")
    async with started("bank", "serve", *behaviour, "--file", tmp_path / "wallet.sqlite") as bank:
        address = (await bank.until("listening"))["address"]
        config = settings_of(tmp_path / "keelpay.toml", **{"sandbox-wallet": address})
        async with serving(tmp_path / "data", "--config", config) as server:
            told = await server.until("listening")
            levers = AsyncClient(address, credentials=local(anonymous()))
            async with client_of(told["address"], told["sandbox_credential"]) as partner, levers:
                await open_merchant(partner, "cafe")
                clock = await partner.sandbox.advance_clock(timedelta(days=3))
                shown = (await levers.sandbox_bank.advance_time()).bank_time.ToDatetime(tzinfo=UTC)
                assert shown >= clock.business_time - timedelta(seconds=1)

                await partner.sandbox.create_scenario(
                    bank="sandbox-wallet", behaviour=Behaviour.DECLINED, operation_count=5,
                    decline_code=RailResultCode.SUSPECTED_FRAUD,
                )  # fmt: skip
                assert (await answered(partner)).last_failure.rail_code == "SUSPECTED_FRAUD"
                assert [each.remaining_count async for each in partner.sandbox.scenarios()] == [4]
                await partner.sandbox.reset()
                assert await partner.sandbox.scenarios().first() is None
                assert (await answered(partner)).is_paid

                await partner.sandbox.create_scenario(bank="sandbox-wallet", behaviour=Behaviour.PENDING_SUCCESS)
                waiting = await pay(partner)
                assert not waiting.is_paid
                await partner.sandbox.trigger(waiting, Trigger.LATE_SUCCESS)
                assert (await partner.payments.get(waiting)).is_paid

                bank.tell(signal.SIGKILL)
                await bank.end()
                before = await partner.sandbox.clock()
                with pytest.raises(KeelpayError) as caught:
                    await partner.sandbox.advance_clock(timedelta(days=3), timeout_s=20)
                assert caught.value.reason == "RAIL_UNAVAILABLE"
                after = await partner.sandbox.clock()
                assert after.business_time - before.business_time < timedelta(hours=1)


async def pay(partner):
    draft = partner.payments.draft(
        merchant="merchants/cafe", amount=Money.of("1.00", "CNY"), method=PaymentMethod.wallet(), confirm=True
    )
    return await partner.payments.create(draft)


async def answered(partner):
    """A payment of which the bank has said yes or no; on a busy machine that is after the call."""
    payment = await pay(partner)

    async def now():
        found = await partner.payments.get(payment)
        return found if found.state is not PaymentState.PROCESSING else None

    return await until(now)

import asyncio
import json
import resource
import signal
import socket
import stat
import urllib.request

from tests.e2e.cli.process import COMMAND, PATIENCE_S, client_of, done, environment, open_merchant, serving, started
from tests.infrastructure.ports import free_port
from tests.infrastructure.waiting import until

BUSY, DATABASE, SETTINGS = 5, 4, 3


async def test_the_first_start_tells_where_it_listens_and_where_the_one_credential_is(tmp_path):
    async with serving(tmp_path / "data") as server:
        told = await server.until("listening")
        path = tmp_path / "data" / "sandbox-partner.pem"
        assert told["sandbox_credential"] == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {stat.S_IMODE(each.stat().st_mode) & 0o077 for each in path.parent.iterdir()} == {0}
        async with client_of(told["address"], path) as partner:
            assert (await open_merchant(partner, "cafe")).name == "merchants/cafe"
        server.tell(signal.SIGTERM)
        assert await server.end() == 0
    said = "".join(server.lines)
    secret = path.read_text().split("-----")[2].strip()
    assert secret not in said
    assert (tmp_path / "data" / "master.key").read_text().strip() not in said


async def test_a_start_says_at_once_what_it_does(tmp_path):
    async with serving(tmp_path) as server:
        first = await asyncio.wait_for(server.process.stderr.readline(), PATIENCE_S)
        assert first.decode() == f"keelpay: starting a test installation, its files in {tmp_path}\n"
        assert not server.lines
        await server.until("listening")


async def test_the_second_start_keeps_the_credential_and_everything_else(tmp_path):
    path = tmp_path / "sandbox-partner.pem"
    keys, names = [], []
    for number in range(2):
        async with serving(tmp_path) as server:
            told = await server.until("listening")
            keys.append(path.read_bytes())
            async with client_of(told["address"], path) as partner:
                await open_merchant(partner, f"shop-{number}")
                names = [each.name async for each in partner.merchants.list()]
            server.tell(signal.SIGTERM)
            assert await server.end() == 0
    assert keys[0] == keys[1]
    assert sorted(names) == ["merchants/shop-0", "merchants/shop-1"]


async def test_every_line_is_json_and_each_call_has_its_request_id(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            await open_merchant(partner, "cafe")
        server.tell(signal.SIGTERM)
        assert await server.end() == 0
    lines = [json.loads(line) for line in server.lines]
    calls = [line for line in lines if "method" in line]
    assert any(line["method"].endswith("/CreateMerchant") for line in calls)
    assert all(line["request_id"] and line["code"] == "OK" for line in calls)
    steps = [line["message"] for line in lines if line["logger"] == "keelpay"]
    assert steps == ["listening", "leaving", "stopped"]


async def test_a_call_that_was_accepted_is_finished_when_the_server_is_told_to_leave(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            await open_merchant(partner, "warm")
            calls = [asyncio.create_task(open_merchant(partner, f"shop-{number}")) for number in range(40)]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            server.tell(signal.SIGTERM)
            ended = await asyncio.gather(*calls, return_exceptions=True)
        assert await server.end() == 0
    answered = {each.name for each in ended if not isinstance(each, BaseException)}
    assert answered
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            kept = {each.name async for each in partner.merchants.list()}
    assert answered <= kept


async def test_a_rolling_restart_under_load_fails_no_call(tmp_path, postgres_dsn):
    settings = {"KEELPAY_DATABASE": postgres_dsn, "KEELPAY_MASTER_KEY": "5a" * 32}
    made, failures = [], []
    async with serving(tmp_path / "a", "--drain-wait", "1.5", **settings) as first:
        told = await first.until("listening")
        async with serving(tmp_path / "b", **settings) as second:
            other = (await second.until("listening"))["address"]
            target = f"ipv4:{told['address']},{other}"
            async with client_of(target, tmp_path / "a" / "sandbox-partner.pem") as partner:
                stop = asyncio.Event()

                async def load(worker):
                    number = 0
                    while not stop.is_set():
                        number += 1
                        try:
                            made.append((await open_merchant(partner, f"shop-{worker}-{number}")).name)
                        except Exception as error:
                            failures.append(repr(error))
                        await asyncio.sleep(0.02)

                workers = [asyncio.create_task(load(worker)) for worker in range(4)]
                try:
                    await until(lambda: len(made) > 12 or failures)
                    first.tell(signal.SIGTERM)
                    assert await first.end() == 0
                    before = len(made)
                    await until(lambda: len(made) > before + 12 or failures)
                finally:
                    stop.set()
                    await asyncio.gather(*workers)
    assert failures == []


async def test_a_second_interrupt_stops_at_once(tmp_path):
    async with serving(tmp_path, "--drain-wait", "60") as server:
        await server.until("listening")
        server.tell(signal.SIGINT)
        assert (await server.until("leaving"))["because"] == "SIGINT"
        server.tell(signal.SIGINT)
        assert await server.end() == 130


async def test_a_server_leaves_with_whoever_started_it(tmp_path):
    async with serving(tmp_path, "--with-parent") as server:
        await server.until("listening")
        server.process.stdin.close()
        await server.until("stopped")
        assert await server.end() == 0


async def test_a_taken_port_is_told_in_a_sentence(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        code, _, words = await done("serve", "--data", tmp_path, "--listen", address, "--no-edge")
    assert (code, words.splitlines()[1]) == (BUSY, f"keelpay: cannot listen on {address}")


async def test_a_taken_port_of_metrics_is_told_in_a_sentence(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, words = await done("serve", "--data", tmp_path, "--listen", "127.0.0.1:0", "--metrics-port", port)
    assert (code, words.startswith("keelpay: "), "Traceback" in words) == (BUSY, True, False)


async def test_a_file_has_one_server_and_the_second_is_told_so(tmp_path):
    async with serving(tmp_path) as server:
        await server.until("listening")
        for command in (("serve", "--listen", "127.0.0.1:0"), ("migrate",), ("keys", "admit", "partner", "shop")):
            out = ("--out", tmp_path / "shop.pem") if command[0] == "keys" else ()
            code, _, words = await done(*command, *out, "--data", tmp_path)
            assert (code, "is open in another process" in words, "Traceback" in words) == (BUSY, True, False)
        assert not (tmp_path / "shop.pem").exists()


async def test_servers_on_one_database_do_not_share_the_banks_inside_them(tmp_path, postgres_dsn):
    settings = {"KEELPAY_DATABASE": postgres_dsn, "KEELPAY_MASTER_KEY": "5a" * 32}
    async with serving(tmp_path, **settings) as first:
        await first.until("listening")
        code, _, words = await done("serve", "--data", tmp_path, "--listen", "127.0.0.1:0", **settings)
        assert (code, "is open in another process" in words, "Traceback" in words) == (BUSY, True, False)
        async with serving(tmp_path / "other", **settings) as second:
            await second.until("listening")


async def test_a_disk_that_is_full_at_the_start_is_told_in_a_sentence(tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--data", str(tmp_path), "--listen", "127.0.0.1:0", env=environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=little_room,
    )  # fmt: skip
    _, words = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert (process.returncode, words.startswith(b"keelpay: "), b"Traceback" in words) == (DATABASE, True, False)


async def test_a_mode_is_for_ever(tmp_path):
    async with serving(tmp_path) as server:
        await server.until("listening")
    (tmp_path / "live.toml").write_text("mode = 'live'\nrails = []\n")
    code, _, words = await done("serve", "--config", tmp_path / "live.toml", "--data", tmp_path, "--no-edge")
    assert (code, "test installation" in words, "Traceback" in words) == (DATABASE, True, False)


async def test_another_master_key_is_told_in_a_sentence(tmp_path):
    async with serving(tmp_path) as server:
        await server.until("listening")
    code, _, words = await done("serve", "--data", tmp_path, "--no-edge", KEELPAY_MASTER_KEY="11" * 32)
    assert (code, "another master key" in words, "Traceback" in words) == (SETTINGS, True, False)


async def test_metrics_are_served_on_this_machine(tmp_path):
    port = free_port()
    async with serving(tmp_path, "--metrics-port", port) as server:
        told = await server.until("listening")
        assert told["metrics"] == f"http://127.0.0.1:{port}/metrics"
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(told["metrics"], timeout=10).read())
    assert b"grpc_server_call_started" in body


async def test_lines_for_people_are_no_json(tmp_path):
    async with started("serve", "--data", tmp_path, "--listen", "127.0.0.1:0", "--log", "text") as server:
        lines = [(await asyncio.wait_for(server.process.stdout.readline(), PATIENCE_S)).decode() for _ in range(2)]
        assert lines[0] == "listening\n"
        assert lines[1].split()[0] == "address"

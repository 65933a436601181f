import asyncio
import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.cli.process import PATIENCE_S, done, serving, started


@pytest.mark.slow
async def test_the_demo_tells_simulates_proves_and_leaves_nothing(tmp_path):
    code, out, words = await done("demo", "--payments", "60", "--days", "1", "--merchants", "5", TMPDIR=str(tmp_path))
    assert code == 0, out + words
    assert "All green" in out
    assert "the books are right" in out
    assert _links(out) == []  # they would be dead before anybody reads them
    assert "with --stay" in out
    assert list(tmp_path.iterdir()) == []
    assert _of_this_test(tmp_path) == []


@pytest.mark.slow
async def test_a_demo_that_stays_serves_its_pages_until_enter_is_pressed(tmp_path):
    async with started("demo", "--story-only", "--stay", TMPDIR=str(tmp_path)) as demo:
        out = await _shown(demo)
        assert "the books are right" in out
        assert [page for page, _ in _links(out)] == ["enrol", "pay", "manage"]
        for _, link in _links(out):
            page = await asyncio.to_thread(lambda link=link: urllib.request.urlopen(link, timeout=PATIENCE_S).read())
            assert b"<main" in page
        demo.process.stdin.write(b"\n")
        rest, words = await asyncio.wait_for(demo.process.communicate(), PATIENCE_S)
        assert (demo.process.returncode, b"nothing was charged" in rest) == (0, True), rest + words
    assert list(tmp_path.iterdir()) == []
    assert _of_this_test(tmp_path) == []


@pytest.mark.slow
async def test_what_is_behind_the_links_is_there_after_the_payment_until_enter_is_pressed(tmp_path):
    async with started("demo", "--story-only", "--stay", TMPDIR=str(tmp_path)) as demo:
        out = await _shown(demo)
        site, token = await _call_off(out)
        assert b"is CANCELLED" in await asyncio.wait_for(demo.process.stdout.readline(), PATIENCE_S)
        assert (await _ask(site, "gateway.v1.CheckoutService/GetSession", {}, token))["session"]
        for _, link in _links(out):
            assert await asyncio.to_thread(lambda link=link: urllib.request.urlopen(link, timeout=PATIENCE_S).read())
        demo.process.stdin.write(b"\n")
        rest, words = await asyncio.wait_for(demo.process.communicate(), PATIENCE_S)
        assert (demo.process.returncode, words) == (0, b""), rest + words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_a_demo_whose_keyboard_goes_away_leaves_with_the_payment(tmp_path):
    async with started("demo", "--story-only", "--stay", TMPDIR=str(tmp_path)) as demo:
        out = await _shown(demo)
        demo.process.stdin.close()
        await _call_off(out)
        rest, words = await asyncio.wait_for(demo.process.communicate(), PATIENCE_S)
        assert (demo.process.returncode, b"is CANCELLED" in rest, words) == (0, True, b""), rest + words


@pytest.mark.slow
async def test_a_demo_that_stays_without_a_keyboard_waits_for_the_payment(tmp_path):
    """As with `</dev/null`: there is nothing to press, and no reason to leave."""
    nobody = asyncio.subprocess.DEVNULL
    async with started("demo", "--story-only", "--stay", stdin=nobody, TMPDIR=str(tmp_path)) as demo:
        out = await _shown(demo)
        await _call_off(out, while_it_waits=lambda: demo.process.returncode is None)
        rest, words = await asyncio.wait_for(demo.process.communicate(), PATIENCE_S)
        assert (demo.process.returncode, b"is CANCELLED" in rest, words) == (0, True, b""), rest + words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_an_interrupted_demo_leaves_nothing_either(tmp_path):
    async with started("demo", "--story-only", "--stay", TMPDIR=str(tmp_path)) as demo:
        while len(_of_this_test(tmp_path)) < 3:  # its banks
            assert demo.process.returncode is None
            await asyncio.sleep(0.05)
        demo.process.send_signal(2)
        assert await demo.end() == 130
    assert list(tmp_path.iterdir()) == []
    assert _of_this_test(tmp_path) == []


@pytest.mark.slow
async def test_what_a_demo_keeps_can_be_served_and_proven(tmp_path):
    kept = tmp_path / "look"
    code, out, words = await done("demo", "--story-only", "--keep", kept)
    assert code == 0, out + words
    code, out, _ = await done("verify", "--config", kept / "keelpay.toml")
    assert (code, "the books are right" in out) == (0, True)
    assert {each.suffix for each in kept.iterdir()} >= {".sqlite", ".log", ".pem", ".toml"}
    async with started(
        "serve", "--config", kept / "keelpay.toml", "--listen", "127.0.0.1:0", "--drain-wait", "0"
    ) as it:
        address = (await it.until("listening"))["address"]
        code, out, words = await done("try", "--address", address, "--credential", kept / "demo.pem")
        assert (code, [page for page, _ in _links(out)]) == (0, ["enrol", "pay", "manage"]), out + words
        it.tell(15)
        assert await it.end() == 0
    code, out, _ = await done("verify", "--config", kept / "keelpay.toml")
    assert (code, "the books are right" in out) == (0, True)


@pytest.mark.slow
async def test_a_file_that_is_no_traffic_is_told_and_leaves_nothing(tmp_path):
    (tmp_path / "shopping.csv.gz").write_bytes(b"milk")
    folder = tmp_path / "temporary"
    folder.mkdir()
    code, _, words = await done("simulate", "--file", tmp_path / "shopping.csv.gz", TMPDIR=str(folder))
    assert (code, words.startswith("keelpay: "), "Traceback" in words) == (1, True, False), words
    assert list(folder.iterdir()) == []


async def test_a_server_that_is_not_there_is_told(tmp_path):
    files = []
    for kind, name in (("partner", "shop"), ("operator", "ann"), ("operator", "ben")):
        path = tmp_path / f"{name}.pem"
        assert (await done("keys", "admit", kind, name, "--out", path, "--data", tmp_path))[0] == 0
        files += ["--credentials", path]
    code, _, words = await done("simulate", "--address", "127.0.0.1:1", *files, "--payments", 1)
    assert (code, words.startswith("keelpay: "), "Traceback" in words) == (1, True, False), words


@pytest.mark.slow
async def test_a_server_on_a_fresh_folder_is_simulated_with_by_its_address(tmp_path):
    files = []
    for kind, name in (("partner", "shop"), ("operator", "ann"), ("operator", "ben")):
        path = tmp_path / f"{name}.pem"
        assert (await done("keys", "admit", kind, name, "--out", path, "--data", tmp_path / "var"))[0] == 0
        files += ["--credentials", path]
    async with serving(tmp_path / "var") as server:
        address = (await server.until("listening"))["address"]
        drain = asyncio.create_task(server.process.stdout.read())
        try:
            for seed in (1, 2):  # a second time on the same books too
                some = ("--payments", 20, "--days", 1, "--merchants", 3, "--seed", seed)
                code, out, words = await done("simulate", "--address", address, *files, *some)
                assert (code, "All green" in out) == (0, True), out + words
        finally:
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)


async def _shown(demo):
    """What a demo says up to its last link."""
    out = ""
    while "manage#" not in out:
        line = await asyncio.wait_for(demo.process.stdout.readline(), PATIENCE_S)
        assert line, out
        out += line.decode()
    return out


async def _call_off(out, while_it_waits=lambda: True):
    """Opens the link to pay, as a page does, and cancels; returns site and token of the session."""
    site, secret = re.findall(r"(http://localhost:\d+)/pay#([\w-]{43})", out)[0]
    opened = await _ask(site, "gateway.v1.CheckoutService/OpenSession", {"token": secret, "requestId": str(uuid4())})
    payment, token = opened["session"]["checkout"]["payment"], opened["token"]["value"]
    in_time = datetime.now(UTC) + timedelta(hours=1)
    assert datetime.fromisoformat(payment["expireTime"]) < in_time  # nobody has moved this server's clock
    assert while_it_waits()
    cancel = {"name": payment["name"], "requestId": str(uuid4())}
    await _ask(site, "gateway.v1.PaymentService/CancelPayment", cancel, token)
    return site, token


async def _ask(site, method, body, token=""):
    """A call as a page makes it."""
    head = {"content-type": "application/json", "connect-protocol-version": "1"}
    if token:
        head["authorization"] = f"Bearer {token}"
    call = urllib.request.Request(f"{site}/keelpay.api.{method}", json.dumps(body).encode(), head)
    return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(call, timeout=PATIENCE_S).read()))


def _links(out):
    """The pages that a text links to: their names and addresses, without what opens them."""
    return [(page, f"{site}/{page}") for site, page in re.findall(r"(http://localhost:\d+)/(\w+)#[\w-]{43}", out)]


def _of_this_test(folder):
    """Processes that were told of a folder of this test."""
    return [each for each in Path("/proc").iterdir() if each.name.isdigit() and str(folder).encode() in _words(each)]


def _words(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""

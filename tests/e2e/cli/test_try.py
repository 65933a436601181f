"""`keelpay try`: links on a server that runs, for a person's own finger; each opens a page."""

import asyncio
import re
import urllib.request

from tests.e2e.cli.process import done, serving


async def test_links_to_set_up_and_to_pay_are_made_and_their_pages_are_there(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        command = ("try", "--address", told["address"], "--credential", told["sandbox_credential"], "--links-only")
        for _ in range(2):  # a second time there are shop and person already
            code, out, err = await done(*command)
            assert code == 0, err
            links = re.findall(r"http://localhost:\d+/(\w+)#[\w-]{43}", out)
            assert links == ["enrol", "pay", "manage"]
        address = told["edge"].replace("127.0.0.1", "localhost") + "/pay"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=5).read())
        assert b"<main" in page


async def test_the_books_are_right_after_it(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        for _ in range(2):
            code, _, err = await done("try", "--address", told["address"], "--credential", told["sandbox_credential"])
            assert code == 0, err
    code, out, _ = await done("verify", "--data", tmp_path)
    assert (code, "the books are right" in out) == (0, True), out


async def test_a_server_that_is_not_there_is_told_in_a_sentence(tmp_path):
    assert (await done("keys", "admit", "partner", "shop", "--out", tmp_path / "k.pem", "--data", tmp_path))[0] == 0
    code, _, err = await done("try", "--address", "127.0.0.1:1", "--credential", tmp_path / "k.pem")
    assert (code, "no server answers at 127.0.0.1:1" in err, "Traceback" in err) == (1, True, False), err


async def test_without_a_server_it_says_how_to_start_one(tmp_path):
    code, _, err = await done("try", "--credential", str(tmp_path / "nothing.pem"))
    assert code != 0
    assert "keelpay serve" in err

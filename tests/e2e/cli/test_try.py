"""`keelpay try`: links on a server that runs, for a person's own finger; each opens a page."""

import asyncio
import re
import urllib.request

from tests.e2e.cli.process import PATIENCE_S, client_of, done, serving


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
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=PATIENCE_S).read())
        assert b"<main" in page


async def test_the_books_are_right_after_it(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        for _ in range(2):
            code, _, err = await done("try", "--address", told["address"], "--credential", told["sandbox_credential"])
            assert code == 0, err
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            wallets = [each.brand async for each in partner.payers.instruments("partners/sandbox/payers/you")]
            numbers = [
                each.merchant_payment_id async for each in partner.payments.list(merchant="merchants/corner-cafe")
            ]
    assert wallets == ["alipay"]  # the person's, who needs no second one
    assert all(re.fullmatch(r"\d{8}-\d{6}-\d{3}", number) for number in numbers), numbers  # as a receipt shows them
    code, out, _ = await done("verify", "--data", tmp_path)
    assert (code, "the books are right" in out) == (0, True), out


async def test_a_server_that_is_not_there_is_told_in_a_sentence(tmp_path):
    assert (await done("keys", "admit", "partner", "shop", "--out", tmp_path / "k.pem", "--data", tmp_path))[0] == 0
    code, _, err = await done("try", "--address", "127.0.0.1:1", "--credential", tmp_path / "k.pem")
    assert (code, "no server answers at 127.0.0.1:1" in err, "Traceback" in err) == (1, True, False), err


async def test_without_a_server_it_says_how_to_start_one(tmp_path):
    code, _, err = await done("try", "--credential", str(tmp_path / "nothing.pem"))
    assert code == 3, err
    assert "there is no key file" in err
    assert "keelpay serve" in err


async def test_a_file_that_is_no_key_of_a_partner_is_told_as_that(tmp_path):
    wrong = {"notes.txt": b"milk", "empty.pem": b"client: partners/a\nkey: b\naudience: c\n-----BEGIN KEY-----\n"}
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        code, _, err = await done("try", "--credential", tmp_path / name)
        assert (code, "--credential: " in err, "Traceback" in err) == (3, True, False), err
    await done("keys", "admit", "operator", "ann", "--out", tmp_path / "ann.pem", "--data", tmp_path)
    code, _, err = await done("try", "--credential", tmp_path / "ann.pem")
    assert (code, "a partner's is needed" in err) == (3, True), err


async def test_a_wrong_address_and_a_strange_key_have_sentences_of_their_own(tmp_path):
    assert (await done("keys", "admit", "partner", "shop", "--out", tmp_path / "k.pem", "--data", tmp_path))[0] == 0
    for address, words in (("foo", "which port of foo?"), ("http://127.0.0.1:8443", "without http:// before it")):
        code, _, err = await done("try", "--address", address, "--credential", tmp_path / "k.pem")
        assert (code, words in err, "Traceback" in err) == (3, True, False), err
    async with serving(tmp_path / "other") as server:
        told = await server.until("listening")
        code, _, err = await done("try", "--address", told["address"], "--credential", tmp_path / "k.pem")
        assert (code, "does not know the key of partners/shop" in err) == (1, True), err
        edge = told["edge"].removeprefix("http://")
        code, _, err = await done("try", "--address", edge, "--credential", tmp_path / "k.pem")
        assert (code, "gRPC has a port of its own" in err) == (1, True), err

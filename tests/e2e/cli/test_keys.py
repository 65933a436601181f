import json
import stat

import pytest

from keelpay.errors import KeelpayError
from tests.e2e.cli.process import client_of, done, open_merchant, serving

MASTER = {"KEELPAY_MASTER_KEY": "5a" * 32}


@pytest.fixture
async def keys(tmp_path):
    """Runs `keelpay keys ...` on the test's own installation, and wants it to succeed."""

    async def run(*arguments, **settings):
        code, out, words = await done("keys", *arguments, "--data", tmp_path, **settings)
        assert code == 0, words
        return out

    return run


async def test_a_partner_that_is_admitted_may_call(tmp_path, keys):
    path = tmp_path / "shop.pem"
    out = await keys("admit", "partner", "shop", "--display-name", "Flower Shop", "--out", path)
    assert str(path) in out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().split("-----")[2].strip() not in out
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        assert "sandbox_credential" not in told, "somebody is in already"
        async with client_of(told["address"], path) as partner:
            assert (await open_merchant(partner, "flowers")).name == "merchants/flowers"
        listed = await keys("list")
        document = json.loads(await keys("jwks"))
    assert "partners/shop  Flower Shop  key-" in listed
    assert [key["alg"] for key in document["keys"]] == ["EdDSA", "EdDSA"]
    assert [key["kid"].startswith("evidence-") for key in document["keys"]] == [False, True]
    assert all("d" not in key for key in document["keys"])


async def test_the_same_name_is_admitted_once_and_leaves_no_file_behind(tmp_path, keys):
    await keys("admit", "operator", "ann", "--out", tmp_path / "ann.pem")
    code, _, words = await done("keys", "admit", "operator", "ann", "--out", tmp_path / "2.pem", "--data", tmp_path)
    assert (code, words.startswith("keelpay: "), "Traceback" in words) == (1, True, False)
    assert not (tmp_path / "2.pem").exists()


async def test_a_key_changes_over_without_a_pause_beside_running_servers(tmp_path, keys, postgres_dsn):
    settings = MASTER | {"KEELPAY_DATABASE": postgres_dsn}
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    async with serving(tmp_path, **settings) as server:
        target = (await server.until("listening"))["address"]
        await keys("admit", "partner", "shop", "--out", old, **settings)
        async with client_of(target, old) as partner:
            await open_merchant(partner, "one")
        await keys("add", "partners/shop", "--out", new, **settings)
        async with client_of(target, new) as partner:
            await open_merchant(partner, "two")
        await keys("revoke", "partners/shop", _key_of(old), **settings)
        async with client_of(target, old) as partner:
            with pytest.raises(KeelpayError):
                await open_merchant(partner, "three")
        await keys("suspend", "partners/shop", **settings)
        async with client_of(target, new) as partner:
            with pytest.raises(KeelpayError):
                await open_merchant(partner, "three")
        await keys("resume", "partners/shop", **settings)
        await keys("rotate", **settings)
        async with client_of(target, new) as partner:
            await open_merchant(partner, "three")
        assert len(json.loads(await keys("jwks", **settings))["keys"]) == 3


@pytest.mark.parametrize("act", ["suspend", "resume", "add"])
async def test_whoever_is_not_in_cannot_be_changed(tmp_path, act):
    out = ("--out", tmp_path / "x.pem") if act == "add" else ()
    code, _, words = await done("keys", act, "partners/nobody", *out, "--data", tmp_path)
    assert (code, words.startswith("keelpay: "), "Traceback" in words) == (1, True, False)


def _key_of(path):
    return dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)["key"]

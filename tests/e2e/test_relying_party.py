"""The relying party of an installation is for ever: once somebody has a passkey, no server starts under another."""

import pytest

from keelpay_server.app.local import QUICK
from keelpay_server.app.serving import open_server
from keelpay_server.auth.party_of_passkeys import WrongRelyingParty
from keelpay_server.config import Settings

from .installation import open_installation


async def test_a_server_starts_under_another_name_only_while_nobody_has_a_passkey(tmp_path):
    async def start(rp_id):
        settings = Settings(data=str(tmp_path), listen="127.0.0.1:0", rp_id=rp_id)
        async with open_server(settings, environment={}, log=lambda _: None, limits=QUICK):
            pass

    await start("pay.example.com")
    async with open_installation(tmp_path, rp_id="localhost"):
        pass
    with pytest.raises(WrongRelyingParty, match=r"^rp_id is pay\.example\.com, and the passkeys here"):
        await start("pay.example.com")
    await start("localhost")

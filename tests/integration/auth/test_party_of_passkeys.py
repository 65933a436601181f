"""A server serves the passkeys of its own relying party, or does not start."""

import pytest

from keelpay_server.app.failure import FailureKind, explain
from keelpay_server.auth.party_of_passkeys import WrongRelyingParty, refuse_other_party

from .scene import ORIGIN, RP_ID


async def test_without_passkeys_any_relying_party_will_do(scene):
    await refuse_other_party(scene.reader, RP_ID)
    await refuse_other_party(scene.reader, "example.com")


async def test_with_passkeys_none_but_theirs(scene):
    await scene.enrol()
    await refuse_other_party(scene.reader, RP_ID)
    with pytest.raises(WrongRelyingParty) as caught:
        await refuse_other_party(scene.reader, "example.com")
    told = explain(caught.value)
    assert told is not None
    assert told.kind is FailureKind.SETTINGS
    assert told.sentence == f"rp_id is example.com, and the passkeys here, made at {ORIGIN}, are of another one"

"""The passkey in software behaves as a device does, also where it refuses."""

import json
import sys

import pytest

from keelpay.testing.soft_passkey import NoPasskey, SoftPasskey
from keelpay_server.auth import base64url
from keelpay_server.auth.options import KnownPasskey, request_options, spc_request

from .ceremonies import DISPLAYED, NONCE, ORIGIN, RP_ID, Ceremony, creation


def test_a_device_is_not_enrolled_twice():
    payer = Ceremony()
    with pytest.raises(ValueError, match="InvalidStateError"):
        payer.device.create(creation(exclude=payer.known))


def test_without_a_common_algorithm_nothing_is_made():
    with pytest.raises(ValueError, match="NotSupportedError"):
        SoftPasskey(origin=ORIGIN, algorithms=(-999,)).create(creation())


def test_the_servers_preference_decides_the_algorithm():
    device = SoftPasskey(origin=ORIGIN, algorithms=(-8, -7))
    device.create(creation())
    assert [each.algorithm for each in device.credentials.values()] == [-7]


@pytest.mark.parametrize("rp_id,credential_id", [("evil.example", None), (RP_ID, b"other")])
def test_a_passkey_answers_its_own_site_and_its_own_name_alone(rp_id: str, credential_id: bytes | None):
    payer = Ceremony()
    known = [KnownPasskey(credential_id or payer.passkey.credential_id)]
    with pytest.raises(NoPasskey):
        payer.device.get(request_options(rp_id=rp_id, challenge=NONCE, allow=known))
    with pytest.raises(NoPasskey):
        payer.device.confirm_payment(spc_request(rp_id=rp_id, challenge=NONCE, allow=known, terms=DISPLAYED))


def test_without_a_list_any_passkey_of_the_site_answers():
    payer = Ceremony()
    options = json.dumps({"challenge": base64url.encode(NONCE), "rpId": RP_ID})
    assert json.loads(payer.device.get(options))["id"] == base64url.encode(payer.passkey.credential_id)


def test_a_clone_counts_for_itself():
    payer = Ceremony()
    twin = payer.device.clone()
    payer.sign()
    assert [device.credentials[payer.passkey.credential_id].sign_count for device in (payer.device, twin)] == [1, 0]


def test_a_device_does_not_show_its_secrets():
    payer = Ceremony(browser_bound=True)
    assert "browser_key" not in repr(payer.device)


def test_a_missing_dependency_is_told_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cbor2", None)
    for name in ("keelpay.testing", "keelpay.testing.soft_passkey"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"please install keelpay\[testing\]"):
        __import__("keelpay.testing.soft_passkey")

"""A device is known by a passkey that may sign, by an id that nobody can guess, and by nothing else."""

import pytest

from keelpay_server.auth.device import ID_LENGTH_MIN, device_digest, is_known
from keelpay_server.auth.passkey import DEVICES_MAX, Passkey, PasskeyState, suspect, used

ID = "0f2d3c4b-5a69-4788-8796-a5b4c3d2e1f0"
PHONE = device_digest("acme/ama", ID)
KEY = Passkey(**{**dict.fromkeys(Passkey._fields, 0), "state": PasskeyState.ACTIVE, "browser_keys": "", "devices": ""})


def sign(key, device):
    return used(key, 1, sign_count=0, backup_state=False, browser_key=None, device=device)


def test_a_device_is_known_from_the_first_signature_on_it():
    assert not is_known([KEY], PHONE)
    assert is_known([KEY, sign(KEY, PHONE)], PHONE)
    assert not is_known([sign(KEY, PHONE)], device_digest("acme/ben", ID)), "to one payer, not to another"
    assert not is_known([], PHONE)


def test_only_a_digest_is_kept():
    assert ID not in sign(KEY, PHONE).devices
    assert device_digest("acme/am", "a " + ID) != PHONE


@pytest.mark.parametrize("device_id", ["", "iPhone", "x" * (ID_LENGTH_MIN - 1)])
def test_an_id_that_might_be_guessed_makes_no_device_known(device_id):
    digest = device_digest("acme/ama", device_id)
    assert digest == ""
    assert sign(KEY, digest).devices == ""
    assert not is_known([sign(KEY, PHONE)], digest)


@pytest.mark.parametrize("state", [state for state in PasskeyState if state is not PasskeyState.ACTIVE])
def test_a_key_that_may_not_sign_takes_its_devices_along(state):
    assert not is_known([sign(KEY, PHONE)._replace(state=state)], PHONE)


def test_a_key_that_may_be_a_copy_forgets_every_device_until_it_signs_there_again():
    doubtful = suspect(sign(KEY, PHONE), 1)
    assert not is_known([doubtful], PHONE)
    assert is_known([sign(doubtful, PHONE)], PHONE)


def test_the_devices_used_last_are_remembered_each_once():
    key = sign(KEY, PHONE)
    for number in range(DEVICES_MAX - 1):
        key = sign(sign(key, f"device-{number}"), f"device-{number}")
    assert is_known([key], PHONE)
    assert len(key.devices.split()) == DEVICES_MAX
    key = sign(sign(key, PHONE), "one-more")
    assert is_known([key], PHONE), "it was used again"
    assert not is_known([key], "device-0")

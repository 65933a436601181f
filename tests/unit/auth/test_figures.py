"""Laws of the table `[auth]`: what an installation chooses arrives, and what makes no sense stops the start."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from keelpay_server.app.rooms import auth_settings
from keelpay_server.auth.figures import BOUNDS, AuthFigures
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.config import SettingsError, load_settings


def load(auth, environment=None):
    return load_settings(None, {"auth": auth}, environment or {})


@pytest.fixture
def root(tmp_path):
    """A certificate of nobody, in PEM."""
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    path = tmp_path / "roots.pem"
    path.write_bytes(made.sign(key, None).public_bytes(Encoding.PEM))
    return path


def test_every_figure_arrives_where_it_is_used(root):
    chosen = auth_settings(
        load({
            "new_passkey_hours": 48, "new_passkey_limits": {"JPY": 5_000, "KWD": 12}, "cooling_hours": 24,
            "passkeys_max": 3, "recoveries_a_day": 1, "enrolments_a_day": 7, "link_minutes": 5,
            "attestation_roots": {"packed": str(root)},
        })
    )  # fmt: skip
    assert (chosen.new_passkey_s, chosen.cooling_s, chosen.link_life_s) == (48 * 3600, 24 * 3600, 300)
    assert (chosen.passkeys_max, chosen.recoveries_a_day, chosen.enrolments_a_day) == (3, 1, 7)
    assert [chosen.new_passkey_limit(code) for code in ("JPY", "KWD", "CNY")] == [5_000, 12_000, 200_000]
    assert chosen.attestation_roots == {"packed": (root.read_bytes(),)}


def test_what_is_not_chosen_is_as_the_room_has_it():
    chosen, usual = auth_settings(load({})), AuthSettings(party=auth_settings(load({})).party, issuer="", audience="")
    for name in ("new_passkey_s", "new_passkey_limits", "cooling_s", "passkeys_max", "recoveries_a_day",
                 "enrolments_a_day", "link_life_s", "attestation_roots"):  # fmt: skip
        assert getattr(chosen, name) == getattr(usual, name), name


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_each_figure_can_come_from_the_environment_and_beats_the_file(name):
    least, most = BOUNDS[name]
    settings = load({name: most}, {f"KEELPAY_AUTH_{name.upper()}": str(least)})
    assert getattr(settings.auth, name) == least


@pytest.mark.parametrize(("name", "beyond"), [(name, value) for name, (low, high) in BOUNDS.items()
                                              for value in (low - 1, high + 1)])  # fmt: skip
def test_a_figure_out_of_bounds_is_named_with_its_bounds(name, beyond):
    least, most = BOUNDS[name]
    with pytest.raises(SettingsError, match=rf"^auth\.{name} is {least}\.\.{most}$"):
        load({name: beyond})


@pytest.mark.parametrize(
    ("auth", "word"),
    [
        ({"new_passkey_limits": {"XYZ": 1}}, "XYZ is no currency"),
        ({"new_passkey_limits": {"CNY": -1}}, "CNY is 0"),
        ({"new_passkey_limits": {"CNY": "much"}}, "new_passkey_limits"),
        ({"attestation_roots": {"none": "roots.pem"}}, "not none"),
        ({"attestation_roots": {"packed": "/nowhere/roots.pem"}}, "cannot read /nowhere/roots.pem"),
        ({"attestation_roots": {"packed": "Makefile"}}, "Makefile holds no PEM certificates"),
        ({"cooling_days": 3}, "cooling_days"),
    ],
)
def test_what_makes_no_sense_is_named(auth, word):
    with pytest.raises(SettingsError, match=word):
        load(auth)


def test_every_number_has_bounds():
    numbers = {name for name in AuthFigures.__struct_fields__ if isinstance(getattr(AuthFigures(), name), int)}
    assert numbers == set(BOUNDS)

"""What risk hears of how a payer said yes."""

from types import SimpleNamespace

import pytest

from keelpay_server.auth.passkey import Passkey
from keelpay_server.auth.proof import Proof
from keelpay_server.auth.terms import ConfirmationMethod
from keelpay_server.book.world import World
from keelpay_server.gateway.consent import consent_of
from keelpay_server.risk.consent import UNSAID, BrowserKey, ConsentMethod, Site

NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000
KEY = Passkey(**dict.fromkeys(Passkey._fields, 0))._replace(
    id=b"k", payer="acme/ama", browser_keys="", create_time=NOW_US - 5 * HOUR_US
)
PROOF = Proof(b"c", "acme/ama", b"k", "", origin="https://pay.example.com", rp_id="pay.example.com")
PLAIN = SimpleNamespace(mandate=None, stepped_up=False)
MANDATED = SimpleNamespace(mandate=b"m", stepped_up=False)


def heard(payment=PLAIN, proof=PROOF, **key):
    world = World(1, 0, b"", NOW_US, NOW_US, 1, 7)
    world.rows = {Passkey: {b"k": KEY._replace(**key)}}
    world.asked = {Passkey: {b"k"}}
    return consent_of(world, payment, proof)


def test_a_passkey_is_told_with_its_age_and_how_it_signed():
    said = heard(proof=PROOF._replace(method=ConfirmationMethod.SPC, backup_state=True))
    assert (said.method, said.synced, said.age_us) == (ConsentMethod.SPC, True, 5 * HOUR_US)
    assert (said.regressed_us, said.browser, said.site) == (None, BrowserKey.NONE, Site.OWN)


def test_a_counter_that_went_back_is_told_with_its_time():
    assert heard(regressed_time=NOW_US - HOUR_US).regressed_us == HOUR_US


@pytest.mark.parametrize(
    ("browser_key", "bound", "known", "expected"),
    [
        (None, False, "AAAA", BrowserKey.NONE),
        (b"b", True, "AAAA", BrowserKey.KNOWN),
        (b"b", False, "AAAA", BrowserKey.NEW),
        (b"b", False, "", BrowserKey.FIRST),
    ],
)
def test_the_key_of_the_browser_is_none_known_the_first_or_new(browser_key, bound, known, expected):
    proof = PROOF._replace(browser_key=browser_key, browser_bound=bound)
    assert heard(proof=proof, browser_keys=known).browser is expected


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://pay.example.com", Site.OWN), ("https://pay.example.com:8443", Site.OWN),
        ("https://shop.example", Site.OTHER), ("https://pay.example.com.evil.example", Site.OTHER),
        ("android:apk-key-hash:abc", Site.APP),
    ],
)  # fmt: skip
def test_where_it_signed_is_told(origin, site):
    assert heard(proof=PROOF._replace(origin=origin)).site is site


def test_a_mandate_is_told_until_the_payer_confirms():
    assert heard(MANDATED, None).method is ConsentMethod.MANDATE
    assert heard(MANDATED, PROOF).method is ConsentMethod.WEBAUTHN
    assert heard(PLAIN, None) == UNSAID

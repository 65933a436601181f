"""The marks that Secure Payment Confirmation shows, as the settings name them: where they are, and that they can be."""

import pytest

from keelpay_server.app.rooms import auth_settings
from keelpay_server.auth.spc import Logo
from keelpay_server.config import SettingsError, load_settings

OWN = {"url": "/instrument.png", "label": "Harbour Bank"}
ELSEWHERE = {"url": "https://network.example/mark.png", "label": "Harpoon"}


def load(*logos):
    return load_settings(None, {"logos": list(logos), "rp_id": "pay.example.com"}, {})


def test_a_path_is_one_of_our_pages_and_a_url_stays_as_it_is():
    bank, network = auth_settings(load(OWN, ELSEWHERE)).logos
    assert bank == Logo("https://pay.example.com/instrument.png", "Harbour Bank")
    assert network == Logo(ELSEWHERE["url"], "Harpoon")


@pytest.mark.parametrize(
    "logos", [[OWN, OWN, OWN], [OWN | {"label": ""}], [OWN | {"url": "http://network.example/mark.png"}]]
)
def test_more_than_a_browser_shows_and_what_it_refuses_is_no_setting(logos):
    with pytest.raises(SettingsError, match="logos"):
        load(*logos)

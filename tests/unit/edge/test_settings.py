"""Laws of the edge's settings: what would open a door by mistake stops the start."""

import pytest

from keelpay_server.config import Settings, SettingsError, load_settings
from keelpay_server.edge.settings import EdgeSettings

PRINT = ":".join(["AB"] * 32)
GOOD = [
    {},
    {"listen": "127.0.0.1:8080"},
    {"listen": "[::1]:0"},
    {"listen": "0.0.0.0:443", "tls": {"certificate": "c.pem", "key": "k.pem"}},
    {"listen": "10.0.0.5:8080", "trusted_proxies": ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1"]},
    {"allowed_origins": ["https://shop.example", "http://localhost:3000"], "frame_ancestors": ["https://shop.example"]},
    {"expose": ["payer", "partner", "operator", "bank"]},
    {"android": [{"package": "com.shop", "fingerprints": [PRINT, PRINT.lower()]}], "apple": ["TEAM.com.shop"]},
]
BAD = [
    ({"listen": "8080"}, "listen"),
    ({"listen": "127.0.0.1:http"}, "listen"),
    ({"listen": "127.0.0.1:65536"}, "listen"),
    ({"listen": "127.0.0.1:²"}, "listen"),
    ({"listen": "0.0.0.0:8080"}, "tls"),
    ({"listen": "192.0.2.1:443"}, "tls"),
    ({"trusted_proxies": ["10.0.0.0/99"]}, "10.0.0.0/99"),
    ({"trusted_proxies": ["proxy.local"]}, "proxy.local"),
    ({"allowed_origins": ["*"]}, "origin"),
    ({"allowed_origins": ["https://shop.example/"]}, "origin"),
    ({"allowed_origins": ["null"]}, "origin"),
    ({"frame_ancestors": ["https://shop.example; script-src *"]}, "origin"),
    ({"frame_ancestors": ["'self'"]}, "origin"),
    ({"expose": ["everybody"]}, "everybody"),
    ({"streams_max": 5000}, "streams_max"),
    ({"requests_per_minute": 0}, "requests_per_minute is above 0"),
    ({"connections_max": -1}, "connections_max is above 0"),
    ({"body_s": 0}, "body_s is above 0"),
    ({"write_s": float("nan")}, "write_s is above 0"),
    ({"header_s": float("inf")}, "at most 86400 seconds"),
    ({"idle_s": 100_000}, "at most 86400 seconds"),
    ({"android": [{"package": "com.shop", "fingerprints": []}]}, "com.shop"),
    ({"android": [{"package": "com.shop", "fingerprints": ["AB:CD"]}]}, "com.shop"),
    ({"android": [{"package": "", "fingerprints": [PRINT]}]}, "package name"),
    ({"android": [{"package": "com.shop/../x", "fingerprints": [PRINT]}]}, "package name"),
    ({"apple": ["com.shop.pay"]}, "TEAMID"),
    ({"apple": ["TEAM"]}, "TEAMID"),
    ({"apple": ["*"]}, "TEAMID"),
    ({"nosuch": 1}, "nosuch"),
]


def load(edge, **more):
    return load_settings(None, {"edge": edge, **more}, {})


@pytest.mark.parametrize("edge", GOOD)
def test_sensible_settings_are_taken(edge):
    assert isinstance(load(edge).edge, EdgeSettings)


@pytest.mark.parametrize("edge,word", BAD)
def test_others_are_refused_naming_what_is_wrong(edge, word):
    with pytest.raises(SettingsError, match=word):
        load(edge)


def test_the_sandbox_is_never_exposed_by_a_live_installation():
    rails = [{"name": "icbc", "channel": "bank", "address": "bank:443"}]
    with pytest.raises(SettingsError, match="test mode"):
        load({"expose_sandbox": True}, mode="live", rails=rails)


def test_the_address_may_come_alone_and_leaves_the_rest_of_the_table(tmp_path):
    file = tmp_path / "keelpay.toml"
    file.write_text('[edge]\nlisten = "127.0.0.1:1"\nidle_s = 7\n')
    assert load_settings(str(file), {"edge_listen": "127.0.0.1:2"}, {}).edge == EdgeSettings(
        listen="127.0.0.1:2", idle_s=7
    )
    assert load_settings(str(file), {}, {"KEELPAY_EDGE_LISTEN": "127.0.0.1:3"}).edge.port == 3


def test_passkeys_may_sign_where_we_are_and_nowhere_else():
    assert Settings(rp_id="pay.example.com").signing_origins() == {"https://pay.example.com"}
    local = Settings(edge=EdgeSettings(listen="127.0.0.1:8080"))
    assert local.signing_origins() == {"https://localhost", "http://localhost:8080"}
    live = Settings(edge=EdgeSettings(listen="127.0.0.1:8080"), mode="live")
    assert live.signing_origins() == {"https://localhost"}
    other = Settings(edge=EdgeSettings(listen="127.0.0.1:8080"), rp_id="pay.example.com")
    assert other.signing_origins() == {"https://pay.example.com"}


def test_pages_below_the_relying_party_may_sign_too():
    settings = load_settings(None, {"rp_id": "example.com", "pages_origin": "https://pay.example.com:8443"}, {})
    assert settings.signing_origins() == {"https://example.com", "https://pay.example.com:8443"}


@pytest.mark.parametrize(
    "rp_id", ["https://pay.example.com", "pay.example.com:443", "10.0.0.12", "", "Pay.example", "a..b"]
)
def test_a_relying_party_is_the_name_of_a_host(rp_id):
    with pytest.raises(SettingsError, match="rp_id"):
        load_settings(None, {"rp_id": rp_id}, {})


@pytest.mark.parametrize("pages", ["https://other.example", "https://notexample.com", "http://localhost:8080"])
def test_pages_that_could_not_use_the_passkeys_stop_the_start(pages):
    with pytest.raises(SettingsError, match=r"pages_origin: pages on \S+ cannot use passkeys of rp_id example.com"):
        load_settings(None, {"rp_id": "example.com", "pages_origin": pages}, {})


def test_an_app_may_sign_by_the_fingerprint_that_its_site_publishes():
    settings = load({"android": [{"package": "com.shop", "fingerprints": [PRINT]}]})
    hashes = {origin for origin in settings.signing_origins() if origin.startswith("android:")}
    assert hashes == {"android:apk-key-hash:" + "q6ur" * 10 + "q6s"}

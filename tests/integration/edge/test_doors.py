"""Laws of the door: who may come in, and from where."""

import pytest

from tests.infrastructure.http import ask
from tests.integration.edge.conftest import ask_from, connected, open_edge, read_all

SHOP, STRANGER = "https://shop.example", "https://evil.example"


def addresses(edge):
    return [call.address for call in edge.bench.servicer.calls]


# --- forwarded headers ---


async def test_a_strangers_forwarded_headers_change_nothing(edge):
    forged = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": "pay.example.com",
              "forwarded": "for=203.0.113.9"}  # fmt: skip
    told = await edge.call("json", "Echo", headers=forged)
    assert addresses(edge) == ["127.0.0.1"]
    assert "strict-transport-security" not in told.http.headers


@pytest.mark.parametrize(
    "forwarded,address",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("203.0.113.9,10.1.2.3 , 127.0.0.1", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "127.0.0.1"),
        ("6.6.6.6, <script>", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_a_trusted_proxy_is_believed_back_to_the_first_stranger(forwarded, address):
    async with open_edge(trusted_proxies=("127.0.0.1", "10.0.0.0/8")) as edge:
        more = {"x-forwarded-for": forwarded, "x-forwarded-proto": "https"}
        told = await edge.call("json", "Echo", headers=more)
        assert addresses(edge) == [address]
        assert "strict-transport-security" in told.http.headers


async def test_proxies_may_each_write_a_line_of_their_own():
    async with open_edge(trusted_proxies=("127.0.0.1", "10.0.0.0/8")) as edge:
        reader, writer = await connected(edge)
        lines = (
            f"POST {edge.path('Echo').removeprefix(edge.url)} HTTP/1.1", "host: x", "connection: close",
            *(f"{name}: {value}" for name, value in edge.headers("json").items()), "content-length: 2",
            "x-forwarded-for: 6.6.6.6", "x-forwarded-for: 203.0.113.9", "x-forwarded-for: 10.1.2.3",
        )  # fmt: skip
        writer.write("\r\n".join((*lines, "", "{}")).encode())
        assert (await read_all(reader)).startswith(b"HTTP/1.1 200")
        assert addresses(edge) == ["203.0.113.9"]


async def test_in_the_clear_beyond_loopback_only_proxies_of_ours_are_served():
    async with open_edge(listen="127.0.0.2:0", trusted_proxies=("10.0.0.0/8",)) as edge:
        page = await ask(edge.url + "/pay", method="GET")
        call = await ask(edge.path("Echo"), b"{}", headers=edge.headers("json"))
        assert (page.status, call.status) == (403, 403)
        assert edge.bench.servicer.seen == []
    async with open_edge(listen="127.0.0.2:0", trusted_proxies=("127.0.0.0/8",)) as edge:
        assert (await edge.call("json", "Echo")).code == 0


# --- pages of other sites ---


@pytest.mark.parametrize("wire", ["json", "proto", "grpc-web", "grpc-web-text"])
async def test_only_listed_sites_reach_a_handler(wire):
    async with open_edge(allowed_origins=(SHOP,)) as edge:
        for origin in (
            STRANGER,
            "null",
            "https://shop.example:444",
            "http://shop.example",
            "https://shop.example.evil",
        ):
            answer = await ask_from(edge, origin, wire=wire)
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers
        assert edge.bench.servicer.seen == []
        answer = await ask_from(edge, SHOP, wire=wire)
        assert answer.headers["access-control-allow-origin"] == SHOP
        exposed = answer.headers["access-control-expose-headers"]
        assert {"x-request-id", "x-keelpay-mode", "grpc-status", "retry-after"} <= set(exposed.split(", "))
        assert answer.headers["vary"] == "Origin"
        assert edge.bench.servicer.seen == ["n"]


async def test_our_own_page_needs_no_list(edge):
    answer = await ask_from(edge, edge.url)
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_allows_what_pages_need_and_only_for_listed_sites():
    async with open_edge(allowed_origins=(SHOP,)) as edge:
        asking = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        answer = await ask(edge.path("Echo"), method="OPTIONS", headers={"origin": SHOP, **asking})
        assert (answer.status, answer.headers["access-control-allow-methods"]) == (204, "POST")
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        refused = await ask(edge.path("Echo"), method="OPTIONS", headers={"origin": STRANGER, **asking})
        assert refused.status == 403

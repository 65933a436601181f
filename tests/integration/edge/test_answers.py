"""Laws of what leaves: headers of every answer, the pages and their parts, the files by which apps know the site."""

import base64
import hashlib
import json
import re

import msgspec
import pytest

from keelpay_server.edge.settings import EdgeSettings
from keelpay_server.edge.site import PAGES
from tests.infrastructure.http import ask
from tests.integration.edge.conftest import ask_from, open_edge
from tests.integration.rpc.echo import EchoRequest

SHOP, STRANGER = "https://shop.example", "https://evil.example"


# --- what every answer carries ---


async def test_every_answer_carries_the_security_headers(edge):
    answers = [
        await ask(edge.url + "/pay", method="GET"),
        await ask(edge.url + "/pay", method="HEAD"),
        await ask(edge.url + "/none", method="GET"),
        await ask(edge.url + "/none", b"x" * 100),
        await ask(edge.url + "/", method="GET"),
        await ask(edge.path("Echo"), b"", method="PUT"),
        await ask_from(edge, STRANGER),
        (await edge.call("json", "Echo")).http,
        (await edge.call("json", "Echo", EchoRequest(act="crash"))).http,
        (await edge.call("connect+json", "Watch")).http,
        (await edge.call("grpc-web", "Echo", token="")).http,
    ]
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


async def test_a_page_may_run_our_scripts_alone_and_stand_in_no_frame(edge):
    for path in PAGES:
        page = await ask(edge.url + path, method="GET")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"]
        scripts, styles = (
            [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in written]
            for written in (
                re.findall(r"<script[^>]*>(.+?)</script>", page.body.decode(), re.DOTALL),
                re.findall(r"<style>(.+?)</style>", page.body.decode(), re.DOTALL),
            )
        )
        assert (len(scripts), len(styles)) == (2, 1)
        allowed = "".join(f" 'sha256-{digest}'" for digest in scripts)
        assert f"script-src 'self'{allowed}; connect-src 'self'; style-src 'self' 'sha256-{styles[0]}';" in policy
        assert "unsafe" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert "publickey-credentials-get=(self)" in page.headers["permissions-policy"]
        assert "payment=(self)" in page.headers["permissions-policy"]


async def test_only_listed_sites_may_frame_a_page():
    async with open_edge(frame_ancestors=(SHOP,)) as edge:
        page = await ask(edge.url + "/pay", method="GET")
        assert f"frame-ancestors {SHOP}" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
        data = await edge.call("json", "Echo")
        assert "frame-ancestors 'none'" in data.http.headers["content-security-policy"]


# --- files ---


async def test_a_part_is_kept_for_ever_under_its_digest_and_asked_for_again_without(edge):
    page = (await ask(edge.url + "/pay", method="GET")).body.decode()
    start = page.index("/assets/")
    digested = page[start : page.index('"', start)]
    for_ever = await ask(edge.url + digested, method="GET")
    assert for_ever.status == 200
    assert "immutable" in for_ever.headers["cache-control"]
    plain = await ask(f"{edge.url}/{digested.split('/', 3)[3]}", method="GET")
    assert (plain.body, plain.headers["cache-control"]) == (for_ever.body, "no-cache")
    other = digested.replace(digested.split("/")[2], "0" * 16)
    assert (await ask(edge.url + other, method="GET")).headers["cache-control"] == "no-cache"
    known = {"if-none-match": plain.headers["etag"]}
    again = await ask(f"{edge.url}/{digested.split('/', 3)[3]}", method="GET", headers=known)
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_files_are_compressed_for_whom_it_is_right(edge, encoding):
    plain = await ask(edge.url + "/pay", method="GET")
    packed = await ask(edge.url + "/pay", method="GET", headers={"accept-encoding": f"{encoding}, deflate"})
    assert packed.headers["content-encoding"] == encoding
    assert len(packed.body) < len(plain.body)
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"
    refused = await ask(edge.url + "/pay", method="GET", headers={"accept-encoding": "br;q=0, gzip; q=0.0"})
    assert refused.body == plain.body


PATHS = (
    "/../pyproject.toml", "/..%2fpyproject.toml", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../pyproject.toml",
    "/assets/0000000000000000/../index.html", "//etc/passwd", "/scripts/", "/scripts", "/./pay", "/pay/", "/pay%00",
    "/index.html", "/assets/", "/.git/config", "/C:/x", "/scripts\\main.js", "/PAY", "/pay/../pay", "/favicon.ico",
    "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association", "/metrics", "/docs", "/openapi.json",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_leads_anywhere_else(edge, path):
    answer = await ask(edge.url + path, method="GET")
    assert (answer.status, answer.body) == (404, b"")


async def test_apps_are_named_where_there_are_any():
    print_ = ":".join(["ab"] * 32)
    apps = {"android": ({"package": "com.shop.pay", "fingerprints": (print_,)},), "apple": ("TEAM.com.shop.pay",)}
    given = msgspec.convert(apps, EdgeSettings, strict=False)
    async with open_edge(android=given.android, apple=given.apple) as edge:
        links = await ask(edge.url + "/.well-known/assetlinks.json", method="GET")
        assert links.headers["content-type"] == "application/json"
        statement = links.json()[0]
        assert statement["target"]["sha256_cert_fingerprints"] == [print_.upper()]
        relations = {relation.split(".")[-1] for relation in statement["relation"]}
        assert relations == {"handle_all_urls", "get_login_creds"}
        site = json.loads((await ask(edge.url + "/.well-known/apple-app-site-association", method="GET")).body)
        assert site["webcredentials"]["apps"] == site["applinks"]["details"][0]["appIDs"] == ["TEAM.com.shop.pay"]

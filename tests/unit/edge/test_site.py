"""Laws of the page as it is put together: what is written in stands whole, named, and cannot end its own element."""

import base64
import hashlib

import pytest

from keelpay_server.edge.site import Site


def site(tmp_path, script):
    """A site of one page with one script written into it."""
    (tmp_path / "index.html").write_text('<script data-from="/a.js"></script><link href="/b.js">')
    (tmp_path / "a.js").write_text(script)
    (tmp_path / "b.js").write_text("2")
    return Site(tmp_path)


class Exchange:
    """Somebody who asks for the page."""

    path = "/pay"
    fields = {}  # noqa: RUF012  (nobody changes it)

    async def answer(self, status, headers, body=b""):
        """Keeps the answer."""
        self.status, self.headers, self.body = status, dict(headers), body


async def test_what_is_written_in_is_named_by_its_digest_and_names_parts_by_theirs(tmp_path):
    made, exchange = site(tmp_path, 'import("/b.js")'), Exchange()
    await made.serve(exchange)
    text = f'import("/assets/{made.digest}/b.js")'
    assert exchange.body.decode() == f'<script>{text}</script><link href="/assets/{made.digest}/b.js">'
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in exchange.headers["content-security-policy"]


@pytest.mark.parametrize("script", ["x = '</script>'", "x = '</SCRIPT '", "x = '<!--'"])
def test_a_part_that_would_end_its_element_stops_the_start(tmp_path, script):
    with pytest.raises(ValueError, match=r"a\.js cannot stand in a page"):
        site(tmp_path, script)


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_sandbox_banks_page_is_there_where_a_sandbox_is(tmp_path, sandbox):
    (tmp_path / "index.html").write_text("")
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox/bank.js").write_text("1")
    made = Site(tmp_path, sandbox=sandbox)
    assert made.knows("/pay")
    for path in ("/sandbox-bank", "/sandbox/bank.js", f"/assets/{made.digest}/sandbox/bank.js"):
        assert made.knows(path) is sandbox

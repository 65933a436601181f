"""docs/native.md shows what a server says today, and hashes what any language must hash alike."""

import hashlib
import json

from keelpay_server.auth.challenge import canonical, parse_document
from tests.e2e.docs.native_walk import DOCUMENT, EDGE, challenge_of, walk, with_steps
from tests.e2e.installation import open_installation
from tests.infrastructure.documents import blocks


async def test_the_recorded_steps_are_what_a_server_says_today(tmp_path):
    async with open_installation(tmp_path, edge=EDGE) as made:
        steps = await walk(made)
    shown = DOCUMENT.read_text(encoding="utf-8")
    assert with_steps(shown, steps) == shown, "python -m tests.e2e.docs.native_walk writes them anew"


def test_the_example_hashes_as_it_says_for_us_and_for_everybody():
    (line,), (digest,) = blocks("docs/native.md", "json jcs"), blocks("docs/native.md", "text sha256")
    text, said = line.code.rstrip("\n"), digest.code.strip()
    terms, nonce, expires_at_s = parse_document(json.loads(text))
    assert canonical(terms, nonce, expires_at_s).decode() == text
    assert hashlib.sha256(text.encode()).hexdigest() == said == challenge_of(json.loads(text)).hex()

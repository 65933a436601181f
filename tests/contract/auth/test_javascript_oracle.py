"""JavaScript as an independent opinion: a browser hashes the same challenge, and verifies our tokens by our JWKS."""

import json
import os
import random
import shutil
import subprocess

import pytest

from keelpay_server.auth.base64url import encode
from keelpay_server.auth.challenge import challenge, document
from keelpay_server.auth.jwks import jwks_document
from keelpay_server.auth.jws import sign
from keelpay_server.auth.signing_key import KeyAlgorithm, generate_signing_key
from keelpay_server.auth.terms import ConfirmationMethod, PaymentTerms
from tests.infrastructure.sources import ROOT

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None and not os.environ.get("CI"), reason="node is not on PATH")

HASH = """
const { createHash } = require("node:crypto");
const documents = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sorted = (members) => Object.fromEntries(Object.keys(members).sort().map((name) => [name, members[name]]));
const hash = (members) => createHash("sha256").update(JSON.stringify(sorted(members)), "utf8").digest("hex");
console.log(JSON.stringify(documents.map(hash)));
"""
PAGE = """
const documents = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
import("MODULE").then(async ({ challenge }) => {
  const hash = (members) => challenge(members).catch((error) => error.name);
  console.log(JSON.stringify(await Promise.all(documents.map(hash))));
});
""".replace("MODULE", (ROOT / "clients/web/scripts/challenge.js").as_uri())
VERIFY = """
const { createPublicKey, verify } = require("node:crypto");
const { jwks, tokens } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(tokens.map((token) => {
  const [header, payload, signature] = token.split(".");
  const { kid, alg } = JSON.parse(Buffer.from(header, "base64url"));
  const jwk = jwks.keys.find((each) => each.kid === kid && each.alg === alg);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const how = alg === "ES256" ? ["sha256", { key, dsaEncoding: "ieee-p1363" }] : [null, key];
  return verify(how[0], Buffer.from(header + "." + payload), how[1], Buffer.from(signature, "base64url"));
})));
"""


def run(script: str, given: object) -> list:
    finished = subprocess.run(
        [NODE, "-e", script], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(finished.stdout)


def texts(seed: int) -> str:
    """Text of all planes, with every control character, quote and separator that JSON writers disagree about."""
    draw = random.Random(seed)
    ranges = ((0, 0x7F), (0x80, 0x2FF), (0x2028, 0x2029), (0x3000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))
    return "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 30)))


def terms(seed: int) -> PaymentTerms:
    return PaymentTerms(
        payment_id=texts(seed),
        payer_id=texts(seed + 1),
        payee_id=texts(seed + 2),
        payee_name=texts(seed + 3),
        currency="CNY",
        amount_minor=random.Random(seed).randint(1, 2**63 - 1),
        instrument_id=texts(seed + 4),
        instrument_display=texts(seed + 5),
        rp_id="pay.example.com",
        method=ConfirmationMethod.WEBAUTHN,
    )


def test_javascript_hashes_the_same_challenge_for_any_texts():
    given = [(terms(seed), random.Random(seed).randbytes(32), seed + 1) for seed in range(0, 30_000, 10)]
    theirs = run(HASH, [document(*each) for each in given])
    assert theirs == [challenge(*each).hex() for each in given]


def test_our_page_hashes_the_same_challenge_for_any_texts():
    given = [(terms(seed), random.Random(seed).randbytes(32), seed + 1) for seed in range(0, 30_000, 10)]
    theirs = run(PAGE, [document(*each) for each in given])
    assert theirs == [encode(challenge(*each)) for each in given]


@pytest.mark.parametrize("value", ["a\ud800", "\udc00b", 7, None, ["x"]])
def test_our_page_refuses_what_no_two_languages_hash_alike(value):
    given = document(terms(1), bytes(32), 1) | {"payeeName": value}
    assert run(PAGE, [given]) == ["TypeError"]


def test_javascript_verifies_our_tokens_by_our_published_keys():
    keys = [generate_signing_key(), generate_signing_key(KeyAlgorithm.ES256)]
    tokens = [sign({"sub": f"payer {n} 北京"}, key, "at+jwt") for n in range(20) for key in keys]
    forged = [token[:-8] + ("AAAAAAAA" if not token.endswith("AAAAAAAA") else "BBBBBBBB") for token in tokens]
    jwks = json.loads(jwks_document(key.public for key in keys))
    assert run(VERIFY, {"jwks": jwks, "tokens": tokens + forged}) == [True] * 40 + [False] * 40

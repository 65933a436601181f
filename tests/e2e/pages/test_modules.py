"""The page's own arithmetic, run by node: it hashes and counts as the server does; its words are complete."""

import gzip
import json
import random
import re
import shutil
import subprocess

import pytest

from keelpay.challenge import DisplayedPayment
from keelpay_server.auth.spc import decimal_text
from keelpay_server.ledger.currency import CURRENCIES
from tests.infrastructure.missing import missing
from tests.infrastructure.sources import ROOT

WEB = ROOT / "clients/web"
SCRIPT_BYTES_MAX = 30_000
BANK_BYTES_MAX = 2_000
SEED = 20_260_101
ODD = 'aZ0 \u0000\u001f"\\/\u007f\u00e9\u2028中文🍵\ufeff'


def run(script, data):
    """What a module script prints, as JSON, for some input."""
    node = shutil.which("node")
    if node is None:
        missing("node is not installed")
    opening = (WEB / "scripts/opening.js").as_uri()
    command = [node, "--input-type=module", "--no-warnings", "--import", opening, "-e", script]
    done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def odd_text(chance):
    """A text of characters that programs disagree about."""
    return "".join(chance.choices(ODD, k=chance.randint(1, 20)))


def test_the_page_hashes_what_it_shows_as_every_other_client_does():
    chance = random.Random(SEED)
    rows, expected = [], []
    for _ in range(500):
        shown = DisplayedPayment(
            payment_id=odd_text(chance), payer_id=odd_text(chance), payee_id=odd_text(chance),
            payee_name=odd_text(chance), currency="CNY", amount_minor=chance.randint(1, 2**62),
            instrument_id="balance", instrument_display=odd_text(chance), rp_id="pay.example.com",
        )  # fmt: skip
        nonce, expires_at_s = chance.randbytes(32), chance.randint(1, 2**32)
        expected.append(shown.challenge(nonce, expires_at_s).hex())
        rows.append({
            "type": shown.type, "paymentId": shown.payment_id, "payerId": shown.payer_id, "payeeId": shown.payee_id,
            "payeeName": shown.payee_name, "currency": shown.currency, "amountMinor": str(shown.amount_minor),
            "instrumentId": shown.instrument_id, "instrumentDisplay": shown.instrument_display,
            "rpId": shown.rp_id, "method": "webauthn", "nonceHex": nonce.hex(), "expiresAt": str(expires_at_s),
        })  # fmt: skip
    script = f"""
      import {{ challenge, decode, encode }} from "{WEB}/scripts/challenge.js";
      import {{ readFileSync }} from "node:fs";
      const hashed = [];
      for (const {{ nonceHex, ...terms }} of JSON.parse(readFileSync(0))) {{
        const nonce = encode(Buffer.from(nonceHex, "hex"));
        hashed.push(Buffer.from(decode(await challenge({{ ...terms, nonce }}))).toString("hex"));
      }}
      console.log(JSON.stringify(hashed));
    """
    assert run(script, rows) == expected


def test_a_lone_surrogate_and_a_number_are_not_hashed():
    script = f"""
      import {{ canonical }} from "{WEB}/scripts/challenge.js";
      const refused = (terms) => {{ try {{ canonical(terms); return false; }} catch {{ return true; }} }};
      console.log(JSON.stringify([refused({{a: "\\ud800"}}), refused({{a: 1}}), refused({{a: "1"}})]));
    """
    assert run(script, None) == [True, True, False]


def test_every_currency_has_the_decimals_that_the_server_gives_it():
    rows = [(row.code, amount) for row in CURRENCIES for amount in (0, 5, 12_345, 10**17)]
    exponents = {row.code: row.exponent for row in CURRENCIES}
    script = f"""
      import {{ decimal }} from "{WEB}/scripts/money.js";
      import {{ readFileSync }} from "node:fs";
      const rows = JSON.parse(readFileSync(0).toString().replace(/, (\\d+)\\]/g, ', "$1"]'));
      console.log(JSON.stringify(rows.map(([code, minor]) => decimal(minor, code))));
    """
    shown = run(script, rows)
    wrong = [
        (code, amount, text)
        for (code, amount), text in zip(rows, shown, strict=True)
        if text != decimal_text(amount, exponents[code])
    ]
    assert wrong == []


def test_a_large_amount_is_shown_to_its_last_unit():
    script = f"""
      import {{ money }} from "{WEB}/scripts/money.js";
      const show = (amountMinor, currencyCode) => money({{ amountMinor, currencyCode }}, "en");
      console.log(JSON.stringify([show("9007199254740993", "CNY"), show("1250", "JPY"), show("1", "USDC")]));
    """
    assert run(script, None) == ["¥90,071,992,547,409.93\xa0CNY", "¥1,250\xa0JPY", "0.000001\xa0USDC"]


def test_no_two_currencies_look_alike():
    codes = [row.code for row in CURRENCIES]
    script = f"""
      import {{ money }} from "{WEB}/scripts/money.js";
      import {{ readFileSync }} from "node:fs";
      const show = (currencyCode, language) => money({{ amountMinor: "1250000", currencyCode }}, language);
      const codes = JSON.parse(readFileSync(0));
      console.log(JSON.stringify(["en", "zh-CN"].map((language) => codes.map((code) => show(code, language)))));
    """
    for texts in run(script, codes):
        assert [code for code, text in zip(codes, texts, strict=True) if text.count(code) != 1] == []
        assert len({re.sub(r"[\d.,]", "", text) for text in texts}) == len(codes)


def test_all_scripts_together_are_small_on_the_wire():
    scripts = sorted((WEB / "scripts").glob("*.js"))
    assert sum(len(gzip.compress(file.read_bytes())) for file in scripts) < SCRIPT_BYTES_MAX


@pytest.mark.parametrize("folder", ["words", "sandbox"])
def test_both_languages_say_everything_with_the_same_values(folder):
    english, chinese = (json.loads((WEB / f"{folder}/{language}.json").read_text()) for language in ("en", "zh"))
    assert list(english) == list(chinese)
    for key, sentence in english.items():
        assert sentence.strip()
        assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(re.findall(r"\{\w+\}", chinese[key])), key


def test_every_word_a_script_asks_for_is_there_and_every_word_there_is_asked_for():
    words = json.loads((WEB / "words/en.json").read_text())
    scripts = "\n".join(file.read_text() for file in sorted((WEB / "scripts").glob("*.js")))
    asked = set(re.findall(r"[\"'`](\w+)[\"'`]", scripts)) | {
        f"{state}_" for state in re.findall(r"(?:wait|end)\(\"(\w+)\"", scripts)
    }
    said_by_server = {
        key
        for key in words
        if re.match(r"(DECLINE_)?REASON_|CHECKOUT_LINK_|RESOURCE_|Alipay$|UnionPay$|WeChat Pay$", key)
    }
    endings = ("_", "_only", "_else")
    titles = {f"{key}{ending}" for key in asked | said_by_server for ending in endings}
    assert set(words) - asked - said_by_server - titles == set()
    for key in re.findall(r"\bt\(\"(\w+)\"", scripts):
        assert key in words


def test_the_banks_page_adds_little_and_only_where_there_is_a_sandbox():
    (script,) = set(WEB.rglob("*.js")) - set((WEB / "scripts").glob("*.js"))
    assert script == WEB / "sandbox/bank.js"
    assert len(gzip.compress(script.read_bytes())) < BANK_BYTES_MAX


def test_the_banks_page_has_every_word_that_it_and_what_it_shares_ask_for():
    words = json.loads((WEB / "sandbox/en.json").read_text())
    script = (WEB / "sandbox/bank.js").read_text()
    states = set(re.findall(r"end\(\"(\w+)\"", script))
    asked = set(re.findall(r"\bt\(\"(\w+)\"", script)) | {"going", "return"} | states
    shared = {"other", "secure", "foot", "offline", "slow", "retry", "UNREACHABLE", "UNREACHABLE_", "sorry"}
    assert set(words) == asked | shared

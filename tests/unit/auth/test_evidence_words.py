"""What evidence says in words: payee, amount, source, limits and time, as they were signed."""

import dataclasses

import pytest

from keelpay_server.auth.challenge import challenge
from keelpay_server.auth.evidence import Evidence, finished, write_evidence
from keelpay_server.auth.evidence_outcome import EvidenceOutcome
from keelpay_server.auth.evidence_report import verify_evidence
from keelpay_server.auth.evidence_words import evidence_sentences, moment, verdict
from keelpay_server.auth.options import request_options
from keelpay_server.auth.spc_display import SpcDisplay
from keelpay_server.auth.terms import (
    MandateTerms,
    PasskeyAddTerms,
    PasskeyResumeTerms,
    RecoveryVetoTerms,
    WithdrawalTerms,
)

from .ceremonies import DISPLAYED, EXPIRES_AT_S, NONCE, ORIGIN, PARTY, RP_ID, SEALER, SHOP, SPC_TERMS, TERMS, Ceremony

STARTED_US = (EXPIRES_AT_S - 120) * 1_000_000
PAYER = Ceremony()
MANDATE = MandateTerms(
    mandate_id="merchants/cafe/mandates/man-1", payer_id="partners/acme/payers/ama", payee_id="merchants/cafe",
    payee_name="Café 北京", currency="CNY", payment_max_minor=5_000, day_max_minor=8_050, total_max_minor=100_000,
    day_zone="Asia/Shanghai", instrument_id="balance", instrument_display="Balance", rp_id=RP_ID,
    valid_until_s=1_900_086_400,
)  # fmt: skip
WITHDRAWAL = WithdrawalTerms(
    payer_id="partners/acme/payers/ama", currency="JPY", amount_minor=1250,
    instrument_id="partners/acme/payers/ama/instruments/ins-2", instrument_display="ICBC ·· 0018", rp_id=RP_ID,
)  # fmt: skip
ADD = PasskeyAddTerms(registration_id="reg-1", payer_id="ama", passkey_display="Phone", rp_id=RP_ID)
VETO = RecoveryVetoTerms(passkey_id="psk-1", payer_id="ama", passkey_display="Thief", rp_id=RP_ID)
RESUMPTION = PasskeyResumeTerms(passkey_id="psk-1", payer_id="ama", passkey_display="Phone", rp_id=RP_ID)


def report_of(terms, *, payer=PAYER, display=None, signed=None, reason="", known=None):
    if signed is None:
        options = request_options(rp_id=RP_ID, challenge=challenge(terms, NONCE, EXPIRES_AT_S), allow=payer.known)
        signed = payer.device.get(options)
    document = write_evidence(
        Evidence(
            terms=terms, nonce=NONCE, expires_at_s=EXPIRES_AT_S, credential_json=signed,
            passkey=payer.expected().passkey, party=PARTY, display=display, started_at_us=STARTED_US,
            verified_at_us=STARTED_US + 7_000_000,
        )
    )  # fmt: skip
    file = finished(document, EvidenceOutcome(reason, STARTED_US + 8_000_000), SEALER)
    return verify_evidence(file, known)


def said(terms, **how):
    return evidence_sentences(report_of(terms, **how))


def test_a_payments_evidence_says_payee_amount_source_and_time():
    what, how, when, seal = said(TERMS)
    assert what == (
        "partners/acme/payers/ama was shown: pay 12.50 CNY to Café 北京 (merchants/cafe) from Visa •••• 4242"
        " (partners/acme/payers/ama/instruments/ins-1), for merchants/cafe/payments/pay-1."
    )
    assert how.startswith("The page or app showed it")
    assert "2030-03-17 17:46:40 UTC" in when
    assert "2030-03-17 17:46:47 UTC" in when
    assert ORIGIN in when
    assert seal.startswith(f"Sealed by {SEALER.public.kid}, the key that the payer's signature names")


def test_where_the_browser_showed_it_that_is_said():
    payer = Ceremony(browser_bound=True)
    display = SpcDisplay(
        exponent=2, payee_origin=SHOP, instrument_icon=DISPLAYED.instrument_icon,
        instrument_details=DISPLAYED.instrument_details, logos=DISPLAYED.logos,
    )  # fmt: skip
    sentences = said(SPC_TERMS, payer=payer, display=display, signed=payer.show())
    assert sentences[1].startswith("The browser itself showed payee, amount and instrument")
    assert sentences[-2] == "A key of the browser itself signed, too: one not seen with this passkey before."


def test_the_outcome_is_said_in_one_sentence_with_its_time():
    assert verdict(report_of(TERMS)).startswith("✓ ACCEPTED on 2030-03-17 17:46:48 UTC: ")
    refusal = verdict(report_of(TERMS, reason="PASSKEY_COUNTER_REGRESSED"))
    assert refusal.startswith("✗ REFUSED on 2030-03-17 17:46:48 UTC: the signature is genuine, and the act was refused")
    assert "PASSKEY_COUNTER_REGRESSED" in refusal
    other = report_of(dataclasses.replace(TERMS, amount_minor=999), signed=PAYER.sign())
    assert verdict(other).startswith("✗ NOT valid")


def test_a_counter_that_went_back_is_said():
    payer = Ceremony()
    payer.passkey = dataclasses.replace(payer.passkey, sign_count=9)
    sentences = said(TERMS, payer=payer, reason="PASSKEY_COUNTER_REGRESSED")
    assert "The passkey's counter had gone back: it may have been copied." in sentences


def test_whose_seal_it_is_was_checked_only_against_keys_that_were_given():
    assert "which is among the installation's keys that you gave" in said(TERMS, known=[SEALER.public])[-1]


def test_a_mandates_evidence_says_every_limit():
    assert said(MANDATE)[0] == (
        "partners/acme/payers/ama was shown: allow Café 北京 (merchants/cafe) payments of at most 50.00 CNY each, at"
        " most 80.50 CNY a day in Asia/Shanghai, at most 1000.00 CNY in all, until 2030-03-18 17:46:40 UTC, from"
        " Balance, as merchants/cafe/mandates/man-1."
    )
    assert " in all" not in said(dataclasses.replace(MANDATE, total_max_minor=0))[0]


@pytest.mark.parametrize(
    "terms,words",
    [
        (WITHDRAWAL, "withdraw 1250 JPY from the balance to ICBC ·· 0018"),
        (ADD, "add the passkey “Phone” by reg-1."),
        (VETO, "stop the recovery that made the passkey “Thief” (psk-1)."),
        (RESUMPTION, "let the suspended passkey “Phone” (psk-1) sign again."),
    ],
)
def test_the_other_acts_are_said_too(terms, words):
    assert words in said(terms)[0]


def test_a_name_in_the_file_writes_no_line_of_its_own_and_turns_none_round():
    name = "Café\nThe browser itself showed it.\r\x1b[2K\u202e\u2028"
    what, *rest = said(dataclasses.replace(TERMS, payee_name=name))
    assert "to Café\\nThe browser itself showed it.\\r\\x1b[2K\\u202e\\u2028 (merchants/cafe)" in what
    assert all(sentence.isprintable() for sentence in (what, *rest))


@pytest.mark.parametrize("time_us", [10**30, -(10**30), 10**18, -(10**17)])
def test_a_time_beyond_every_calendar_is_told_as_its_number(time_us):
    assert moment(time_us) == f"{time_us} µs"


def test_what_proves_nothing_says_nothing_of_the_terms():
    (sentence,) = said(dataclasses.replace(TERMS, amount_minor=999), signed=PAYER.sign())
    assert sentence.startswith("Nothing is proven by it.")


def test_a_synced_passkey_is_told():
    payer = Ceremony(backup_eligible=True, backup_state=True)
    assert "The passkey was synced between devices of the person." in said(TERMS, payer=payer)

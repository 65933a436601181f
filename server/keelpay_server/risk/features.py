"""Features: the numbers a scorer sees of one payment; the same code serves, replays and trains.

In: the payment's facts, the counters before it, the business time, how its payer consented. Out: floats in a fixed
order. Invariant: the payment itself is not in what it is compared with; what is not known is UNKNOWN, never zero.
"""

from math import sqrt
from struct import Struct
from typing import Final, NamedTuple, Protocol

from keelpay_server.book.times import HOUR_US

from .consent import UNSAID, Consent
from .counter import EMPTY, Counter, decay
from .facts import Facts

VERSION: Final = "features-1"
UNKNOWN: Final = -1.0
PRIOR_FRAUD: Final = 0.004
"""Frauds assumed of a payee before anything is known of it: the base rate of the public data (0.8 %) times PRIOR."""
PRIOR: Final = 0.5
"""How many payments that assumption weighs."""
COMPARABLE: Final = 1.5
"""Decayed count from which a mean means something; between whole numbers, so that an instant more changes nothing."""

PAYER, INSTRUMENT, DEVICE, PAYEE, ADDRESS = "payer", "instrument", "device", "merchant", "address"
"""The kinds of counters, named as in the facts."""


class Memory(Protocol):
    """What features ask of the counters."""

    def counter(self, kind: str, key: str) -> Counter:
        """Returns the counter of an entity, EMPTY if it was never seen."""

    def uses(self, payer: str, kind: str, key: str) -> int:
        """Returns how many proven payments of the payer went to this payee, or came from this device."""

    def owners(self, device: str) -> tuple[str, ...]:
        """Returns the payers who have proven payments from a device, the first few."""


class Features(NamedTuple):
    """One payment in numbers. Names end in the half-life in days.

    Attributes:
        amount: In the unit of `magnitude`.
        hour: 0..23, UTC.
        payer_attempts_1: Payments the payer tried lately.
        payer_count_1: Proven payments of the payer.
        payer_ratio_1: Amount over the payer's own mean.
        payer_z_1: Standard deviations above that mean; 0 with fewer than two payments behind it.
        payer_hours: Hours since the payer's last attempt.
        payer_over_largest: Amount over the largest proven one.
        payer_fraud_30: Matured frauds of the payer.
        instrument_attempts_1: Payments tried with the instrument lately.
        instrument_ratio_30: Amount over the instrument's own mean.
        instrument_fraud_30: Matured frauds of the instrument.
        device_attempts_1: Payments tried from the device lately.
        device_uses: Proven payments of this payer from this device.
        device_others: Other payers who use the device.
        device_fraud_30: Matured frauds of the device.
        payee_count_1: Proven payments to the payee.
        payee_ratio_30: Amount over the payee's mean.
        payee_unexplained_1: Matured frauds at the payee that nothing about their payers explained.
        payee_risk_7: Smoothed share of frauds at the payee.
        payee_uses: Proven payments of this payer to this payee.
        address_attempts_1: Payments tried from the address lately.
        address_fraud_30: Matured frauds from the address.
        consent_method: Who said so: 0 nobody yet, 1 a passkey (WebAuthn), 2 a passkey (Secure Payment Confirmation),
            3 a mandate. The features below are of the passkey, and unknown without one.
        passkey_synced: 1 where it is synced between devices, 0 where it is not.
        passkey_hours: Its age when it signed, hours.
        passkey_regressed_hours: Hours since its counter last went back; unknown if it never did.
        passkey_browser: The browser's own key that signed too: 0 none, 1 a known one, 2 the first, 3 a new one.
        passkey_site: Where it signed: 0 our own site, 1 another site that may, 2 an app of ours.
    """

    amount: float
    hour: float
    payer_attempts_1: float
    payer_count_1: float
    payer_count_7: float
    payer_count_30: float
    payer_ratio_1: float
    payer_ratio_7: float
    payer_ratio_30: float
    payer_z_1: float
    payer_z_7: float
    payer_z_30: float
    payer_hours: float
    payer_over_largest: float
    payer_fraud_30: float
    instrument_attempts_1: float
    instrument_ratio_30: float
    instrument_fraud_30: float
    device_attempts_1: float
    device_uses: float
    device_others: float
    device_fraud_30: float
    payee_count_1: float
    payee_count_7: float
    payee_count_30: float
    payee_ratio_30: float
    payee_fraud_1: float
    payee_fraud_7: float
    payee_fraud_30: float
    payee_unexplained_1: float
    payee_unexplained_7: float
    payee_unexplained_30: float
    payee_risk_7: float
    payee_risk_30: float
    payee_uses: float
    address_attempts_1: float
    address_fraud_30: float
    consent_method: float
    passkey_synced: float
    passkey_hours: float
    passkey_regressed_hours: float
    passkey_browser: float
    passkey_site: float


_LAYOUT: Final = Struct(f"<{len(Features._fields)}f")


def features(facts: Facts, memory: Memory, now_us: int, consent: Consent = UNSAID) -> Features:
    """Returns a payment's features.

    Args:
        facts: Who, with what, from where, to whom, how much.
        memory: The counters before this payment.
        now_us: Business clock, microseconds.
        consent: How the payer said yes.
    """
    payer, instrument, device, payee, address, size = facts
    amount = float(size)
    return Features._make((
        amount, float(now_us // HOUR_US % 24),
        *_of_payer(memory.counter(PAYER, payer), amount, now_us),
        *(_of_instrument(memory.counter(INSTRUMENT, instrument), amount, now_us) if instrument else _NO_INSTRUMENT),
        *(_of_device(memory, payer, device, now_us) if device else _NO_DEVICE),
        *_of_payee(memory.counter(PAYEE, payee), amount, now_us),
        memory.uses(payer, PAYEE, payee) if payer else UNKNOWN,
        *(_of_address(memory.counter(ADDRESS, address), now_us) if address else _NO_ADDRESS),
        *(_UNSAID if consent is UNSAID else _of_consent(consent)),
    ))  # fmt: skip


_NO_INSTRUMENT: Final = (UNKNOWN,) * 3
_NO_DEVICE: Final = (UNKNOWN,) * 4
_NO_ADDRESS: Final = (UNKNOWN,) * 2
_NO_PASSKEY: Final = (UNKNOWN,) * 5
_UNSAID: Final = (float(UNSAID.method), *_NO_PASSKEY)
_NO_PAYER: Final = (0.0, 0.0, 0.0, 0.0, UNKNOWN, UNKNOWN, UNKNOWN, 0.0, 0.0, 0.0, UNKNOWN, UNKNOWN, 0.0)


def _of_payer(counter: Counter, amount: float, now_us: int) -> tuple[float, ...]:
    if counter is EMPTY:
        return _NO_PAYER
    time, last, largest, a1, c1, s1, q1, _, _, c7, s7, q7, _, _, c30, s30, q30, f30, _ = counter
    d1, d7, d30 = decay(now_us - time)
    return (
        a1 * d1, c1 * d1, c7 * d7, c30 * d30,
        _ratio(amount, c1, s1), _ratio(amount, c7, s7), _ratio(amount, c30, s30),
        _z(amount, c1 * d1, c1, s1, q1), _z(amount, c7 * d7, c7, s7, q7), _z(amount, c30 * d30, c30, s30, q30),
        (now_us - last) / HOUR_US if last else UNKNOWN,
        amount / largest if largest else UNKNOWN,
        f30 * d30,
    )  # fmt: skip


def _of_instrument(counter: Counter, amount: float, now_us: int) -> tuple[float, ...]:
    d1, _, d30 = decay(now_us - counter.time)
    return counter.attempts_1 * d1, _ratio(amount, counter.count_30, counter.sum_30), counter.fraud_30 * d30


def _of_device(memory: Memory, payer: str, device: str, now_us: int) -> tuple[float, ...]:
    counter = memory.counter(DEVICE, device)
    d1, _, d30 = decay(now_us - counter.time)
    uses, others = UNKNOWN, UNKNOWN
    if payer:
        uses = memory.uses(payer, DEVICE, device)
        others = sum(1 for owner in memory.owners(device) if owner != payer)
    return counter.attempts_1 * d1, uses, others, counter.fraud_30 * d30


def _of_payee(counter: Counter, amount: float, now_us: int) -> tuple[float, ...]:
    time, _, _, _, c1, _, _, f1, u1, c7, _, _, f7, u7, c30, s30, _, f30, u30 = counter
    d1, d7, d30 = decay(now_us - time)
    return (
        c1 * d1, c7 * d7, c30 * d30, _ratio(amount, c30, s30),
        f1 * d1, f7 * d7, f30 * d30, u1 * d1, u7 * d7, u30 * d30,
        (f7 * d7 + PRIOR_FRAUD) / (c7 * d7 + PRIOR), (f30 * d30 + PRIOR_FRAUD) / (c30 * d30 + PRIOR),
    )  # fmt: skip


def _of_address(counter: Counter, now_us: int) -> tuple[float, ...]:
    d1, _, d30 = decay(now_us - counter.time)
    return counter.attempts_1 * d1, counter.fraud_30 * d30


def _of_consent(consent: Consent) -> tuple[float, ...]:
    if consent.age_us is None:
        return (float(consent.method), *_NO_PASSKEY)
    return (
        float(consent.method), _told(consent.synced), _hours(consent.age_us), _hours(consent.regressed_us),
        _told(consent.browser), _told(consent.site),
    )  # fmt: skip


def _told(value: int | None) -> float:
    return UNKNOWN if value is None else float(value)


def _hours(time_us: int | None) -> float:
    return UNKNOWN if time_us is None else time_us / HOUR_US


def _ratio(amount: float, count: float, total: float) -> float:
    """Amount over the mean: the decay of both cancels out."""
    return amount * count / total if total > 0 else UNKNOWN


def _z(amount: float, weight: float, count: float, total: float, squares: float) -> float:
    """Standard deviations above the mean; 0 while fewer than two payments are left to compare with."""
    if weight < COMPARABLE:
        return 0.0
    mean = total / count
    variance = squares / count - mean * mean
    # Equal amounts have no variance: a tenth of the mean is the least that counts as usual spread.
    floor = mean * mean / 100
    return (amount - mean) / sqrt(max(floor, variance))


def snapshot(values: Features) -> bytes:
    """Returns the features as stored with a decision: 32-bit floats, enough for any model to learn from."""
    return _LAYOUT.pack(*values)


def from_snapshot(raw: bytes) -> Features:
    """Reads stored features back."""
    return Features._make(_LAYOUT.unpack(raw))

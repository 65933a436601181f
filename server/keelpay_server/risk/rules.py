"""The table of `rules-1`: what raises or lowers the risk while no trained model stands behind the scorer.

In: nothing. Out: RULES, a scorer. Invariant: a weight is an estimate of log odds from general experience with cards
and wallets, checked against public data but not fitted to it; another table gets another version.
"""

from typing import Final

from .factor import Factor
from .scorer import Condition as If
from .scorer import Rule, RuleScorer

BASE_MILLI: Final = -6200
"""Two frauds in a thousand payments about which nothing stands out."""

TABLE: Final = (
    # The amount, beside what this payer has paid before.
    Rule("amount_above_usual", Factor.AMOUNT_UNUSUAL, 1400, (If("payer_z_30", 2.5), If("payer_over_largest", 1.0))),
    Rule("amount_far_above_usual", Factor.AMOUNT_UNUSUAL, 1600, (If("payer_z_30", 4.0), If("payer_over_largest", 1.3))),
    Rule("amount_beyond_everything", Factor.AMOUNT_UNUSUAL, 2000, (If("payer_z_30", 6.0), If("payer_over_largest", 2))),
    Rule("amount_of_a_stranger", Factor.AMOUNT_UNUSUAL, 900, (If("payer_count_30", high=0.5), If("amount", 20_000))),
    Rule("instrument_above_usual", Factor.AMOUNT_UNUSUAL, 600, (If("instrument_ratio_30", 5.0),)),
    # How often.
    Rule("payer_in_a_hurry", Factor.PAYER_VELOCITY, 900, (If("payer_attempts_1", 12), If("payer_count_7", high=20))),
    Rule("payer_in_a_rush", Factor.PAYER_VELOCITY, 1500, (If("payer_attempts_1", 30),)),
    Rule("instrument_tested", Factor.INSTRUMENT_VELOCITY, 1800, (If("instrument_attempts_1", 15),)),
    Rule("address_crowded", Factor.ADDRESS, 800, (If("address_attempts_1", 60),)),
    # The past.
    Rule("payer_defrauded", Factor.PAYER_HISTORY, 700, (If("payer_fraud_30", 0.4),)),
    Rule("payer_defrauded_again", Factor.PAYER_HISTORY, 600, (If("payer_fraud_30", 1.5),)),
    Rule("instrument_defrauded", Factor.INSTRUMENT_HISTORY, 2000, (If("instrument_fraud_30", 0.4),)),
    Rule("device_of_fraud", Factor.DEVICE_HISTORY, 2500, (If("device_fraud_30", 0.4),)),
    Rule("address_of_fraud", Factor.ADDRESS, 1200, (If("address_fraud_30", 0.8),)),
    Rule("payee_suspected", Factor.PAYEE_HISTORY, 1500, (If("payee_unexplained_7", 0.4),)),
    Rule("payee_defrauding", Factor.PAYEE_HISTORY, 2500, (If("payee_unexplained_7", 1.4), If("payee_risk_7", 0.1))),
    Rule("payee_compromised", Factor.PAYEE_HISTORY, 1600, (If("payee_unexplained_7", 2.5), If("payee_risk_7", 0.3))),
    # Who and with what.
    Rule("payee_new", Factor.PAYEE_NEW, 300, (If("payee_uses", 0, 1),)),
    Rule("payee_new_and_large", Factor.PAYEE_NEW, 500, (If("payee_uses", 0, 1), If("payer_ratio_30", 3.0))),
    Rule("payee_familiar", Factor.PAYEE_NEW, -700, (If("payee_uses", 4),)),
    Rule("device_new", Factor.DEVICE_NEW, 1000, (If("device_uses", 0, 1),)),
    Rule("device_new_and_large", Factor.DEVICE_NEW, 1000, (If("device_uses", 0, 1), If("amount", 20_000))),
    Rule("device_new_and_unusual", Factor.DEVICE_NEW, 600, (If("device_uses", 0, 1), If("payer_z_30", 3.0))),
    Rule("device_familiar", Factor.DEVICE_NEW, -800, (If("device_uses", 3),)),
    Rule("device_shared", Factor.DEVICE_SHARED, 800, (If("device_others", 1), If("device_uses", 0, 1))),
    Rule("device_of_a_crowd", Factor.DEVICE_SHARED, 1600, (If("device_others", 3), If("device_uses", 0, 1))),
    # How the payer said yes. None of these is enough for a review alone: a signature is still a signature.
    Rule("passkey_new_at_new_payee", Factor.PASSKEY, 700, (If("passkey_hours", 0, 72), If("payee_uses", 0, 1))),
    Rule("passkey_regressed", Factor.PASSKEY, 1500, (If("passkey_regressed_hours", 0, 168),)),
    Rule("browser_new", Factor.PASSKEY, 900, (If("passkey_browser", 3),)),
    Rule("browser_new_of_synced", Factor.PASSKEY, 600, (If("passkey_browser", 3), If("passkey_synced", 1))),
    Rule("browser_known", Factor.PASSKEY, -500, (If("passkey_browser", 1, 2),)),
)

RULES_1: Final = RuleScorer("rules-1", BASE_MILLI, TABLE)

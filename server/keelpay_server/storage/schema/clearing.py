"""Tables of the `clearing` room."""

from sqlalchemy import Index

from keelpay_server.clearing.adjustment import Adjustment
from keelpay_server.clearing.bank_statement import BankLine, Statement
from keelpay_server.clearing.disagreement import Disagreement
from keelpay_server.clearing.natural_key import NaturalKey
from keelpay_server.clearing.payout import Payout
from keelpay_server.clearing.settlement import Settlement
from keelpay_server.clearing.window import Window

from .entity import entity_table

windows = entity_table(Window, "windows", Index(None, "book_id", "state", "id"), changing=True)
settlements = entity_table(
    Settlement, "settlements", Index(None, "book_id", "merchant", "id"), Index(None, "book_id", "window", "id"),
    changing=True,
)  # fmt: skip
payouts = entity_table(
    Payout, "payouts", Index(None, "book_id", "merchant", "id"), Index(None, "book_id", "state", "id"), changing=True
)
statements = entity_table(Statement, "statements", Index(None, "book_id", "bank", "currency", "id"), changing=True)
bank_lines = entity_table(
    BankLine, "bank_lines", Index(None, "book_id", "statement", "state", "id"), Index(None, "book_id", "natural"),
    Index(None, "book_id", "operation"), changing=True,
)  # fmt: skip
disagreements = entity_table(
    Disagreement, "disagreements", Index(None, "book_id", "state", "id"), Index(None, "book_id", "operation"),
    Index(None, "book_id", "statement"), changing=True,
)  # fmt: skip
adjustments = entity_table(Adjustment, "adjustments", changing=True)
natural_keys = entity_table(NaturalKey, "natural_keys", append_only=True)

"""Tables of the `clearing` room."""

from sqlalchemy import Index

from keelpay_server.clearing.natural_key import NaturalKey
from keelpay_server.clearing.payout import Payout
from keelpay_server.clearing.settlement import Settlement
from keelpay_server.clearing.window import Window

from .entity import entity_table

windows = entity_table(Window, "windows", Index(None, "book_id", "state", "id"), changing=True)
settlements = entity_table(Settlement, "settlements", Index(None, "book_id", "merchant", "id"), changing=True)
payouts = entity_table(
    Payout, "payouts", Index(None, "book_id", "merchant", "id"), Index(None, "book_id", "state", "id"), changing=True
)
natural_keys = entity_table(NaturalKey, "natural_keys", append_only=True)

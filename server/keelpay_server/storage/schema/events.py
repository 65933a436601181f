"""Tables of the `events` room."""

from sqlalchemy import Index

from keelpay_server.events.delivery import Delivery
from keelpay_server.events.subscription import Subscription

from .entity import entity_table

subscriptions = entity_table(Subscription, "subscriptions", Index(None, "book_id", "live_of", "id"), changing=True)
deliveries = entity_table(
    Delivery, "deliveries",
    Index("deliveries_subscription_id_ix", "book_id", "subscription", "id"),
    Index("deliveries_subscription_state_ix", "book_id", "subscription", "state", "next_time", "id"),
    Index("deliveries_subscription_sequence_ix", "book_id", "subscription", "sequence"),
    Index("deliveries_subscription_create_time_ix", "book_id", "subscription", "create_time"),
    changing=True,
)  # fmt: skip

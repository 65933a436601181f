"""Lists: who is trusted and who is refused, without keeping the value."""

import pytest

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.risk.list_entry import FOR_EVER, Listed, ListEntry, RemoveEntries, UpsertEntries
from keelpay_server.risk.listing import EntryKind, Strength, entry_id
from tests.unit.risk.stage import KEY


def in_force(stage, key):
    return stage.counters.view().listed(key, stage.now_us)


def test_the_value_is_not_in_the_entry_and_its_digest_needs_the_key():
    key = entry_id(KEY, EntryKind.ADDRESS, "192.0.2.7")
    assert key.startswith("address-")
    assert len(key) == len("address-") + 64
    assert "192" not in key[:12]
    assert key != entry_id(b"another key", EntryKind.ADDRESS, "192.0.2.7")


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (EntryKind.PAYER, "partners/acme/payers/ann", "acme/ann"),
        (EntryKind.PAYEE, "merchants/cafe", "cafe"),
        (EntryKind.INSTRUMENT, "partners/acme/payers/ann/instruments/ins-1", "ins-1"),
        (EntryKind.PAYER, "partners/acme", "partners/acme"),
    ],
)
def test_a_resource_name_means_what_payments_carry(kind, name, value):
    assert entry_id(KEY, kind, name) == entry_id(KEY, kind, value)


def test_the_same_value_of_another_kind_is_another_entry():
    assert entry_id(KEY, EntryKind.PAYER, "x")[-64:] != entry_id(KEY, EntryKind.DEVICE, "x")[-64:]


def test_an_entry_is_replaced_and_keeps_its_beginning(stage):
    key = stage.list(EntryKind.PAYER, "acme/ann", Strength.BLOCK)
    listed = stage.now_us
    stage.commit(days=1)
    stage.list(EntryKind.PAYER, "acme/ann", Strength.HARD_BLOCK)
    row = stage.world.rows[ListEntry][key]
    assert (row.strength, row.state_version, row.create_time) == (Strength.HARD_BLOCK, 2, listed)
    assert row.creator == "operator:ops-1"


def test_a_removed_entry_ends_at_once_and_stays_on_record(stage):
    key = stage.list(EntryKind.PAYER, "acme/ann", Strength.BLOCK)
    assert in_force(stage, key) == Strength.BLOCK
    stage.apply(RemoveEntries(entries=(key, key), comment="a mistake").decide(stage.world))
    row = stage.world.rows[ListEntry][key]
    assert in_force(stage, key) == 0
    assert row.expire_time == stage.now_us
    assert row.remover == "operator:ops-1"
    assert row.strength == Strength.BLOCK


def test_removing_what_is_not_there_does_nothing(stage):
    stage.knows("payer-0")
    assert RemoveEntries(entries=("payer-0",), comment="x").decide(stage.world).events == ()


def test_an_entry_must_end_ahead(stage):
    entry = Listed("payer-0", EntryKind.PAYER, Strength.ALLOW, "x", stage.now_us)
    stage.knows("payer-0")
    with pytest.raises(Refused) as refused:
        UpsertEntries(entries=(entry,)).decide(stage.world)
    assert refused.value.reason is Reason.FIELD_INVALID
    assert UpsertEntries(entries=(entry._replace(expire_time=FOR_EVER),)).decide(stage.world).rows

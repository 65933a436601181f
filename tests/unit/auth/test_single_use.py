"""Laws of ids that are used once."""

import json

from keelpay_server.auth.single_use import use_key


def test_whatever_can_be_signed_as_an_id_is_remembered_as_itself():
    ids = ["att-1", "att-2", json.loads('"\\ud800"'), json.loads('"\\ud801"'), "北京"]
    keys = [use_key("partners/acme", "attestation", each) for each in ids]
    assert len(set(keys)) == len(ids)
    assert keys == [use_key("partners/acme", "attestation", each) for each in ids]

import pytest

from keelpay.api.auth.v1 import partner_request_pb2
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.validation import require_valid


def update(*paths, **fields):
    request = partner_request_pb2.UpdateMerchantRequest(
        name="merchants/cafe", request_id="01890a5d-ac96-774b-bcce-b302099a8057"
    )
    request.merchant.SetInParent()
    for name, value in fields.items():
        setattr(request.merchant, name, value)
    request.update_mask.paths.extend(paths)
    return request


def violated(request):
    try:
        require_valid(request)
    except Refused as refused:
        return {path for path, _ in refused.violations}
    return set()


def test_fields_that_the_mask_does_not_name_are_not_looked_at():
    assert violated(update("display_name", display_name="Café", statement_descriptor="x" * 99)) == set()


def test_fields_that_the_mask_names_keep_their_bounds():
    assert violated(update("display_name", display_name="x" * 65)) == {"merchant.display_name"}
    assert violated(update("display_name", "fee_plan", display_name="Café")) == {"merchant.fee_plan"}


def test_what_is_inside_a_named_field_keeps_its_bounds():
    request = update("payout_account")
    request.merchant.payout_account.bank_code = "x"
    assert {"merchant.payout_account.bank_code", "merchant.payout_account.account_holder"} <= violated(request)


def test_the_mask_of_everything_names_every_field():
    assert "merchant.display_name" in violated(update("*"))


@pytest.mark.parametrize("path", ["name", "partner", "nothing"])
def test_a_path_that_cannot_change_is_refused(path):
    assert "update_mask" in violated(update(path))

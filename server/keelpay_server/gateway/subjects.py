"""The table of subjects: which noun takes the results of an operation, by the kind that the operation carries.

In: nothing. Out: one entry a kind. Invariant: every kind of subject that operations are made for is here.
"""

from collections.abc import Mapping
from typing import Final

from keelpay_server.clearing import payout

from . import payment, refund, transfer
from .payment_result import PaymentSubject
from .payout_operation import PayoutSubject
from .refund_result import RefundSubject
from .subject import Subject
from .transfer_result import TransferSubject

SUBJECTS: Final[Mapping[str, Subject]] = {
    payment.KIND: PaymentSubject(),
    refund.KIND: RefundSubject(),
    transfer.KIND: TransferSubject(),
    payout.KIND: PayoutSubject(),
}

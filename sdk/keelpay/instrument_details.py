"""What a payer pays from, as it is told once: to `client.payers.tokenize`, and never again.

Invariant: a number never stands in a repr, so never in a log.
"""

from dataclasses import dataclass, field

from .api.gateway.v1 import instrument_pb2, payer_request_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A payment card, as it is printed.

    Attributes:
        number: 12 to 19 digits.
        expire_month: 1 to 12.
        expire_year: Four digits.
        holder_name: The name on the card.
    """

    number: str = field(repr=False)
    expire_month: int
    expire_year: int
    holder_name: str = field(default="", repr=False)

    def put(self, request: payer_request_pb2.TokenizeInstrumentRequest) -> None:
        """Writes it into a request."""
        request.card.CopyFrom(
            instrument_pb2.CardDetails(
                number=self.number,
                expire_month=self.expire_month,
                expire_year=self.expire_year,
                holder_name=self.holder_name,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """A bank account.

    Attributes:
        account_number: Account number or IBAN, letters and digits only.
        bank_code: BIC or national bank code.
        holder_name: The account's owner.
    """

    account_number: str = field(repr=False)
    bank_code: str
    holder_name: str = field(repr=False)

    def put(self, request: payer_request_pb2.TokenizeInstrumentRequest) -> None:
        """Writes it into a request."""
        request.bank_account.CopyFrom(
            instrument_pb2.BankAccountDetails(
                account_number=self.account_number, bank_code=self.bank_code, holder_name=self.holder_name
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """An account at an outside wallet.

    Attributes:
        wallet: `alipay`, `wechatpay`.
        wallet_account: The payer's id or agreement number there.
    """

    wallet: str
    wallet_account: str = field(repr=False)

    def put(self, request: payer_request_pb2.TokenizeInstrumentRequest) -> None:
        """Writes it into a request."""
        request.wallet.CopyFrom(instrument_pb2.WalletDetails(wallet=self.wallet, wallet_account=self.wallet_account))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAddress:
    """An address on a chain.

    Attributes:
        network: `ethereum`, `tron`.
        address: In the network's usual text form.
    """

    network: str
    address: str = field(repr=False)

    def put(self, request: payer_request_pb2.TokenizeInstrumentRequest) -> None:
        """Writes it into a request."""
        request.chain_address.CopyFrom(instrument_pb2.ChainAddressDetails(network=self.network, address=self.address))


InstrumentDetails = Card | BankAccount | Wallet | ChainAddress

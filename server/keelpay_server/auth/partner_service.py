"""PartnerService on the wire: partners, and with the parts beside it their merchants, keys and tokens.

In: validated requests. Out: partners. Invariant: each method of the contract has one part that answers it, named in
the file it stands in.
"""

from collections.abc import Callable

from keelpay.api.auth.v1 import partner_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.ownership import own_partner
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from . import names
from .client import Client
from .key_keeper import KeyKeeper
from .link_desk import LinkDesk
from .partner_render import render_partner
from .partner_service_keys import KeyMethods
from .partner_service_merchants import MerchantMethods
from .partner_service_tokens import TokenMethods
from .payout_vault import PayoutVault
from .settings import AuthSettings
from .standing import Standing
from .terms_source import PaymentTermsSource


class PartnerService(MerchantMethods, TokenMethods, KeyMethods):
    """Partners (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Issuer, audience, limits.
        keeper: Our signing keys.
        standing: To look again at once at a client whose key was revoked here.
        source: What is stored of payments.
        vault: Keeps account numbers.
        random_bytes: A source of chance that cannot be guessed.
        links: Makes the links to our pages.
    """

    def __init__(
        self,
        engine: Engine,
        pager: Pager,
        settings: AuthSettings,
        keeper: KeyKeeper,
        standing: Standing,
        source: PaymentTermsSource,
        vault: PayoutVault,
        random_bytes: Callable[[int], bytes],
        links: LinkDesk,
    ) -> None:
        MerchantMethods.__init__(self, engine, pager, vault)
        TokenMethods.__init__(self, engine, settings, keeper, source, random_bytes, links)
        KeyMethods.__init__(self, engine, pager, settings, keeper, standing)

    async def GetPartner(self, request: pb.GetPartnerRequest, context: object) -> pb.GetPartnerResponse:
        """See the contract."""
        own_partner(current().caller, names.parse_one("partners", request.name))
        row = await self._reader.get(Client, request.name)
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="partner")
        return pb.GetPartnerResponse(partner=render_partner(row))

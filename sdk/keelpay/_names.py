"""Resource names, as callers give them: a text, something that has a name, or nothing where a default is set.

Invariant: a missing name is said in one kind sentence before any call is made.
"""

from dataclasses import dataclass
from typing import Protocol

from .errors import ConfigurationError
from .payment_method import Region


class Named(Protocol):
    """Anything with a resource name."""

    @property
    def name(self) -> str:
        """The name."""


def name_of(resource: str | Named) -> str:
    """The resource name of what a caller names or holds."""
    return resource if isinstance(resource, str) else resource.name


def merchant_of(child: str | Named) -> str | None:
    """The merchant in the name of what belongs to one, `merchants/{m}/orders/{o}`; None for nothing."""
    name = name_of(child)
    return "/".join(name.split("/")[:2]) if name.startswith("merchants/") else None


def payer_named(resource: str | Named) -> str:
    """The payer that a resource at hand names; empty where it names none, or where only its name is at hand."""
    return str(getattr(resource, "payer", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What every call means unless it says otherwise."""

    merchant: str = ""
    """Who is paid, `merchants/{m}`."""
    partner: str = ""
    """Whose payers, merchants, keys and subscriptions, `partners/{p}`."""
    region: Region | str = ""
    """Where payments happen; a text is what the merchant states."""

    def merchant_or(self, given: str | Named | None) -> str:
        """The merchant of a call.

        Raises:
            ConfigurationError: Neither the call nor the client names one.
        """
        return _required("merchant", name_of(given) if given is not None else self.merchant)

    def partner_or(self, given: str | Named | None) -> str:
        """The partner of a call.

        Raises:
            ConfigurationError: Neither the call nor the client names one.
        """
        return _required("partner", name_of(given) if given is not None else self.partner)

    def region_or(self, given: Region | str | None) -> Region | str:
        """The region of a payment.

        Raises:
            ConfigurationError: Neither the call nor the client names one.
        """
        region = self.region if given is None else given
        if not region:
            _required("region", "")
        return region


def _required(what: str, name: str) -> str:
    if not name:
        raise ConfigurationError(
            f"which {what}? Pass {what}=..., or set it once: keelpay.Client(..., defaults=keelpay.Defaults({what}=...))"
        )
    return name

"""Signers, and what stands between a server and a finger: only what is displayed may be signed.

In: a confirmation as the server started it, and what the caller means to confirm. Out: what to display, checked.
Invariant: a signer is never called with terms that differ from the caller's own, with a challenge that is not the hash
of these terms, or with options that would make a browser sign or show something else.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from .api.auth.v1 import confirmation_pb2
from .challenge import (
    Displayed,
    DisplayedMandate,
    DisplayedPasskeyAddition,
    DisplayedPasskeyResumption,
    DisplayedPayment,
    DisplayedRecoveryVeto,
    DisplayedWithdrawal,
)
from .enums import ConfirmationMethod
from .errors import ConfigurationError, TermsDifferError
from .models.confirmation import Confirmation
from .money import Money

KINDS: Final[Mapping[str, type[Displayed]]] = {
    "payment": DisplayedPayment,
    "mandate": DisplayedMandate,
    "withdrawal": DisplayedWithdrawal,
    "passkey_add": DisplayedPasskeyAddition,
    "recovery_veto": DisplayedRecoveryVeto,
    "passkey_resume": DisplayedPasskeyResumption,
}
_SECONDS: Final = "_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """What a signer is asked to do: show `displayed` to the person, and let the passkey sign `options_json`.

    Attributes:
        displayed: The terms, checked: whom, how much, from what.
        options_json: PublicKeyCredentialRequestOptionsJSON, or for SPC the SecurePaymentConfirmationRequest.
        method: Which of the two.
        confirmation: The confirmation, with its expiry.
    """

    displayed: Displayed
    options_json: str
    method: ConfirmationMethod
    confirmation: Confirmation

    @property
    def amount(self) -> Money | None:
        """What is paid or withdrawn; None for a mandate or a passkey."""
        if isinstance(self.displayed, DisplayedPayment | DisplayedWithdrawal):
            return Money(self.displayed.amount_minor, self.displayed.currency)
        return None


Signer = Callable[[SigningRequest], str]
"""Turns a signing request into the browser's PublicKeyCredential as JSON; raises PayerDeclinedError where the person
says no."""
AsyncSigner = Callable[[SigningRequest], str | Awaitable[str]]
"""The same for the asynchronous client, which also awaits."""
Authenticator = Callable[[str], str]
"""Turns PublicKeyCredentialCreationOptionsJSON into the browser's new PublicKeyCredential as JSON."""
AsyncAuthenticator = Callable[[str], str | Awaitable[str]]
"""The same for the asynchronous client, which also awaits."""


def displayed_terms(confirmation: Confirmation) -> Displayed:
    """The terms of a confirmation, as a screen displays them.

    Raises:
        TermsDifferError: There are no terms, or they are of another type than they should be.
    """
    raw = _raw(confirmation)
    kind = raw.WhichOneof("terms")
    if kind is None:
        raise TermsDifferError("the confirmation has no terms that this version can display", reason="TERMS_DIFFER")
    terms: Message = getattr(raw, kind)
    displayed_class = KINDS[kind]
    texts = {field.name: getattr(terms, field.name) for field in terms.DESCRIPTOR.fields}
    if texts.pop("type") != displayed_class.type:
        raise TermsDifferError(f"the terms are not of type {displayed_class.type}", reason="TERMS_DIFFER")
    del texts["nonce"], texts["expires_at"]
    values: dict[str, Any] = {
        (f"{name}{_SECONDS}" if name == "valid_until" else name): (
            _number(text) if name.endswith("_minor") or name == "valid_until" else text
        )
        for name, text in texts.items()
    }
    return displayed_class(**values)


def signing_request(confirmation: Confirmation, expected: Mapping[str, Any]) -> SigningRequest:
    """Checks a confirmation before anybody is asked to sign it.

    Args:
        confirmation: As the server started it.
        expected: What the caller means to confirm, by the names of what is displayed.

    Raises:
        TermsDifferError: The server asks for something else. Nothing may be signed.
    """
    displayed = displayed_terms(confirmation)
    for name, value in expected.items():
        if getattr(displayed, name) != value:
            raise _differs(f"{name} is {getattr(displayed, name)!r} in the terms, and not {value!r}")
    raw = _raw(confirmation)
    terms = getattr(raw, raw.WhichOneof("terms") or "")
    try:
        challenge = displayed.challenge(_decode(terms.nonce), _number(terms.expires_at))
    except ValueError as error:
        raise _differs(str(error)) from error
    if challenge != confirmation.challenge:
        raise _differs("the challenge is not that of the terms displayed")
    _require_options(confirmation, displayed)
    return SigningRequest(
        displayed=displayed,
        options_json=confirmation.options_json,
        method=confirmation.method,
        confirmation=confirmation,
    )


def require_signer(signer: Any) -> None:
    """Refuses what cannot be a signer, before anything is asked of the server.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(signer, type):
        raise ConfigurationError(
            f"{signer.__name__} is a kind of signer, and an instance of it signs: {signer.__name__}(...)"
        )
    if not callable(signer):
        raise ConfigurationError(
            f"{signer!r} is no signer: it is a function from a SigningRequest to the browser's PublicKeyCredential as"
            " JSON text, or BrowserSigner()"
        )


def require_assertion(returned: Any) -> str:
    """Refuses what a browser cannot have returned, so that it uses up no confirmation at the server.

    Raises:
        ConfigurationError: It is no JSON object as text.
    """
    if isinstance(returned, str):
        try:
            if isinstance(json.loads(returned), dict):
                return returned
        except ValueError:
            pass
        what = "a text that is no JSON object"
    else:
        what = "None" if returned is None else f"a {type(returned).__name__}"
    raise ConfigurationError(
        f"the signer returned {what}: it returns the browser's PublicKeyCredential as JSON text, such as"
        " json.dumps(credential), or raises PayerDeclinedError where the person says no; nothing was confirmed"
    )


def _require_options(confirmation: Confirmation, displayed: Any) -> None:
    """Refuses options by which a browser would sign, or show, something else than the terms.

    Raises:
        TermsDifferError: They differ.
    """
    try:
        options = json.loads(confirmation.options_json)
        shown = {"challenge": options["challenge"], "rpId": options["rpId"]}
        wanted = {"challenge": _encode(confirmation.challenge), "rpId": displayed.rp_id}
        if confirmation.method is ConfirmationMethod.SPC:
            total = options["total"]
            shown["total"] = Money.of(total["value"], total["currency"])
            wanted["total"] = Money(displayed.amount_minor, displayed.currency)
            shown["payee"] = (options["payeeName"], options.get("payeeOrigin"))
            wanted["payee"] = (displayed.payee_name, None)
            shown["instrument"] = (options["instrument"]["displayName"], options["instrument"].get("details"))
            wanted["instrument"] = (displayed.instrument_display, None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _differs(f"the options cannot be read: {error!r}") from error
    for name, value in wanted.items():
        if shown[name] != value:
            raise _differs(f"{name} is {shown[name]} in the options for the browser, and not {value}")


def _raw(confirmation: Confirmation) -> confirmation_pb2.Confirmation:
    raw = confirmation.raw
    if not isinstance(raw, confirmation_pb2.Confirmation):
        raise TypeError("this confirmation was not made by the server")
    return raw


def _differs(sentence: str) -> TermsDifferError:
    return TermsDifferError(f"refused to sign: {sentence}", reason="TERMS_DIFFER")


def _number(text: str) -> int:
    """A whole number as the terms write it: no sign, no leading zero, no other digits than ours.

    Raises:
        TermsDifferError: It is something else, so it would be displayed otherwise than it is hashed.
    """
    if text.isascii() and text.isdigit() and str(int(text)) == text:
        return int(text)
    raise _differs(f"{text!r} is not a whole number")


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

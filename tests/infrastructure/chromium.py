"""A real browser: Debian's Chromium, driven by playwright, one a worker; each test has a fresh profile of its own.

In: /usr/bin/chromium, or KEELPAY_TEST_CHROMIUM. Out: contexts, with virtual authenticators where a test asks for one.
Invariant: a missing browser skips with the reason, and fails where CI is set; a page that broke its security policy, or
threw, fails its test.

Tests that use it run on the session's event loop: `pytestmark = pytest.mark.asyncio(loop_scope="session")`, and their
asynchronous fixtures say `loop_scope="session"`.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from tests.infrastructure.missing import missing

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--enable-features=SecurePaymentConfirmationBrowser",
)  # fmt: skip
PLACES = ("chromium", "chromium-browser", "google-chrome")
_POLICY = ("Content Security Policy", "Content-Security-Policy")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> "AsyncIterator[Browser]":
    """The browser of this worker."""
    found = os.environ.get("KEELPAY_TEST_CHROMIUM") or next(filter(None, map(shutil.which, PLACES)), None)
    if found is None:
        missing("no Chromium: `make browser` installs Debian's, or says how")
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_context(browser: "Browser", **options: Any) -> "AsyncIterator[BrowserContext]":
    """A profile of its own, whose pages fail the test when they throw or break their own policy.

    Args:
        browser: The browser.
        options: Of playwright's `new_context`: a device, a locale, a time zone.
    """
    wrong: list[str] = []

    def hear(message: "ConsoleMessage") -> None:
        if message.type == "error" and any(word in message.text for word in _POLICY):
            wrong.append(message.text)

    context = await browser.new_context(**options)
    context.on("console", hear)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    try:
        yield context
        assert wrong == [], f"a page threw, or broke its security policy: {wrong}"
    finally:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser_context(chromium: "Browser") -> "AsyncIterator[BrowserContext]":
    """A fresh profile."""
    async with open_context(chromium) as context:
        yield context


class Authenticator:
    """A virtual authenticator of one page (WebDriver's, over the DevTools protocol)."""

    def __init__(self, session: "CDPSession", number: str) -> None:
        self._session, self.number = session, number

    async def verify(self, *, user: bool) -> None:
        """Lets the finger be the right one, or not."""
        await self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self.number, "isUserVerified": user})

    async def credentials(self) -> list[dict[str, Any]]:
        """The passkeys it holds."""
        found = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.number})
        return list(found["credentials"])

    async def add(self, credential: dict[str, Any]) -> None:
        """Gives it a passkey, such as one that `credentials` of another told: a clone."""
        sending = {"authenticatorId": self.number, "credential": credential}
        await self._session.send("WebAuthn.addCredential", sending)


async def add_authenticator(page: "Page", **options: Any) -> Authenticator:
    """Gives a page a passkey holder inside the device: CTAP2, resident keys, user verification.

    Args:
        page: The page.
        options: Further fields of `VirtualAuthenticatorOptions`, such as `defaultBackupState`.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable", {"enableUI": False})
    given = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True, **options,
    }  # fmt: skip
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": given})
    return Authenticator(session, made["authenticatorId"])


async def set_spc(page: "Page", mode: str) -> None:
    """Answers the browser's payment dialog by itself: `autoAccept`, `autoReject`, `autoChooseToAuthAnotherWay`."""
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setSPCTransactionMode", {"mode": mode})

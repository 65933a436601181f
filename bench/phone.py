"""A mid-range phone with a finger on it, on a slow network: Chromium, throttled, with a virtual authenticator.

In: a browser, one of NETWORKS. Out: a page, a passkey to carry from one phone to the next, presses counted. Invariant:
a phone has never seen the page before, and its finger is there at once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page

CPU_TIMES_SLOWER: Final = 4
NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "preset": {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375},
    "kept": {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750},
}
"""Fast 3G, as Chrome DevTools and as Lighthouse's round trip; throughput in bytes a second."""
WATCH: Final = """(() => {
  window.taps = 0;
  addEventListener("click", (event) => { window.taps += event.isTrusted; }, true);
  const look = () => {
    if (document.querySelector("main button.primary")) window.ready = performance.now();
    else requestAnimationFrame(look);
  };
  look();
})()"""
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
AUTHENTICATOR: Final = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
PATIENCE_S: Final = 20.0


class Phone:
    """A phone with a finger on it: a fresh profile, an authenticator, one page."""

    def __init__(self, page: Page, devtools: CDPSession, authenticator: str) -> None:
        self.page, self.devtools, self._authenticator = page, devtools, authenticator

    async def key(self) -> dict[str, Any]:
        """Returns the passkey it holds."""
        found = await self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self._authenticator})
        return dict(found["credentials"][0])

    async def take(self, key: dict[str, Any]) -> None:
        """Gives it a passkey."""
        await self.devtools.send("WebAuthn.addCredential", {"authenticatorId": self._authenticator, "credential": key})

    async def slow_down(self, network: str) -> None:
        """Makes it a mid-range phone on one of NETWORKS."""
        await self.devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_TIMES_SLOWER})
        await self.devtools.send("Network.enable")
        await self.devtools.send("Network.emulateNetworkConditions", NETWORKS[network])

    async def shows(self, state: str) -> None:
        """Waits for a screen."""
        await self.page.wait_for_selector(f'main[data-state="{state}"]', timeout=PATIENCE_S * 1000)

    async def taps(self) -> int:
        """Returns how often somebody pressed."""
        return int(await self.page.evaluate("window.taps"))


@asynccontextmanager
async def hold_phone(browser: Browser) -> AsyncIterator[Phone]:
    """A phone for a while."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True)
    try:
        page = await context.new_page()
        await page.add_init_script(WATCH)
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable", {"enableUI": False})
        made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield Phone(page, devtools, made["authenticatorId"])
    finally:
        await context.close()

"""`python -m bench.pages --json FILE [--quick]`: how long a person waits for the page, and how often they press.

In: options. Out: a table, and FILE with one JSON object of figures under dotted names, and once more as a tree.
A mid-range phone is emulated: a processor four times slower, and Fast 3G twice: as Chrome's own tools define it, where
every request waits 562.5 ms as if it opened a connection of its own, and with the 150 ms round trip that this stands
for, connections being kept. Each round opens a link in a browser that has never seen the page.
Invariant: what is measured is the real page on a real server; ends with an error if a payment was not paid.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench.figures import nested
from keelpay import AsyncClient, Defaults, Money, PaymentMethod, Wallet, credentials
from keelpay.enums import OperationState, PaymentState
from keelpay.signing_key import SigningPrivateKey
from keelpay_server.app.local import Embedded, local_server
from keelpay_server.edge.settings import EdgeSettings

ROUNDS: Final = 9
ROUNDS_QUICK: Final = 3
CPU_TIMES_SLOWER: Final = 4
NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "preset": {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375},
    "kept": {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750},
}
"""Fast 3G, as Chrome DevTools and as Lighthouse's round trip; throughput in bytes a second."""
BUTTON_MS_MAX: Final = 2_000
TAPS_MAX: Final = 1
ENROL_STEPS_MAX: Final = 2
BALANCE_MINOR: Final = 1_000_000
AMOUNT_MINOR: Final = 1_250
PATIENCE_S: Final = 20.0
WATCH: Final = """(() => {
  window.taps = 0;
  addEventListener("click", (event) => { window.taps += event.isTrusted; }, true);
  const look = () => {
    if (document.querySelector("main button.primary")) window.ready = performance.now();
    else requestAnimationFrame(look);
  };
  look();
})()"""
BYTES: Final = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const sum = (rows) => rows.reduce((total, row) => total + row.encodedBodySize, 0);
  const script = all.filter((row) => row.entryType === "navigation" || row.name.endsWith(".js"));
  return {all: sum(all), script: sum(script), requests: all.length};
}"""
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
AUTHENTICATOR: Final = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


class Round(NamedTuple):
    """One opening of a link.

    Attributes:
        button_ms: From the navigation to a button that works.
        paid_ms: From the press to the word "paid", the finger being there at once.
        taps: Presses until it was paid.
        bytes_all: On the wire, without headers, until then.
        bytes_script: Of these, script, and the page with the scripts that are written into it.
        requests: How many.
    """

    button_ms: float
    paid_ms: float
    taps: int
    bytes_all: int
    bytes_script: int
    requests: int


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


class Shop:
    """The partner's side: a person with money, and links for them."""

    def __init__(self, client: AsyncClient, merchant: str, payer: str) -> None:
        self._client, self._merchant, self.payer = client, merchant, payer

    async def enrol_link(self) -> str:
        """Returns a link to set up a passkey."""
        attested = self._client.attest(self.payer, amr=["pwd", "otp"])
        return (await self._client.tokens.enrol_link(self.payer, attested)).url

    async def payment(self) -> tuple[str, str]:
        """Returns a payment's name and its link."""
        method, amount = PaymentMethod.balance(self.payer), Money(AMOUNT_MINOR, "CNY")
        draft = self._client.payments.draft(merchant=self._merchant, amount=amount, method=method)
        made = await self._client.payments.create(draft)
        return made.name, (await self._client.orders.create_checkout_link(made)).url

    async def require_paid(self, payment: str) -> None:
        """Fails where a payment that the page calls paid is not."""
        state = (await self._client.payments.get(payment)).state
        if state is not PaymentState.CAPTURED:
            raise AssertionError(f"{payment} is shown as paid and is {state.name}")


@asynccontextmanager
async def open_shop(server: Embedded) -> AsyncIterator[Shop]:
    """A shop with one customer."""
    pem = server.private_key
    key = SigningPrivateKey.from_pem(pem, holder=server.partner, key_id=server.key_id)
    caller = credentials.local(credentials.signed(key, audience=server.audience))
    async with AsyncClient(
        server.target, credentials=caller, defaults=Defaults(partner=server.partner, region="CN")
    ) as client:
        payer = await client.payers.create("ann", locale="en", region="CN")
        wallet = await client.payers.tokenize(payer, Wallet(wallet="alipay", wallet_account="20880000000001"))
        async with asyncio.timeout(PATIENCE_S):
            transfer = await client.payers.top_up(payer, amount=Money(BALANCE_MINOR, "CNY"), instrument=wallet)
            while transfer.state is not OperationState.SUCCEEDED:
                await asyncio.sleep(0.1)
                (balance,) = await client.payers.balance(payer)
                if balance.available.amount_minor:
                    break
        yield Shop(client, server.merchant, payer.name)


async def enrol(browser: Browser, shop: Shop) -> tuple[dict[str, Any], int]:
    """Sets up a phone; returns its passkey, and how many steps that took: presses, and one finger."""
    async with hold_phone(browser) as phone:
        await phone.page.goto(await shop.enrol_link())
        await phone.page.locator("button.primary").click()
        await phone.shows("enrolled")
        return await phone.key(), await phone.taps() + 1


async def pay(browser: Browser, shop: Shop, key: dict[str, Any], network: str) -> tuple[Round, dict[str, Any]]:
    """Opens a link on a slow phone and pays; returns what it took, and the passkey after it."""
    payment, link = await shop.payment()
    async with hold_phone(browser) as phone:
        await phone.take(key)
        await phone.slow_down(network)
        await phone.page.goto(link, wait_until="commit")
        await phone.shows("look")
        button_ms = float(await phone.page.evaluate("window.ready"))
        wire = await phone.page.evaluate(BYTES)
        pressed = float(await phone.page.evaluate("performance.now()"))
        await phone.page.locator("button.primary").click()
        await phone.shows("paid")
        paid_ms = float(await phone.page.evaluate("performance.now()")) - pressed
        await shop.require_paid(payment)
        told = Round(button_ms, paid_ms, await phone.taps(), wire["all"], wire["script"], wire["requests"])
        return told, await phone.key()


async def run(rounds: int) -> dict[str, Any]:
    """Measures; returns the figures."""
    found = os.environ.get("KEELPAY_TEST_CHROMIUM") or shutil.which("chromium")
    if found is None:
        raise SystemExit("no Chromium: apt install chromium, or set KEELPAY_TEST_CHROMIUM")
    edge = EdgeSettings(listen="127.0.0.1:0")
    async with local_server(edge) as server, open_shop(server) as shop, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            key, steps = await enrol(browser, shop)
            done: dict[str, list[Round]] = {network: [] for network in NETWORKS}
            for _ in range(rounds):
                for network, told in done.items():
                    one, key = await pay(browser, shop, key, network)
                    told.append(one)
            version = browser.version
        finally:
            await browser.close()
    every = [each for told in done.values() for each in told]
    times = {
        f"pages.{what}_ms.{network}.{name}": round(reduce([getattr(each, f"{what}_ms") for each in told]))
        for network, told in done.items()
        for what in ("button", "paid")
        for name, reduce in (("p50", statistics.median), ("max", max))
    }
    return {
        **times,
        "pages.taps_to_paid": max(each.taps for each in every),
        "pages.enrol_steps": steps,
        "pages.bytes": max(each.bytes_all for each in every),
        "pages.script_bytes": max(each.bytes_script for each in every),
        "pages.requests": max(each.requests for each in every),
        "run": {"rounds": rounds, "cores": os.cpu_count(), "python": platform.python_version(), "chromium": version},
    }


ROWS: Final = (
    ("pages.button_ms.preset.p50", "link to a button that works, 562.5 ms a request, ms, median", BUTTON_MS_MAX),
    ("pages.button_ms.preset.max", "the same, worst round", None),
    ("pages.button_ms.kept.p50", "link to a button that works, 150 ms a request, ms, median", BUTTON_MS_MAX),
    ("pages.button_ms.kept.max", "the same, worst round", BUTTON_MS_MAX),
    ("pages.paid_ms.kept.p50", "press to paid, finger at once, 150 ms a request, ms, median", None),
    ("pages.taps_to_paid", "presses from link to paid, beside the finger", TAPS_MAX),
    ("pages.enrol_steps", "steps to set up: presses and the finger", ENROL_STEPS_MAX),
    ("pages.bytes", "bytes on the wire until the button works", None),
    ("pages.script_bytes", "of these, scripts and the page that holds two of them", 30_000),
    ("pages.requests", "requests until then", None),
)


def main() -> int:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help=f"{ROUNDS_QUICK} rounds in place of {ROUNDS}")
    parser.add_argument("--check", action="store_true", help="end with an error if a bar is missed")
    options = parser.parse_args()
    figures = asyncio.run(run(ROUNDS_QUICK if options.quick else ROUNDS))
    if options.json is not None:
        flat = {name: value for name, value in figures.items() if name != "run"}
        options.json.write_text(json.dumps({**nested(flat), **figures}, indent=1) + "\n")
    missed = False
    for name, words, bar in ROWS:
        late = bar is not None and figures[name] > bar
        missed |= late
        print(f"{words:<66}{figures[name]:>8,}{'' if bar is None else f'   bar {bar:,}'}{'   MISSED' if late else ''}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

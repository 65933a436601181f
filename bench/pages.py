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
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.async_api import Browser, async_playwright

from bench.figures import nested
from bench.phone import FLAGS, NETWORKS, hold_phone
from bench.shop import Shop, open_shop
from keelpay_server.app.local import local_server
from keelpay_server.edge.settings import EdgeSettings

ROUNDS: Final = 9
ROUNDS_QUICK: Final = 3
BUTTON_MS_MAX: Final = 2_000
TAPS_MAX: Final = 1
ENROL_STEPS_MAX: Final = 2
BYTES: Final = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const sum = (rows) => rows.reduce((total, row) => total + row.encodedBodySize, 0);
  const script = all.filter((row) => row.entryType === "navigation" || row.name.endsWith(".js"));
  return {all: sum(all), script: sum(script), requests: all.length};
}"""


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

"""`python -m tests.e2e.pages.screenshots [--out DIR] [SCREEN ...]`: every screen as a picture, for a person to look at.

In: names of screens, all by default. Out: PNG files `SCREEN-LANGUAGE-SCHEME-WIDTH.png`: English and Chinese, light and
dark, 360 and 1280 points wide. Invariant: the real pages on a real server, in a server's state that a person can reach.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.screens import WAYS
from tests.e2e.pages.town import open_town
from tests.infrastructure.chromium import FLAGS, PLACES

LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
SCHEMES = ("light", "dark")
SIZES = ((360, 740), (1280, 900))
SETTLED_MS = 400


async def shoot(out, names):
    """Takes the pictures."""
    found = os.environ.get("KEELPAY_TEST_CHROMIUM") or next(filter(None, map(shutil.which, PLACES)), None)
    if found is None:
        raise SystemExit("no Chromium: apt install chromium, or set KEELPAY_TEST_CHROMIUM")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keelpay-screenshots-") as folder:
        edge = EdgeSettings(listen="127.0.0.1:0")
        async with open_town(Path(folder), edge=edge, instrument_icon="") as town, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
            for name in names:
                for language, locale in LANGUAGES.items():
                    sys.stderr.write(f"{name} ({language})\n")
                    await _screen(browser, town, out, name, language, locale)
            await browser.close()


async def _screen(browser, town, out, name, language, locale):
    async with hold_phone(browser, locale=locale, reduced_motion="reduce") as phone:
        await WAYS[name](town, phone)
        for width, height in SIZES:
            await phone.page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES:
                await phone.page.emulate_media(color_scheme=scheme)
                await phone.page.wait_for_timeout(SETTLED_MS)
                file = out / f"{name}-{language}-{scheme}-{width}.png"
                await phone.page.screenshot(path=file)


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.pages.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/screenshots"), help="default: %(default)s")
    parser.add_argument("screens", nargs="*", metavar="SCREEN", help=", ".join(WAYS))
    options = parser.parse_args()
    if unknown := set(options.screens) - set(WAYS):
        parser.error(f"no such screen: {', '.join(sorted(unknown))}")
    asyncio.run(shoot(options.out, options.screens or list(WAYS)))
    sys.stdout.write(f"the pictures are in {options.out}\n")


if __name__ == "__main__":
    main()

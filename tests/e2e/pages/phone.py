"""A phone in somebody's hand: a browser of its own with an authenticator that has, or has not, the right finger.

In: Chromium and a server's pages. Out: what a person sees and does. Invariant: everything a page does, it does itself;
the phone looks, presses, and is the finger.
"""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PLATFORM = {
    "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
PATIENCE_MS = 30_000
SCREEN = "main[data-state]"
CALL = """async ([method, body, token]) => {
  const headers = {"content-type": "application/json", authorization: `Bearer ${token}`};
  const answer = await fetch("/keelpay.api." + method, {method: "POST", headers, body: JSON.stringify(body)});
  return answer.json();
}"""


@dataclass(slots=True, kw_only=True)
class Phone:
    """One browser, one authenticator, one page. `problems` fills with what no page may do."""

    context: object
    page: object
    devtools: object
    authenticator: str = ""
    problems: list[str] = field(default_factory=list)

    async def open(self, url):
        """Opens a link in a fresh document and waits for the first screen; returns its state."""
        await self.page.goto("about:blank")
        await self.page.goto(url)
        await self.page.wait_for_selector(SCREEN, timeout=PATIENCE_MS)
        return await self.state()

    async def state(self):
        """Which screen is shown."""
        return await self.page.locator(SCREEN).get_attribute("data-state")

    async def shows(self, state):
        """Waits for a screen."""
        await self.page.wait_for_selector(f'main[data-state="{state}"]', timeout=PATIENCE_MS)

    async def press(self, name=None):
        """Presses the button of a name, or the primary one."""
        button = self.page.get_by_role("button", name=name) if name else self.page.locator("button.primary")
        await button.click(timeout=PATIENCE_MS)

    async def text(self):
        """Everything on the screen."""
        return await self.page.locator("#screen").inner_text()

    async def alert(self):
        """Waits for a sentence about what just happened, and returns it."""
        return await self.page.locator(".alert").inner_text(timeout=PATIENCE_MS)

    async def session(self):
        """The token this tab holds."""
        return json.loads(await self.page.evaluate("sessionStorage.getItem('session')"))["value"]

    async def call(self, method, body):
        """What the server answers to a call of somebody who has this tab's token, and a program of their own."""
        return await self.page.evaluate(CALL, [method, body, await self.session()])

    async def keys(self):
        """The credentials in the authenticator."""
        answer = await self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return answer["credentials"]

    async def signatures(self):
        """How often the authenticator was used: each signature raises a counter."""
        return sum(key["signCount"] for key in await self.keys())

    async def take_key(self, credential):
        """Puts a credential into the authenticator."""
        await self.devtools.send(
            "WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": credential}
        )

    async def finger(self, *, right):
        """From now on the right finger, or a wrong one, is on the sensor."""
        await self.devtools.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": right}
        )

    async def presence(self, *, automatic):
        """From now on somebody touches the sensor whenever it asks, or nobody does."""
        await self.devtools.send(
            "WebAuthn.setAutomaticPresenceSimulation",
            {"authenticatorId": self.authenticator, "enabled": automatic},
        )

    async def plug_in(self, **options):
        """Puts an authenticator in the place of the one before."""
        if self.authenticator:
            await self.devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.authenticator})
        self.authenticator = await self.another(**options)

    async def another(self, **options):
        """Adds an authenticator; returns its id."""
        answer = await self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": PLATFORM | options})
        return answer["authenticatorId"]

    async def unplug(self, authenticator):
        """Takes an authenticator out; returns the one credential that is in it."""
        name = {"authenticatorId": authenticator}
        (credential,) = (await self.devtools.send("WebAuthn.getCredentials", name))["credentials"]
        await self.devtools.send("WebAuthn.removeVirtualAuthenticator", name)
        return credential

    def follow(self, page):
        """Notes what a page says that it should not."""
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", lambda message: self._listen(message))  # noqa: PLW0108  (it hangs attributes on methods)

    def _listen(self, message):
        # A refused call is part of the play; what breaks the content security policy, or is unknown, is not.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"{message.type}: {message.text}")


@asynccontextmanager
async def hold_phone(chromium, *, authenticator=True, **context):
    """A phone for a while, of 360 by 740 points unless told otherwise; it is an error if its pages complained."""
    size = {"width": 360, "height": 740}
    opened = await chromium.new_context(**{"viewport": size, "locale": "en-US", **context})
    try:
        page = await opened.new_page()
        devtools = await opened.new_cdp_session(page)
        phone = Phone(context=opened, page=page, devtools=devtools)
        phone.follow(page)
        await devtools.send("WebAuthn.enable", {"enableUI": False})
        if authenticator:
            await phone.plug_in()
        yield phone
    finally:
        await opened.close()
    assert not phone.problems

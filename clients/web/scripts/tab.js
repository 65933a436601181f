/**
 * The tab: what the browser keeps for it, and the link it was opened with.
 *
 * In: the address. Out: storage, and the exchange of the link, which is under way before the rest of the page is here:
 * this module imports nothing, and on a slow network that is worth a wait. Invariant: the token leaves the address
 * first; it is kept with a request id until the answer is, so that a lost answer is asked for again and never twice.
 */
const MARK_LENGTH = 8;

/** Text that outlives the tab. */
export const lasting = keeper("localStorage");

/** Text that lives as long as the tab, over reloads and the back button. */
export const passing = keeper("sessionStorage");

/** In a frame a browser may refuse to keep anything: then memory has to do. */
function keeper(name) {
  try {
    globalThis[name].getItem("");
    return globalThis[name];
  } catch {
    const memory = new Map();
    return {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => memory.set(key, value),
      removeItem: (key) => memory.delete(key),
    };
  }
}

/** By what a link is known again once it is spent. */
export const markOf = (link) => link.slice(0, MARK_LENGTH);

/** Takes the link out of the address; the same link again in the same tab is not a second opening. */
export function takeLink() {
  const link = location.hash.slice(1);
  if (!link) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (JSON.parse(passing.getItem("session"))?.mark === markOf(link)) return;
  passing.removeItem("session");
  passing.setItem("opening", JSON.stringify({ token: link, requestId: crypto.randomUUID() }));
}

/** Sends a call. */
export function send(method, body, headers = {}, signal = undefined) {
  const all = { "content-type": "application/json", "connect-protocol-version": "1", ...headers };
  return fetch(`/keelpay.api.${method}`, { method: "POST", headers: all, body, credentials: "omit", signal });
}

/** The answer to the exchange of the link, for whoever asks first. */
export let early = null;

/** Takes it. */
export function takeEarly() {
  const taken = early;
  early = null;
  return taken;
}

if (globalThis.location) {
  takeLink();
  const opening = passing.getItem("opening");
  if (opening) {
    early = send("gateway.v1.CheckoutService/OpenSession", opening);
    early.catch(() => {});
  }
}

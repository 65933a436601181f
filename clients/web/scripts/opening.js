/**
 * The opening of the page: what the browser keeps for this tab, and the link it was opened with.
 *
 * In: the address. Out: `tab`, for the modules (tab.js). This script alone is written into the page itself: the exchange
 * of the link is then under way with the first bytes that arrive, and on a slow network that is worth a whole wait.
 * Invariant: the token leaves the address first; it is kept with a request id until the answer is, so that a lost
 * answer is asked for again and never twice; a page that is drawn ahead of its visit leaves the link alone.
 */
globalThis.tab = (() => {
  const MARK_LENGTH = 8;
  let early = null;

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

  /** Text that outlives the tab, and text that lives as long as it does, over reloads and the back button. */
  const [lasting, passing] = [keeper("localStorage"), keeper("sessionStorage")];

  /** By what a link is known again once it is spent. */
  const markOf = (link) => link.slice(0, MARK_LENGTH);

  /** Takes the link out of the address; the same link again in the same tab is not a second opening. */
  function takeLink() {
    const link = location.hash.slice(1);
    if (!link) return;
    history.replaceState(null, "", location.pathname + location.search);
    if (JSON.parse(passing.getItem("session"))?.mark === markOf(link)) return;
    passing.removeItem("session");
    passing.setItem("opening", JSON.stringify({ token: link, requestId: crypto.randomUUID() }));
  }

  /** Sends a call. */
  function send(method, body, headers = {}, signal = undefined) {
    const all = { "content-type": "application/json", "connect-protocol-version": "1", ...headers };
    return fetch(`/keelpay.api.${method}`, { method: "POST", headers: all, body, credentials: "omit", signal });
  }

  /** The answer to the exchange of the link, for whoever asks first. */
  function takeEarly() {
    const taken = early;
    early = null;
    return taken;
  }

  /** Starts the exchange. */
  function exchange() {
    takeLink();
    const opening = passing.getItem("opening");
    if (!opening) return;
    early = send("gateway.v1.CheckoutService/OpenSession", opening);
    early.catch(() => {});
  }

  /** Somebody is there: a browser may draw a page ahead of a visit that never comes. */
  const visited = new Promise((begin) => {
    if (globalThis.document?.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
    else begin();
  });
  if (globalThis.document?.prerendering) visited.then(exchange);
  else if (globalThis.location) exchange();

  return { lasting, passing, visited, markOf, takeLink, takeEarly, send };
})();

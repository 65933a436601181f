/**
 * The opening of the page: what the browser keeps for this tab, the language of its person, the link it came with.
 *
 * In: the address. Out: `tab`, for the modules. This script is written into the page itself: the exchange of the link
 * and the sentences are then under way with the first bytes that arrive, which on a slow network is worth two waits.
 * Invariant: the token leaves the address first; it is kept with a request id until the answer is, so that a lost
 * answer is asked for again and never twice; a page that is drawn ahead of its visit leaves the link alone.
 */
globalThis.tab = (() => {
  const MARK_LENGTH = 8;
  const LANGUAGE = "language";
  // The page of the sandbox's bank is another's: it has tickets of its own, no session, and words of its own.
  const atBank = globalThis.location?.pathname === "/sandbox-bank";
  const SENTENCES = atBank
    ? { en: "/sandbox/en.json", zh: "/sandbox/zh.json" }
    : { en: "/words/en.json", zh: "/words/zh.json" };

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

  // What the person chose here before, otherwise the browser's; only these two.
  const first = () => globalThis.navigator?.languages?.find((tag) => /^(zh|en)/i.test(tag)) ?? "en";
  let chosen = lasting.getItem(LANGUAGE) ?? first().slice(0, 2).toLowerCase();

  /** "zh" or "en". */
  const language = () => chosen;

  /** Changes to the other one. */
  function switchLanguage() {
    chosen = chosen === "zh" ? "en" : "zh";
    lasting.setItem(LANGUAGE, chosen);
  }

  /** Asks for the sentences of the language. */
  const sentences = () => fetch(SENTENCES[chosen], { credentials: "omit" });

  /** Sends a call. */
  function send(method, body, headers = {}, signal = undefined) {
    const all = { "content-type": "application/json", "connect-protocol-version": "1", ...headers };
    return fetch(`/keelpay.api.${method}`, { method: "POST", headers: all, body, credentials: "omit", signal });
  }

  /** By what a link is known again once it is spent. */
  const markOf = (link) => link.slice(0, MARK_LENGTH);

  /** This browser's own id: random, kept, told to the server alone. By it a payer's device is known again. */
  function device() {
    const id = lasting.getItem("device") ?? crypto.randomUUID();
    lasting.setItem("device", id);
    return id;
  }

  /** Takes the link out of the address; the same link again in the same tab is not a second opening. */
  function takeLink() {
    const link = location.hash.slice(1);
    if (!link) return;
    history.replaceState(null, "", location.pathname + location.search);
    if (JSON.parse(passing.getItem("session"))?.mark === markOf(link)) return;
    passing.removeItem("session");
    const opening = { token: link, requestId: crypto.randomUUID(), deviceId: device() };
    passing.setItem("opening", JSON.stringify(opening));
  }

  const early = {};

  /** Lets something be under way before anybody asks for it. */
  function begin(name, answer) {
    early[name] = answer;
    answer.catch(() => {}); // who takes it hears of it
  }

  /** What is under way, "session" or "sentences", for whoever asks first. */
  function takeEarly(name) {
    const taken = early[name];
    delete early[name];
    return taken;
  }

  /** Starts the exchange of the link. */
  function exchange() {
    if (atBank) return;
    takeLink();
    const opening = passing.getItem("opening");
    if (opening) begin("session", send("gateway.v1.CheckoutService/OpenSession", opening));
  }

  /** Somebody is there: a browser may draw a page ahead of a visit that never comes. */
  const visited = new Promise((come) => {
    if (globalThis.document?.prerendering) document.addEventListener("prerenderingchange", come, { once: true });
    else come();
  });
  if (globalThis.location) {
    if (document.prerendering) visited.then(exchange);
    else exchange();
    begin("sentences", sentences());
  }

  return { passing, device, atBank, visited, language, switchLanguage, sentences, send, markOf, takeLink, takeEarly };
})();

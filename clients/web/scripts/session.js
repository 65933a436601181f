/**
 * The session behind a link. In: the token in the address's fragment. Out: who may do what here, and calls in its name.
 * Invariant: a link is exchanged once; a reload or the back button resumes.
 */
import { Refusal, call, now, requestId } from "./rpc.js";
import { language, locale } from "./words.js";

const { markOf, passing, takeEarly, takeLink } = globalThis.tab;
const CHECKOUT = "gateway.v1.CheckoutService/";
const REFRESH_SHARE = 0.7;
let held = load("session");

function load(name) {
  return JSON.parse(passing.getItem(name));
}

function store(name, value) {
  if (value) passing.setItem(name, JSON.stringify(value));
  else passing.removeItem(name);
}

function keep(token, mark = held?.mark) {
  const time = now();
  const end = Date.parse(token.expireTime);
  held = { value: token.value, refresh: time + (end - time) * REFRESH_SHARE, mark };
  store("session", held);
}

/** Exchanges the link, or resumes the session of this tab. Throws a Refusal; its reason is NO_LINK without either. */
export async function openSession() {
  takeLink();
  held = load("session");
  const opening = load("opening");
  if (opening) return exchange(opening);
  if (!held) throw new Refusal({ reason: "NO_LINK" });
  return readSession();
}

/** The request id is stored before the call: if its answer is lost, or the page reloaded, the same call is repeated. */
async function exchange(opening) {
  try {
    const { token, session } = await call(`${CHECKOUT}OpenSession`, opening, { early: takeEarly("session") });
    keep(token, markOf(opening.token));
    store("opening", null);
    return session;
  } catch (refusal) {
    if (refusal.reason !== "UNREACHABLE") store("opening", null);
    if (refusal.reason === "FIELD_INVALID") refusal.reason = "RESOURCE_NOT_FOUND"; // too short to be anybody's link
    throw refusal;
  }
}

/** The session as it is now; with what a merchant may be allowed, if one is named. */
export async function readSession(merchant) {
  return (await ask(`${CHECKOUT}GetSession`, { merchant })).session;
}

/** Calls a method in the session's name, with a fresh token. */
export async function ask(method, body) {
  if (now() > held.refresh) {
    keep((await call(`${CHECKOUT}RefreshSession`, {}, { token: held.value, language: language() })).token);
  }
  return call(method, body, { token: held.value, language: language() });
}

/** The same for what changes something: under a request id of its own. */
export function act(method, body) {
  return ask(method, { ...body, requestId: requestId() });
}

/** The device in the person's hand, as far as risk may know of it: the contract's DeviceContext. */
export function deviceContext() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { deviceId: globalThis.tab.device(), locale: locale(), timeZone, userAgent: navigator.userAgent.slice(0, 512) };
}

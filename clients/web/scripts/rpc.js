/**
 * Calls to the server: Connect's unary JSON over fetch. In: a method, a body, a token. Out: the answer, or a Refusal.
 * Invariant: a call is repeated only as it was, with the same request id, so nothing is ever done twice.
 */
const { send } = globalThis.tab;
const PATIENCE_MS = [300, 1000, 2500, 5000];
const DEADLINE_MS = 12_000;
const SLOW_MS = 4000;
let skewMs = 0;

/** The server's clock, as far as its last answer told. */
export const now = () => Date.now() + skewMs;

/** A new request id. */
export const requestId = () => crypto.randomUUID();

/** The server said no, or could not be reached (reason UNREACHABLE). `message` is for people, in their language. */
export class Refusal extends Error {
  constructor({ code = "unknown", reason = "UNREACHABLE", message = "", retryMs = 0 }) {
    super(message);
    Object.assign(this, { code, reason, retryMs });
  }
}

/**
 * Calls a method, `gateway.v1.CheckoutService/GetSession`, and waits out a lost connection or a server that is away.
 * `early` is an answer that is under way already. `document` hears "slow" while a person waits long and "offline" while the answer does not come.
 */
export async function call(method, body, { token, language = "en", early = null } = {}) {
  const slow = setTimeout(tell, SLOW_MS, "slow");
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(attempt ? null : early, method, body, token, language);
      } catch (refusal) {
        const again = refusal.reason === "UNREACHABLE" || refusal.code === "unavailable" || refusal.retryMs;
        if (!again || attempt === PATIENCE_MS.length) throw refusal;
        if (refusal.reason === "UNREACHABLE") {
          clearTimeout(slow); // what is known to be away is not called slow
          tell("offline");
        }
        await pause(Math.max(refusal.retryMs, PATIENCE_MS[attempt]));
      }
    }
  } finally {
    clearTimeout(slow);
    tell("");
  }
}

async function once(early, method, body, token, language) {
  const headers = { "accept-language": language, "connect-timeout-ms": String(DEADLINE_MS) };
  if (token) headers.authorization = `Bearer ${token}`;
  let response, answer;
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS + 1000);
    response = await (early ?? send(method, JSON.stringify(body), headers, signal));
    answer = await response.json();
  } catch {
    throw new Refusal({});
  }
  skewMs = (Date.parse(response.headers.get("date")) || Date.now()) - Date.now();
  if (response.ok) return answer;
  const { read } = await import("./refusal.js");
  throw new Refusal(read(answer));
}

function tell(what) {
  document.dispatchEvent(new CustomEvent("connection", { detail: what }));
}

/** Waits; a network that comes back ends the wait. */
function pause(ms) {
  return new Promise((done) => {
    setTimeout(done, ms);
    addEventListener("online", done, { once: true });
  });
}

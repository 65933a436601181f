/**
 * What comes of a payment that is not, or not yet, to be confirmed here: a wait, the bank's own page, the end, nothing
 * to pay with. In: the checkout as the server tells it. Out: a screen, and the payment again when it has changed.
 * Invariant: the server's word decides what is shown; a screen that waits follows only while it is the newest.
 */
import { ask as call } from "./session.js";
import { button, facts, h, leave, notice, show, sum } from "./view.js";
import { t } from "./words.js";

const GET_PAYMENT = "gateway.v1.PaymentService/GetPayment";
const POLL_MS = [600, 900, 1500, 2500, 4000, 8000];
const SCREENS = {
  STATE_PROCESSING: () => wait("working", null, () => [back("quiet")]),
  STATE_IN_REVIEW: () => wait("review", null, leaving),
  STATE_AUTHORIZED: () => end("reserved", "good", "check"),
  STATE_PARTIALLY_CAPTURED: () => end("paid", "good", "check"),
  STATE_CAPTURED: () => end("paid", "good", "check"),
  STATE_CANCELLED: () => end("cancelled", "calm", "cross"),
  STATE_EXPIRED: () => end("late", "calm", "clock"),
  STATE_REJECTED: () => end("rejected", "bad", "cross"),
};
let checkout, screen;

/**
 * Shows where a payment stands.
 *
 * @param news The checkout.
 * @param around What the page of the payment lends: `stands` tells whether the news are still the newest, `take` takes
 *   newer ones, `cancel` is the work of a button, `isOver` tells whether a problem ends the session, `ways` returns the
 *   names of the ways to pay, each with what stands against it.
 */
export function follow(news, around) {
  [checkout, screen] = [news, around];
  const { state, nextAction = {} } = news.payment;
  if (SCREENS[state]) SCREENS[state]();
  else if (nextAction.redirect) toBank(nextAction.redirect.url);
  else if (nextAction.wait) wait("approve", nextAction.wait.text, leaving);
  else noWay();
}

/** Something else is at work: the page looks again and again, less and less often. */
function wait(state, text, actions) {
  show(() => notice({
    state, picture: "clock", title: t(state), text: text ?? t(`${state}_`), sum: due(), tone: "calm waiting",
    actions: actions(),
  }));
  poll();
}

function poll(count = 0) {
  const { stands, take, isOver } = screen;
  const { name, stateVersion } = checkout.payment;
  setTimeout(async () => {
    if (!stands()) return;
    const { payment } = await call(GET_PAYMENT, { name }).catch((problem) => {
      if (isOver(problem)) throw problem;
      return checkout;
    });
    if (!stands()) return;
    if (payment.stateVersion !== stateVersion) take({ ...checkout, payment });
    else poll(count + 1);
  }, POLL_MS[Math.min(count, POLL_MS.length - 1)]);
}

function toBank(url) {
  show(() => notice({
    state: "bank", picture: "account", title: t("bank"), text: t("bank_"), sum: due(),
    actions: [leave(t("goBank"), url, "primary"), stop()],
  }));
  poll();
}

function end(state, tone, picture) {
  const { merchantDisplayName: payee, returnUrl, payment } = checkout;
  const { amount, amountCapturedMinor: amountMinor } = payment;
  const good = tone === "good";
  const part = state === "paid" && amountMinor !== amount.amountMinor;
  const taken = part ? { ...amount, amountMinor } : amount;
  const fetchReceipt = () => import("./receipt.js");
  const receipt = async () => (await fetchReceipt()).showReceipt(payment.name, { push: true });
  if (good) fetchReceipt().catch(() => {}); // while there is a connection
  show(() => notice({
    state, tone, picture, title: t(state), text: t(part ? "part_" : `${state}_`, { payee, amount }), sum: good && sum(taken),
    actions: [back("primary"), good && button(t("receipt"), receipt, { kind: returnUrl ? "quiet" : "primary" })],
  }));
}

/** Where a finger would help, the person is told where to set it up; otherwise what stands against each way. */
function noWay() {
  const obstacles = (checkout.options ?? []).map(({ obstacle }) => obstacle);
  const key = obstacles.includes("REASON_PASSKEY_NOT_ACTIVE") ? "paused"
    : obstacles.includes("REASON_PASSKEY_REQUIRED") ? "setUpFirst" : "noWay";
  show(() => notice({
    state: key, picture: key === "setUpFirst" ? "phone" : "info", title: t(key), text: t(`${key}_`), sum: due(),
    content: key === "noWay" && obstacles.length ? facts(screen.ways()) : [], actions: leaving(),
  }));
}

/** Whom and how much. */
const due = () => [sum(checkout.payment.amount), h("p", { class: "about" }, checkout.merchantDisplayName)];

const stop = () => button(t("cancel"), screen.cancel);
const leaving = () => [back("quiet"), stop()];

/** The way back to the shop, if it named one. */
function back(kind) {
  const { merchantDisplayName: payee, returnUrl } = checkout;
  return returnUrl && leave(t("backTo", { payee }), returnUrl, kind);
}

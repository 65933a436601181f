/**
 * The payment: look, choose, confirm, see what came of it. In: a session of kind PAY. Out: screens.
 * Invariant: what is signed is what `terms` takes from the screen's own model; the server's word decides what is shown.
 */
import { now } from "./rpc.js";
import { act, ask as call, readSession } from "./session.js";
import { alert, ask, button, choice, h, leave, notice, repaint, show, sum } from "./view.js";
import { known, phrase, t } from "./words.js";

const PAYMENTS = "gateway.v1.PaymentService/";
const POLL_MS = [600, 900, 1500, 2500, 4000, 8000];
const NUMBER_LENGTH = 24;
const GRACE_MS = 1500;
const WAIT_MS_MAX = 2 ** 31 - 1;
const PICTURES = { CHANNEL_BALANCE: "balance", CHANNEL_CARD: "card", CHANNEL_WALLET: "wallet", CHANNEL_BANK: "account" };
const OPEN = ["STATE_REQUIRES_PAYMENT_METHOD", "STATE_REQUIRES_CONFIRMATION", "STATE_REQUIRES_ACTION"];
const SCREENS = {
  STATE_PROCESSING: () => wait("working"),
  STATE_IN_REVIEW: () => wait("review", null, () => [back("quiet"), button(t("cancel"), cancel)]),
  STATE_AUTHORIZED: () => end("reserved", "good", "check"),
  STATE_PARTIALLY_CAPTURED: () => end("paid", "good", "check"),
  STATE_CAPTURED: () => end("paid", "good", "check"),
  STATE_CANCELLED: () => end("cancelled", "calm", "cross"),
  STATE_EXPIRED: () => end("late", "calm", "clock"),
  STATE_REJECTED: () => end("rejected", "bad", "cross"),
};
let session, checkout, chosen, proposed, said, timer, tools;

/** What signing needs. It is fetched while the person looks at the amount. */
const fetchTools = () => Promise.all([import("./confirm.js"), import("./device.js")]);

/** Shows the session's payment as it stands. */
export function start(opened) {
  session = opened;
  tools = fetchTools();
  tools.catch(() => {});
  take(opened.checkout);
}

/** Reads the payment again and shows it, with a sentence about what just happened. */
async function again(sentence) {
  session = await readSession();
  take(session.checkout, sentence);
}

function take(news, sentence = null) {
  checkout = news;
  said = sentence;
  clearTimeout(timer);
  const usable = (news.options ?? []).filter((option) => option.available);
  const another = news.payment.lastFailure?.advice === "DECLINE_ADVICE_USE_OTHER_INSTRUMENT";
  chosen = proposed = usable.find((option) => ofPayment(option) !== another) ?? usable[0];
  const { state, nextAction = {} } = news.payment;
  if (!OPEN.includes(state)) SCREENS[state]();
  else if (nextAction.redirect) toBank(nextAction.redirect.url);
  else if (nextAction.wait) wait("approve", nextAction.wait.text);
  else {
    if (chosen) show(look);
    else setUpFirst();
    expire();
  }
}

/** A payment whose time runs out while somebody looks at it says so by itself; what is under way finds out anyway. */
function expire() {
  const left = Date.parse(checkout.payment.expireTime) - now();
  if (left > 0) timer = setTimeout(lookAgain, Math.min(left + GRACE_MS, WAIT_MS_MAX));
}

/** Asks how things are while nothing is under way: time has passed, or the person is back from another tab or app. */
async function lookAgain() {
  if (!OPEN.includes(checkout?.payment.state) || document.querySelector(".busy, dialog")) return;
  const before = chosen && sourceOf(chosen.method);
  await again().catch((problem) => {
    if (isOver(problem)) throw problem;
  });
  const same = checkout.options?.find(({ available, method }) => available && sourceOf(method) === before);
  if (!same || same === chosen) return;
  chosen = same;
  repaint();
}

/** One screen: whom, how much, from what; one button. */
function look() {
  const { payment, merchantDisplayName: payee, description, merchantNumber, options } = checkout;
  const failed = payment.lastFailure && (known(payment.lastFailure.reason) ?? "declined");
  const order = merchantNumber?.length <= NUMBER_LENGTH && `${t("number")} ${merchantNumber}`;
  const about = [order, t("until", { time: new Date(payment.expireTime) })].filter(Boolean).join(" · ");
  const onChoice = (id) => {
    chosen = options[id];
    repaint();
  };
  return {
    state: "look",
    head: h("div", { class: "badge payee", "aria-hidden": "true" }, [...payee][0]),
    title: t("pay", { payee }),
    content: [
      sum(payment.amount),
      description && h("p", { class: "about" }, description),
      h("p", { class: "small" }, about),
      alert(phrase(said || failed || "")),
      choice(t("payWith"), options.map(row), String(options.indexOf(chosen)), onChoice),
    ],
    actions: [
      button(word(chosen), pay, { kind: "primary", picture: byPasskey(chosen) && "finger" }),
      button(t("cancel"), cancel),
    ],
  };
}

/** Risk control asks for a finger where the option by itself needs none. */
const steppedUp = ({ selected, authentication }) =>
  selected && authentication === "AUTHENTICATION_MANDATE" && checkout.payment.nextAction?.biometric;
const byPasskey = (option) => option.authentication === "AUTHENTICATION_PASSKEY" || steppedUp(option);

/** The balance has a word in every language; everything else is called exactly as it is signed. */
function nameOf({ method, display }) {
  if (method.channel === "CHANNEL_BALANCE") return t("balance");
  return display;
}

function word(option) {
  if (byPasskey(option)) return t("confirm");
  if (option.authentication === "AUTHENTICATION_WALLET") return t("goTo", { name: nameOf(option) });
  return t("payNow", { amount: checkout.payment.amount });
}

function row(option, index) {
  const { method, available, obstacle, balance, allowance } = option;
  const recommended = option.recommended && option === proposed; // the page does not propose one and praise another
  const details = [
    balance && t("available", { amount: balance }),
    ...(allowance ? allowed(option) : []),
    !available && t(known(obstacle) ?? "unusable"),
  ];
  return {
    id: String(index), label: nameOf(option), detail: details.filter(Boolean).join(" · "), off: !available,
    picture: PICTURES[method.channel] ?? "balance", mark: recommended && t("recommended"),
  };
}

/** What the person allowed this shop, and whether that spares the finger this time. */
function allowed(option) {
  const { paymentMax: amount, left, expireTime } = option.allowance;
  if (steppedUp(option)) return [t("stepUp")];
  return [t("mandated"), t("allowed", { amount, left, time: new Date(expireTime) })];
}

/** What the terms name as the source: an instrument, a wallet that asks itself, or the balance. */
function sourceOf({ channel, instrument, rail }) {
  if (instrument) return instrument;
  return channel === "CHANNEL_BALANCE" ? "balance" : `rails/${rail}`;
}

/** Whether an option is what the payment is to be paid from; a permission may cover it or not. */
const ofPayment = ({ method }) => sourceOf(method) === sourceOf(checkout.payment);

/** What the person sees of an option, as the members of the terms. */
function terms({ method, display }) {
  const { payment, merchantDisplayName } = checkout;
  return {
    type: "keelpay.payment-confirmation.v1",
    paymentId: payment.name,
    payerId: session.payer,
    payeeId: payment.name.split("/payments/")[0],
    payeeName: merchantDisplayName,
    currency: payment.amount.currencyCode,
    amountMinor: payment.amount.amountMinor,
    instrumentId: sourceOf(method),
    instrumentDisplay: display,
    rpId: session.rpId,
  };
}

/** The one press: choose, sign, pay. A lost answer is looked up, never signed twice. */
async function pay(tell) {
  const name = checkout.payment.name;
  const option = chosen;
  try {
    tell("preparing");
    await tools.catch(() => (tools = fetchTools()));
    if (!option.selected || checkout.payment.state === "STATE_REQUIRES_PAYMENT_METHOD") {
      await act("gateway.v1.CheckoutService/ChoosePaymentMethod", { name, paymentMethod: option.method });
    }
    const { payment } = byPasskey(option) ? await signed(name, tell) : await spend(name, {}, tell);
    // Where the screen said that no finger is needed and one is asked for after all, it says so first.
    if (OPEN.includes(payment.state)) await again(payment.nextAction?.biometric && "stepUp_");
    else take({ ...checkout, payment });
  } catch (problem) {
    await explain(problem);
  }
}

async function signed(name, tell) {
  const [{ confirm, starting }] = await tools;
  const onReady = () => tell("finger");
  const start = starting(session.payer, { payment: name });
  return spend(name, await confirm(start, () => terms(chosen), { spc: session.spcOffered, onReady }), tell);
}

async function spend(name, proof, tell) {
  tell("paying");
  const [, { deviceContext }] = await tools;
  return act(`${PAYMENTS}ConfirmPayment`, { name, ...proof, device: deviceContext() });
}

/** Whether the session is over: its time, or a newer link took its place. */
const isOver = ({ code, reason }) => code === "unauthenticated" || /^CHECKOUT_LINK_/.test(reason);

/** After a problem the server is asked how things are; only a session that is over goes up to who opened it. */
async function explain(problem) {
  const unreachable = !problem.reason || problem.reason === "UNREACHABLE";
  if (isOver(problem)) throw problem;
  await again(problem.sentence ?? (unreachable ? "reached" : problem.message)).catch((worse) => {
    if (worse.reason !== "UNREACHABLE") throw worse;
    take(checkout, "reached");
  });
}

async function cancel() {
  if (!(await ask(t("cancelAsk"), t("cancelAsk_"), t("cancel"), t("keep")))) return;
  const name = checkout.payment.name;
  try {
    const { payment } = await act(`${PAYMENTS}CancelPayment`, { name });
    take({ ...checkout, payment });
  } catch (problem) {
    await explain(problem);
  }
}

/** Something else is at work: the page looks again and again, less and less often. */
function wait(state, text, actions = () => []) {
  show(() => notice({
    state, picture: "clock", title: t(state), text: text ?? t(`${state}_`), sum: due(), tone: "calm waiting",
    actions: actions(),
  }));
  poll(0, checkout.payment.stateVersion);
}

function poll(count, version) {
  timer = setTimeout(async () => {
    const { payment } = await call(`${PAYMENTS}GetPayment`, { name: checkout.payment.name }).catch((problem) => {
      if (isOver(problem)) throw problem;
      return checkout;
    });
    if (payment.stateVersion !== version) take({ ...checkout, payment });
    else poll(count + 1, version);
  }, POLL_MS[Math.min(count, POLL_MS.length - 1)]);
}

function toBank(url) {
  show(() => notice({
    state: "bank", picture: "account", title: t("bank"), text: t("bank_"), sum: due(),
    actions: [leave(t("goBank"), url, "primary"), button(t("cancel"), cancel)],
  }));
  poll(0, checkout.payment.stateVersion);
}

const due = () => sum(checkout.payment.amount);

/** The way back to the shop, if it named one. */
function back(kind) {
  const { merchantDisplayName: payee, returnUrl } = checkout;
  return returnUrl && leave(t("backTo", { payee }), returnUrl, kind);
}

function end(state, tone, picture) {
  const { merchantDisplayName: payee, returnUrl, payment } = checkout;
  const { amount, amountCapturedMinor: amountMinor } = payment;
  const good = tone === "good";
  const part = state === "paid" && amountMinor !== amount.amountMinor;
  const taken = part ? { ...amount, amountMinor } : amount;
  const receipt = async () => (await import("./receipt.js")).showReceipt(payment.name, { push: true });
  show(() => notice({
    state, tone, picture, title: t(state), text: t(part ? "part_" : `${state}_`, { payee, amount }), sum: good && sum(taken),
    actions: [back("primary"), good && button(t("receipt"), receipt, { kind: returnUrl ? "quiet" : "primary" })],
  }));
}

function setUpFirst() {
  const obstacles = (checkout.options ?? []).map(({ obstacle }) => obstacle);
  const missing = obstacles.includes("REASON_PASSKEY_NOT_ACTIVE") ? "paused" : "setUpFirst";
  const key = session.passkeyActive ? "sorry" : missing;
  show(() => notice({
    state: key, picture: key === "setUpFirst" ? "phone" : "info", title: t(key),
    text: t(known(`${key}_`) ?? known(obstacles[0]) ?? "unusable"), sum: due(),
    actions: [back("quiet"), button(t("cancel"), cancel)],
  }));
}

addEventListener("pageshow", ({ persisted }) => persisted && lookAgain());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && lookAgain());

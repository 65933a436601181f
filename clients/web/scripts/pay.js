/**
 * The payment: look, choose, confirm. In: a session of kind PAY. Out: one screen; what comes of it is outcome.js.
 * Invariant: what is signed is what `terms` takes from the screen's own model; the server's word decides what is shown.
 */
import { now } from "./rpc.js";
import { act, deviceContext, readSession } from "./session.js";
import { alert, ask, button, choice, h, repaint, show, sum } from "./view.js";
import { known, phrase, t } from "./words.js";

const PAYMENTS = "gateway.v1.PaymentService/";
const NUMBER_LENGTH = 24;
const GRACE_MS = 1500;
const WAIT_MS_MAX = 2 ** 31 - 1;
const PICTURES = { CHANNEL_BALANCE: "balance", CHANNEL_CARD: "card", CHANNEL_WALLET: "wallet", CHANNEL_BANK: "account" };
const OPEN = ["STATE_REQUIRES_PAYMENT_METHOD", "STATE_REQUIRES_CONFIRMATION", "STATE_REQUIRES_ACTION"];
let session, checkout, chosen, proposed, said, timer, tools;

/** What signing needs, and what shows how it went. It is fetched while the person looks at the amount. */
const fetchTools = () => Promise.all([import("./confirm.js"), import("./outcome.js")]);

/** Shows the session's payment as it stands. */
export async function start(opened) {
  session = opened;
  tools = fetchTools();
  tools.catch(() => {});
  await take(opened.checkout);
}

/** Reads the payment again and shows it, with a sentence about what just happened. */
async function again(sentence) {
  session = await readSession();
  await take(session.checkout, sentence);
}

async function take(news, sentence = null) {
  checkout = news;
  said = sentence;
  clearTimeout(timer);
  const usable = (news.options ?? []).filter((option) => option.available);
  const another = news.payment.lastFailure?.advice === "DECLINE_ADVICE_USE_OTHER_INSTRUMENT";
  chosen = proposed = usable.find((option) => ofPayment(option) !== another) ?? usable[0];
  const { state, nextAction = {} } = news.payment;
  const waits = !OPEN.includes(state) || nextAction.redirect || nextAction.wait;
  if (!waits) expire();
  if (chosen && !waits) show(look);
  else await elsewhere(news);
}

/** What is not to be confirmed here is shown by a part of its own. */
async function elsewhere(news) {
  const { follow } = await import("./outcome.js").catch(() => {
    throw Object.assign(new Error(), { reason: "UNREACHABLE" });
  });
  const stands = () => checkout === news;
  const ways = () => news.options.map((option) => [nameOf(option), t(known(option.obstacle) ?? "unusable")]);
  if (stands()) follow(news, { stands, take, cancel, isOver, ways });
}

/** A payment whose time runs out while somebody looks at it says so by itself; what is under way finds out anyway. */
function expire() {
  const left = Date.parse(checkout.payment.expireTime) - now();
  if (left > 0) timer = setTimeout(lookAgain, Math.min(left + GRACE_MS, WAIT_MS_MAX));
}

/** Asks how things are while nothing is under way: time has passed, or the person is back from another tab or app. */
async function lookAgain() {
  const idle = () => OPEN.includes(checkout?.payment.state) && !document.querySelector("[aria-disabled], dialog");
  if (!idle()) return;
  const before = chosen && sourceOf(chosen.method);
  const news = await readSession().catch((problem) => {
    if (isOver(problem)) throw problem;
  });
  if (!news || !idle()) return; // a press that came meanwhile hears by itself how things are
  session = news;
  await take(news.checkout);
  const same = checkout.options?.find(({ available, method }) => available && sourceOf(method) === before);
  if (!same || same === chosen) return;
  chosen = same;
  repaint();
}

/** One screen: whom, how much, from what; one button. */
function look() {
  const { payment, merchantDisplayName: payee, description, merchantNumber, options } = checkout;
  const failed = payment.lastFailure && (saying(payment.lastFailure.reason) ?? saying("declined"));
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
      alert(phrase((saying(said) ?? said) || failed || ""), said === "stepUp_" ? "note" : "bad"),
      choice(t("payWith"), options.map(row), String(options.indexOf(chosen)), onChoice),
    ],
    actions: [
      button(word(chosen), pay, { kind: "primary", picture: byPasskey(chosen) && "finger" }),
      button(t("cancel"), cancel),
    ],
  };
}

/** The key of a sentence about what happened: nobody is told to choose another way where there is none. */
function saying(key) {
  const others = checkout.options.filter(({ available }) => available).length > 1;
  return known(`${key}_${others ? "else" : "only"}`, key);
}

/** Risk control asks for a finger where the option by itself needs none. */
const steppedUp = ({ selected, authentication }) =>
  selected && authentication === "AUTHENTICATION_MANDATE" && checkout.payment.nextAction?.biometric;
const byPasskey = (option) => option.authentication === "AUTHENTICATION_PASSKEY" || steppedUp(option);

/** The balance and wallets, which ask by themselves, have words in every language; the rest is called as it is signed. */
function nameOf({ method, display, authentication }) {
  if (method.channel === "CHANNEL_BALANCE") return t("balance");
  return authentication === "AUTHENTICATION_WALLET" ? phrase(display) : display;
}

function word(option) {
  if (byPasskey(option)) return t("confirm");
  if (option.authentication === "AUTHENTICATION_WALLET") return t("goTo", { name: nameOf(option) });
  return t("payNow", { amount: checkout.payment.amount });
}

function row(option, index) {
  const { method, available, obstacle, balance, allowance } = option;
  const recommended = option.recommended && option === proposed; // the page does not propose one and praise another
  const state = [balance && t("available", { amount: balance }), !available && t(known(obstacle) ?? "unusable")];
  return {
    id: String(index), label: nameOf(option), off: !available,
    picture: PICTURES[method.channel] ?? "balance", mark: recommended && t("recommended"),
    details: [state.filter(Boolean).join(" · "), ...(allowance ? allowed(option) : [])],
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
    else await take({ ...checkout, payment });
  } catch (problem) {
    await explain(problem);
  }
}

async function signed(name, tell) {
  const [{ confirm, starting }] = await tools;
  const onReady = () => tell("finger");
  const begin = starting(session.payer, { payment: name });
  const start = (method) => {
    tell("preparing"); // also when the browser's own dialog has failed, and plain WebAuthn follows
    return begin(method);
  };
  return spend(name, await confirm(start, () => terms(chosen), { spc: session.spcOffered, onReady }), tell);
}

async function spend(name, proof, tell) {
  tell("paying");
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
    return take(checkout, "reached");
  });
}

async function cancel() {
  if (!(await ask(t("cancelAsk"), t("cancelAsk_"), t("cancel"), t("keep")))) return;
  const name = checkout.payment.name;
  try {
    const { payment } = await act(`${PAYMENTS}CancelPayment`, { name });
    await take({ ...checkout, payment });
  } catch (problem) {
    await explain(problem);
  }
}

addEventListener("pageshow", ({ persisted }) => persisted && lookAgain());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && lookAgain());

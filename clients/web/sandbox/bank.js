/**
 * The page of the sandbox's bank: a redirected payer says yes or no. In: a ticket in the address's fragment. Out: the
 * bank's decision, and the way back. Invariant: nothing is decided twice: an answer is kept with its request id before
 * it is sent, so that a reload or a lost answer repeats it; no session of ours is touched.
 */
import { call, requestId } from "../scripts/rpc.js";
import { button, facts, h, icon, leave, notice, show, sum } from "../scripts/view.js";
import { language, t, when } from "../scripts/words.js";

const { passing } = globalThis.tab;
const SERVICE = "sandbox.v1.BankPageService/";
const GRACE_MS = 1500;
const OVER = ["RESOURCE_NOT_FOUND", "FIELD_INVALID"];
/** Where a challenge stands; OVER is our word for one that is not there, or that somebody else has answered. */
const SCREENS = {
  STATE_OPEN: decide,
  STATE_APPROVED: () => end("approved", "good", "check"),
  STATE_REFUSED: () => end("refused", "calm", "cross"),
  STATE_EXPIRED: () => end("expired", "calm", "clock"),
  OVER: () => end("over", "calm", "link"),
};
let held, challenge, timer;

/** Takes the ticket out of the address; the same one again in the same tab goes on where it was. */
export async function start() {
  const ticket = location.hash.slice(1);
  held = JSON.parse(passing.getItem("challenge")) ?? {};
  if (ticket) history.replaceState(null, "", location.pathname);
  if (ticket && ticket !== held.ticket) keep({ ticket, requestId: requestId() });
  challenge = null;
  await (held.approve === undefined ? ask("GetChallenge") : answer(held.approve));
}

function keep(news) {
  held = news;
  passing.setItem("challenge", JSON.stringify(held));
}

async function ask(method, body) {
  clearTimeout(timer);
  try {
    const answered = await call(SERVICE + method, { ticket: held.ticket, ...body }, { language: language() });
    challenge = answered.challenge;
  } catch (problem) {
    if (!OVER.includes(problem.reason)) throw problem;
    challenge = { ...challenge, state: "OVER" };
  }
  // Who came too late has said nothing: the answer says so to the bank, and the payment hears of it at once.
  if (challenge.state === "STATE_EXPIRED" && held.approve === undefined) await answer(false);
  else SCREENS[challenge.state]();
}

async function answer(approve) {
  keep({ ...held, approve });
  await ask("AnswerChallenge", { requestId: held.requestId, approve });
}

function decide() {
  const { amount, bank, payee, timeLeft } = challenge;
  const left = parseFloat(timeLeft) * 1000;
  const until = new Date(Date.now() + left);
  show(() => ({
    state: "challenge", title: t("challenge"), head: h("div", { class: "badge calm" }, icon("account")), plain: true,
    content: [sum(amount), facts([[t("payee"), payee], [t("bank"), bank], [t("until"), when(until)]]), test()],
    actions: [button(t("approve"), () => answer(true), { kind: "primary" }), button(t("refuse"), () => answer(false))],
  }));
  timer = setTimeout(ask, left + GRACE_MS, "GetChallenge");
}

/** It is over; back to where the person came from, at once where it was decided here. */
function end(state, tone, picture) {
  const way = () => leave(t("back"), challenge.returnUrl ?? "", "primary");
  const goes = ["approved", "refused"].includes(state) && way();
  show(() => notice({
    state, tone, picture, title: t(state), text: t(goes ? "going" : "return"), content: test(), actions: [way()],
  }));
  if (goes) location.replace(way().href);
}

const test = () => h("p", { class: "alert note" }, t("test"));

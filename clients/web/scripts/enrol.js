/**
 * Setting up a finger or face. In: a session of kind ENROL, which the partner gave. Out: a passkey.
 * Invariant: a passkey is made only for the registration that the server started; a payment's session never comes here.
 */
import { builtIn, make } from "./passkey.js";
import { act } from "./session.js";
import { alert, button, h, icon, leave, notice, show } from "./view.js";
import { phrase, t } from "./words.js";

const PASSKEYS = "auth.v1.PasskeyService/";
const NAME_LENGTH = 40;
const NAMES = [[/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Mac OS/, "Mac"], [/Windows/, "Windows"]];
let session, said, typed;

/** Shows what it is good for, and the one button. */
export function start(opened) {
  session = opened;
  show(intro);
}

/** A field for the device's name, with a guess in it, or what was typed before the screen was drawn anew. */
export function nameField() {
  const guess = NAMES.find(([pattern]) => pattern.test(navigator.userAgent))?.[1] ?? "Linux";
  const keep = () => (typed = input.value);
  const input = h("input", { value: typed ?? guess, input: keep, maxlength: NAME_LENGTH, autocomplete: "off", enterkeyhint: "done" });
  return {
    field: h("label", { class: "field" }, h("span", {}, t("deviceName")), input),
    picture: icon("finger"),
    value: () => input.value.trim() || guess,
  };
}

function intro() {
  const name = nameField();
  return {
    state: "enrol",
    head: h("div", { class: "badge good" }, name.picture),
    title: t("enrol"),
    content: [
      said && alert(phrase(said)),
      h("ul", { class: "points" }, ["enrol1", "enrol2", "enrol3"].map((key) => h("li", {}, t(key)))),
      name.field,
    ],
    actions: [button(t("setUp"), (tell) => setUp(name.value(), tell), { kind: "primary", picture: "finger" })],
  };
}

async function setUp(name, tell) {
  try {
    tell("preparing");
    const registration = await register(session, name);
    if (registration.confirmationRequired) {
      show(() => notice({ state: "further", picture: "phone", title: t("further"), text: t("further_"), actions: [goBack(session)] }));
      return;
    }
    tell("finger");
    const credentialJson = await make(registration.optionsJson);
    tell("preparing");
    done((await act(`${PASSKEYS}FinishRegistration`, { name: registration.name, credentialJson })).passkey);
  } catch (problem) {
    if (problem.code === "unauthenticated") throw problem;
    said = sentence(problem);
    show(intro);
  }
}

/** What to say of a passkey that was not made. */
export function sentence(problem) {
  if (problem.name === "InvalidStateError") return "known";
  if (problem.reason === "PASSKEY_REQUIRED") return "lost";
  if (problem.sentence) return problem.sentence;
  return problem.reason === "UNREACHABLE" ? "reached" : problem.message;
}

/**
 * Starts a registration, or goes on with the recovery that the partner began. A passkey of the device itself serves
 * Secure Payment Confirmation too.
 */
export async function register(opened, displayName) {
  if (opened.recovery) return opened.recovery;
  const spc = Boolean(opened.spcRegistration && window.PaymentRequest && (await builtIn()));
  const body = { parent: opened.payer, displayName, spc };
  return (await act(`${PASSKEYS}StartRegistration`, body)).registration;
}

function done({ state, amountLimit, limitEndTime, coolingEndTime }) {
  const cools = state === "STATE_COOLING";
  const time = new Date(coolingEndTime);
  show(() => notice({
    state: cools ? "cooling" : "enrolled", tone: cools ? "calm" : "good", picture: cools ? "clock" : "check",
    title: t(cools ? "cooling" : "enrolled"), text: t(cools ? "cooling_" : "enrolled_", { time }),
    content: limitEndTime && !cools ? [alert(newness(amountLimit, new Date(limitEndTime)), "note")] : [],
    actions: [goBack(session)],
  }));
}

/** The way back to the app or site that gave the link, if it named one. */
export const goBack = ({ returnUrl }, kind = "primary") => leave(t("done"), returnUrl, kind);

/** What a new passkey may do until when; the amount is told where there is a currency to tell it in. */
const newness = (amount, time) => t(amount ? "newLimit" : "newSmall", { amount, time });

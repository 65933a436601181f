/**
 * A person's own devices and permissions. In: a session of kind MANAGE. Out: screens to look, add, remove, stop, end.
 * Invariant: what cannot be undone is asked first; what gives power is signed by a device that has it.
 */
import { confirm, starting } from "./confirm.js";
import { goBack, nameField, register, sentence } from "./enrol.js";
import { make } from "./passkey.js";
import { act, ask as call } from "./session.js";
import { alert, ask, button, h, icon, notice, show } from "./view.js";
import { phrase, t } from "./words.js";

const PASSKEYS = "auth.v1.PasskeyService/";
const CONFIRMATIONS = "auth.v1.ConfirmationService/";
const TYPES = { recoveryVeto: "keelpay.recovery-veto.v1", passkeyResume: "keelpay.passkey-resume.v1" };
const GONE = ["STATE_REVOKED", "STATE_EXPIRED"];
let session, passkeys, mandates, said;

/** Shows everything. */
export async function start(opened) {
  session = opened;
  await again();
}

async function again(sentence = "", tone = "note") {
  const [keys, given] = await Promise.all([
    alive(`${PASSKEYS}ListPasskeys`, session.payer, "passkeys"),
    alive(`${CONFIRMATIONS}ListMandates`, "merchants/-", "mandates"),
  ]);
  [passkeys, mandates] = [keys, given];
  said = sentence && [sentence, tone];
  show(list);
}

/** All rows of a list, however many pages it has, but those that are gone for ever. */
async function alive(method, parent, noun) {
  const rows = [];
  for (let page = { nextPageToken: "" }; "nextPageToken" in page;) {
    page = await call(method, { parent, pageSize: 100, pageToken: page.nextPageToken });
    rows.push(...(page[noun] ?? []));
  }
  return rows.filter(({ state }) => !GONE.includes(state));
}

function list() {
  const has = (wanted) => passkeys.some(({ state }) => state === wanted);
  const signs = has("STATE_ACTIVE");
  return {
    state: "manage",
    title: t("manage"),
    content: [
      said && alert(phrase(said[0]), said[1]),
      h("h2", {}, t("devices")),
      passkeys.length ? h("ul", { class: "cards" }, passkeys.map((key) => passkeyRow(key, signs)))
        : h("p", { class: "small" }, t("noDevices")),
      h("h2", {}, t("mandates")),
      mandates.length ? h("ul", { class: "cards" }, mandates.map(mandateRow)) : h("p", { class: "small" }, t("noMandates")),
    ],
    actions: [
      signs && !has("STATE_COOLING") && button(t("add"), add, { kind: "primary", picture: "finger" }),
      goBack(session, "quiet"),
    ],
  };
}

/** `signs`: there is a device that can speak for the others. */
function passkeyRow(key, signs) {
  const cools = key.state === "STATE_COOLING";
  const paused = key.state === "STATE_SUSPENDED";
  const time = new Date(key.lastUseTime ?? key.createTime);
  const mark = cools ? t("STATE_COOLING", { time: new Date(key.coolingEndTime) })
    : paused ? t("STATE_SUSPENDED") : key.amountLimit && t("upTo", { amount: key.amountLimit });
  const details = [t(key.lastUseTime ? "used" : "made", { time }), key.synced && t("synced")];
  return h("li", { class: cools || paused ? "warn" : "" }, icon("phone"),
    h("div", {}, h("b", {}, key.displayName), mark && h("em", {}, mark),
      h("small", {}, details.filter(Boolean).join(" · ")),
      (cools || paused) && h("small", {}, t(cools ? "cooler_" : signs ? "suspended_" : "alone_"))),
    paused && signs && button(t("resume"), () => speak(key, "passkeyResume", "ResumePasskey", "resumed")),
    cools ? button(t("stop"), () => speak(key, "recoveryVeto", "VetoRecovery", "stopped"), { kind: "danger" })
      : button(t("remove"), () => remove(key)));
}

function mandateRow(mandate) {
  const { paymentMax: amount, dayMax: day, expireTime, state, payeeName } = mandate;
  return h("li", {}, icon("shop"),
    h("div", {}, h("b", {}, payeeName), state === "STATE_SUSPENDED" && h("em", {}, t("STATE_SUSPENDED_MANDATE")),
      h("small", {}, t("each", { amount, day, time: new Date(expireTime) }))),
    button(t("revoke"), () => revoke(mandate)));
}

/** Does something and shows the list, or says why not. */
async function attempt(work, sentenceAfter) {
  try {
    await work();
    await again(sentenceAfter);
  } catch (problem) {
    if (problem.code === "unauthenticated") throw problem;
    await again(sentence(problem), "bad");
  }
}

async function remove({ name, displayName, state }) {
  const last = state === "STATE_ACTIVE" && passkeys.filter((key) => key.state === state).length === 1;
  const warning = t(last ? "removeLast_" : "removeAsk_");
  if (!(await ask(t("removeAsk", { name: displayName }), warning, t("remove"), t("keep")))) return;
  await attempt(() => act(`${PASSKEYS}RevokePasskey`, { name }), "removed");
}

async function revoke({ name }) {
  if (!(await ask(t("revokeAsk"), t("revokeAsk_"), t("revoke"), t("keep")))) return;
  await attempt(() => act(`${CONFIRMATIONS}RevokeMandate`, { name }), "revoked");
}

/** Another device says that a recovery is not its owner's, or that a paused device is. */
function speak({ name, displayName }, kind, method, sentenceAfter) {
  const shown = {
    type: TYPES[kind], passkeyId: name, payerId: session.payer, passkeyDisplay: displayName, rpId: session.rpId,
  };
  return attempt(async () => {
    const proof = await confirm(starting(session.payer, { [kind]: name }), () => shown);
    await act(`${PASSKEYS}${method}`, { name, ...proof });
  }, sentenceAfter);
}

/** First this device makes its key, then an old one says that this is its owner's. The back button leads to the list. */
function add() {
  history.pushState(null, "");
  show(naming);
}

function naming() {
  const name = nameField();
  return {
    state: "add",
    head: h("div", { class: "badge good" }, name.picture),
    title: t("add"),
    content: [name.field],
    actions: [
      button(t("setUp"), (tell) => made(name.value(), tell), { kind: "primary", picture: "finger" }),
      button(t("back"), () => history.back()),
    ],
  };
}

async function made(displayName, tell) {
  try {
    tell("preparing");
    const registration = await register(session, displayName);
    tell("finger");
    const credentialJson = await make(registration.optionsJson);
    const finish = (proof) => act(`${PASSKEYS}FinishRegistration`, { name: registration.name, credentialJson, ...proof });
    if (registration.confirmationRequired) vouch(registration.name, displayName, finish);
    else await attempt(() => finish({}), "enrolled_");
  } catch (problem) {
    await attempt(() => Promise.reject(problem));
  }
}

function vouch(registration, displayName, finish) {
  const shown = {
    type: "keelpay.passkey-add.v1", registrationId: registration, payerId: session.payer,
    passkeyDisplay: displayName, rpId: session.rpId,
  };
  const work = () => attempt(async () => {
    await finish(await confirm(starting(session.payer, { registration }), () => shown));
  }, "enrolled_");
  show(() => notice({
    state: "vouch", picture: "phone", title: t("addMore"), text: t("addMore_", { name: displayName }),
    actions: [button(t("confirm"), work, { kind: "primary", picture: "finger" }), button(t("back"), () => history.back())],
  }));
}

/**
 * "Pay up to CNY 50 without asking, at this shop, until ...". In: a session of kind MANAGE, a shop. Out: a mandate.
 * Invariant: every limit that is signed is on the screen when it is signed.
 */
import { confirm } from "./confirm.js";
import { goBack, sentence } from "./enrol.js";
import { act, readSession } from "./session.js";
import { alert, amount, button, choice, facts, h, notice, repaint, show } from "./view.js";
import { exactly, phrase, t } from "./words.js";

const CONFIRMATIONS = "auth.v1.ConfirmationService/";
const MONTHS = [3, 6, 12];
const PAYMENTS_A_DAY = 3n;
let session, offer, said;
let [most, months] = ["1", "6"];

/** Asks for the limits at a shop, `merchants/{m}`; the server says what is small there, in which currency. */
export async function start(merchant) {
  session = await readSession(merchant).catch((problem) => {
    // An address that somebody has written wrongly.
    if (problem.reason === "FIELD_INVALID") problem.reason = "RESOURCE_NOT_FOUND";
    throw problem;
  });
  [offer, said] = [session.mandateOffer, ""];
  show(limits);
}

function limits() {
  const { merchantDisplayName: payee, paymentMaxChoices } = offer;
  const amounts = paymentMaxChoices.map((value, index) => ({ id: String(index), label: amount(value) }));
  const ends = MONTHS.map((count) => ({ id: String(count), label: t("months", { count }) }));
  const pick = (set) => (id) => { set(id); repaint(); };
  return {
    state: "mandate",
    head: h("div", { class: "badge payee", "aria-hidden": "true" }, [...payee][0]),
    title: t("mandate"),
    content: [
      h("p", { class: "about" }, payee),
      said && alert(phrase(said)),
      choice(t("most"), amounts, most, pick((id) => (most = id)), "most"),
      choice(t("ends"), ends, months, pick((id) => (months = id)), "months"),
    ],
    actions: [button(t("next"), ask, { kind: "primary" }), goBack(session, "quiet")],
  };
}

/** Starts the confirmation first: the server names the shop, the zone of its day and what is paid from. */
async function ask() {
  const end = new Date();
  end.setMonth(end.getMonth() + Number(months));
  const paymentMax = offer.paymentMaxChoices[most];
  const dayMax = { ...paymentMax, amountMinor: String(BigInt(paymentMax.amountMinor) * PAYMENTS_A_DAY) };
  const mandate = {
    payer: session.payer, paymentMax, dayMax, expireTime: `${end.toISOString().slice(0, 19)}Z`,
  };
  try {
    const { confirmation } = await act(`${CONFIRMATIONS}StartMandate`, { parent: offer.merchant, mandate });
    const { payeeName, mandateId, dayZone, instrumentId, instrumentDisplay } = confirmation.mandate;
    agree(confirmation, { ...mandate, payeeName, mandateId, dayZone, instrumentId, instrumentDisplay });
  } catch (problem) {
    explain(problem);
  }
}

/** Shows every limit; the terms that are signed are made of what is shown here, not of what the server sent. */
function agree(confirmation, shown) {
  const { payeeName: payee, paymentMax, dayMax, expireTime, dayZone, instrumentDisplay, instrumentId } = shown;
  const terms = {
    type: "keelpay.mandate.v1", mandateId: shown.mandateId, payerId: session.payer, payeeId: offer.merchant,
    payeeName: payee, currency: paymentMax.currencyCode, paymentMaxMinor: paymentMax.amountMinor, dayMaxMinor: dayMax.amountMinor,
    totalMaxMinor: "0", dayZone, instrumentId, instrumentDisplay, rpId: session.rpId,
    validUntil: String(Date.parse(expireTime) / 1000),
  };
  const work = async (tell) => {
    try {
      const proof = await confirm(() => confirmation, () => terms, { onReady: () => tell("finger") });
      await act(`${CONFIRMATIONS}FinishMandate`, { parent: offer.merchant, ...proof });
      show(() => notice({
        state: "agreed", tone: "good", picture: "check", title: t("agreed"), text: t("agreed_", { payee }),
        actions: [goBack(session)],
      }));
    } catch (problem) {
      explain(problem);
    }
  };
  history.pushState(null, ""); // the back button leads to the limits
  show(() => notice({
    state: "agree", picture: "shop", title: t("agree", { payee, amount: paymentMax }), text: t("mandate_"),
    content: [facts([
      [t("payee"), payee],
      [t("most"), amount(paymentMax)],
      [t("dayMax"), [amount(dayMax), ` (${dayZone})`]],
      [t("endTime"), exactly(new Date(expireTime))],
      [t("from"), instrumentId === "balance" ? t("balance") : instrumentDisplay],
    ])],
    actions: [
      button(t("confirm"), work, { kind: "primary", picture: "finger" }),
      button(t("back"), () => history.back()),
    ],
  }));
}

function explain(problem) {
  if (problem.code === "unauthenticated") throw problem;
  said = problem.sentence ?? sentence(problem);
  show(limits);
}

/**
 * "Pay up to CNY 50 without asking, at this shop, until ...". In: a session of kind MANAGE, a shop. Out: a mandate.
 * Invariant: every limit that is signed is on the screen when it is signed.
 */
import { confirm } from "./confirm.js";
import { sentence } from "./enrol.js";
import { exponent, money } from "./money.js";
import { act } from "./session.js";
import { alert, button, choice, facts, notice, repaint, show } from "./view.js";
import { exactly, locale, phrase, t } from "./words.js";

const CONFIRMATIONS = "auth.v1.ConfirmationService/";
const MAJOR = [20, 50, 100, 200];
const MONTHS = [3, 6, 12];
const PAYMENTS_A_DAY = 3;
let session, shop, currencyCode, most, months, said;

/** Asks for the limits at a shop, `merchants/{m}`. */
export function start(opened, merchant, currency) {
  [session, shop, currencyCode, most, months, said] = [opened, merchant, currency, "50", "6", ""];
  show(limits);
}

const amountOf = (major) => ({
  currencyCode, amountMinor: major + "0".repeat(Math.max(2, exponent(currencyCode))),
});

function limits() {
  const amounts = MAJOR.map((major) => ({ id: String(major), label: money(amountOf(major), locale()) }));
  const ends = MONTHS.map((count) => ({ id: String(count), label: t("months", { count }) }));
  const pick = (set) => (id) => { set(id); repaint(); };
  return {
    state: "mandate",
    title: t("mandate"),
    content: [
      said && alert(phrase(said)),
      choice(t("most"), amounts, most, pick((id) => (most = id)), "most"),
      choice(t("ends"), ends, months, pick((id) => (months = id)), "months"),
    ],
    actions: [button(t("next"), ask, { kind: "primary" })],
  };
}

/** Starts the confirmation first: the server names the shop, the zone of its day and what is paid from. */
async function ask() {
  const end = new Date();
  end.setMonth(end.getMonth() + Number(months));
  const mandate = {
    payer: session.payer, paymentMax: amountOf(most), dayMax: amountOf(most * PAYMENTS_A_DAY),
    expireTime: `${end.toISOString().slice(0, 19)}Z`,
  };
  try {
    const { confirmation } = await act(`${CONFIRMATIONS}StartMandate`, { parent: shop, mandate });
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
    type: "keelpay.mandate.v1", mandateId: shown.mandateId, payerId: session.payer, payeeId: shop, payeeName: payee,
    currency: currencyCode, paymentMaxMinor: paymentMax.amountMinor, dayMaxMinor: dayMax.amountMinor,
    totalMaxMinor: "0", dayZone, instrumentId, instrumentDisplay, rpId: session.rpId,
    validUntil: String(Date.parse(expireTime) / 1000),
  };
  const work = async (tell) => {
    try {
      const proof = await confirm(() => confirmation, terms, { onReady: () => tell(t("finger")) });
      await act(`${CONFIRMATIONS}FinishMandate`, { parent: shop, ...proof });
      show(() => notice({
        state: "agreed", tone: "good", picture: "check", title: t("agreed"), text: t("agreed_", { payee }),
      }));
    } catch (problem) {
      explain(problem);
    }
  };
  show(() => notice({
    state: "agree", picture: "shop", title: t("agree", { payee, amount: paymentMax }), text: t("mandate_"),
    content: [facts([
      [t("payee"), payee],
      [t("most"), money(paymentMax, locale())],
      [t("dayMax"), `${money(dayMax, locale())} (${dayZone})`],
      [t("endTime"), exactly(new Date(expireTime))],
      [t("from"), instrumentId === "balance" ? t("balance") : instrumentDisplay],
    ])],
    actions: [
      button(t("confirm"), work, { kind: "primary", picture: "finger" }),
      button(t("back"), () => show(limits)),
    ],
  }));
}

function explain(problem) {
  if (problem.code === "unauthenticated") throw problem;
  said = problem.sentence ?? sentence(problem);
  show(limits);
}

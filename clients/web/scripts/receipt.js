/** The receipt of a payment. In: the payment's name. Out: a screen with an address of its own, and back from it. */
import { ask } from "./session.js";
import { amount as small, button, facts, leave, show, sum } from "./view.js";
import { exactly, phrase, t } from "./words.js";

/** What a receipt is called that is not of money taken. */
const TITLES = { STATE_AUTHORIZED: "reserved", STATE_CANCELLED: "cancelled", STATE_EXPIRED: "late" };

/** Shows it; `push` gives it an address, so that the back button leads to where the person was. */
export async function showReceipt(payment, { push = false } = {}) {
  const { receipt } = await ask("gateway.v1.CheckoutService/GetReceipt", { payment });
  if (push) history.pushState({ payment }, "", "/receipt");
  else history.replaceState({ payment }, "", "/receipt");
  show(() => draw(receipt));
}

/** The big sum is what was taken, of what was reserved; or what is reserved. */
function draw({ merchantDisplayName: payee, amount, captured, refunded, refundPending, sourceDisplay, state, ...rest }) {
  const some = (value) => Number(value?.amountMinor ?? 0) && small(value);
  const taken = state === "STATE_AUTHORIZED" ? amount : captured;
  return {
    state: "receipt",
    title: t(TITLES[state] ?? "receipt"),
    content: [
      sum(taken),
      facts([
        [t("payee"), payee],
        [t("held"), taken.amountMinor !== amount.amountMinor && small(amount)],
        [t("what"), rest.description],
        [t("from"), sourceDisplay === "Balance" ? t("balance") : phrase(sourceDisplay ?? "")],
        [t("when"), rest.payTime && exactly(new Date(rest.payTime))],
        [t("number"), rest.merchantNumber],
        [t("reference"), rest.railReference],
        [t("refunded"), some(refunded)],
        [t("pending"), some(refundPending)],
      ]),
    ],
    actions: [
      rest.returnUrl ? leave(t("backTo", { payee }), rest.returnUrl, "primary") : null,
      button(t("print"), () => print(), { kind: rest.returnUrl ? "quiet" : "primary" }),
      button(t("back"), () => history.back()),
    ],
  };
}

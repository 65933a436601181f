/** The receipt of a payment. In: the payment's name. Out: a screen with an address of its own, and back from it. */
import { money } from "./money.js";
import { ask } from "./session.js";
import { button, facts, h, leave, show } from "./view.js";
import { exactly, locale, t } from "./words.js";

/** Shows it; `push` gives it an address, so that the back button leads to where the person was. */
export async function showReceipt(payment, { push = false } = {}) {
  const { receipt } = await ask("gateway.v1.CheckoutService/GetReceipt", { payment });
  if (push) history.pushState({ payment }, "", "/receipt");
  else history.replaceState({ payment }, "", "/receipt");
  show(() => draw(receipt));
}

function draw({ merchantDisplayName: payee, amount, refunded, refundPending, sourceDisplay, ...rest }) {
  const sum = (value) => (Number(value?.amountMinor ?? 0) ? money(value, locale()) : "");
  return {
    state: "receipt",
    title: t("receipt"),
    content: [
      h("p", { class: "amount" }, money(amount, locale())),
      facts([
        [t("payee"), payee],
        [t("what"), rest.description],
        [t("from"), sourceDisplay === "Balance" ? t("balance") : sourceDisplay],
        [t("when"), rest.payTime && exactly(new Date(rest.payTime))],
        [t("number"), rest.merchantNumber],
        [t("reference"), rest.railReference],
        [t("refunded"), sum(refunded)],
        [t("pending"), sum(refundPending)],
      ]),
    ],
    actions: [
      rest.returnUrl ? leave(t("backTo", { payee }), rest.returnUrl, "primary") : null,
      button(t("print"), () => print(), { kind: rest.returnUrl ? "quiet" : "primary" }),
      button(t("back"), () => history.back()),
    ],
  };
}

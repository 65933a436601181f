/**
 * Secure Payment Confirmation: the browser itself shows shop and amount. In: the server's request, what is on our
 * screen. Out: a credential as JSON. Invariant: the browser is asked to show exactly what the screen shows; whatever
 * goes wrong here, the caller starts anew without it.
 */
import { decode } from "./challenge.js";
import { decimal } from "./money.js";
import { language } from "./words.js";

/** Whether this browser has it, and a device to do it with. */
export async function available() {
  try {
    return (await PaymentRequest.securePaymentConfirmationAvailability()) === "available";
  } catch {
    return false;
  }
}

/** Signs; `terms` is what is on the screen. */
export async function signPayment({ total, ...request }, terms) {
  const same = total.currency === terms.currency && total.value === decimal(terms.amountMinor, terms.currency)
    && request.payeeName === terms.payeeName && request.instrument.displayName === terms.instrumentDisplay
    && !request.payeeOrigin && !request.instrument.details; // what the page does not say, the browser shall not
  if (!same) throw new TypeError("the browser is to show something else than the page");
  const data = {
    ...request,
    challenge: decode(request.challenge),
    credentialIds: request.credentialIds.map(decode),
    locale: [language()],
    showOptOut: true,
  };
  const method = { supportedMethods: "secure-payment-confirmation", data };
  const payment = new PaymentRequest([method], { total: { label: terms.payeeName, amount: total } });
  const response = await payment.show();
  await response.complete("success");
  return JSON.stringify(response.details.toJSON());
}

/**
 * The ceremony of every act that a person signs. In: how to start it, what is on the screen. Out: the confirmation's
 * name and the signature. Invariant: the challenge is computed from the screen; any other is refused, and the server told.
 */
import { encode, decode, challenge } from "./challenge.js";
import { NotVerified, sign } from "./passkey.js";
import { act } from "./session.js";
import { available, signPayment } from "./spc.js";

const SERVICE = "auth.v1.ConfirmationService/";
const KINDS = ["payment", "mandate", "passkeyAdd", "recoveryVeto", "passkeyResume"];

/** What the server wants signed is not what the screen shows. `sentence` tells the person. */
export class TermsDiffer extends Error {
  sentence = "differs";
}

/** Starts the confirmation of an act: {payment} | {registration} | {recoveryVeto} | {passkeyResume}. */
export const starting = (parent, what) => async (method) =>
  (await act(`${SERVICE}StartConfirmation`, { parent, method: `CONFIRMATION_METHOD_${method}`, ...what })).confirmation;

/**
 * Lets the person sign.
 *
 * @param start Returns the confirmation to sign, made with method SPC or WEBAUTHN.
 * @param shown Returns the members of the terms as they are on the screen at that moment, and the relying party.
 * @param spc Secure Payment Confirmation may be tried.
 * @returns {confirmation, assertionJson}, ready for the call that spends it.
 */
export async function confirm(start, shown, { spc = false, onReady = () => {} } = {}) {
  if (spc && (await available())) {
    try {
      return await signed(await start("SPC"), { ...shown(), method: "spc" }, signPayment, "SPC_UNAVAILABLE", onReady);
    } catch (error) {
      if (error instanceof TermsDiffer || error.reason) throw error;
    }
  }
  const confirmation = await start("WEBAUTHN");
  const terms = shown();
  if (terms.paymentId) terms.method = "webauthn";
  return signed(confirmation, terms, sign, "VERIFICATION_FAILED", onReady);
}

async function signed(confirmation, shown, ceremony, failure, onReady) {
  const options = JSON.parse(confirmation.optionsJson);
  const offered = KINDS.map((kind) => confirmation[kind]).find(Boolean) ?? {};
  const terms = { ...shown, nonce: offered.nonce, expiresAt: offered.expiresAt };
  const expected = await challenge(terms).catch(() => "");
  const same = options.challenge === expected && encode(decode(confirmation.challenge)) === expected
    && options.rpId === shown.rpId && ours(shown.rpId);
  if (!same) {
    await reject(confirmation, "TERMS_DIFFER");
    throw new TermsDiffer();
  }
  onReady();
  try {
    return { confirmation: confirmation.name, assertionJson: await ceremony(options, terms) };
  } catch (error) {
    await reject(confirmation, failure);
    throw error instanceof NotVerified ? error : new NotVerified();
  }
}

/** A passkey of another site's is nothing that this page may ask for. */
const ours = (rpId) => location.hostname === rpId || location.hostname.endsWith(`.${rpId}`);

/** Tells the server that it will not be signed. Nobody waits for this to succeed: an unsigned one expires. */
async function reject({ name }, why) {
  await act(`${SERVICE}RejectConfirmation`, { name, rejection: `REJECTION_${why}` }).catch(() => {});
}

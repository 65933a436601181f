/**
 * The browser's passkeys. In: options as the server wrote them. Out: a credential as JSON, or NotVerified.
 * Invariant: nothing is asked of a passkey here but what the caller has checked.
 */

/** No finger, no face: the person said no, waited too long, or has no such passkey here. `sentence` tells them. */
export class NotVerified extends Error {
  constructor(sentence = "unverified") {
    super(sentence);
    this.sentence = sentence;
  }
}

/** Signs a challenge; never without the finger, whatever is asked for. */
export async function sign(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, userVerification: "required" });
  return verified(() => navigator.credentials.get({ publicKey }), "unverified");
}

/** Makes a passkey. Throws InvalidStateError where the device has one of this person already. */
export async function make(optionsJson) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(optionsJson));
  return verified(() => navigator.credentials.create({ publicKey }), "notMade");
}

/** Whether the device itself has a finger or face sensor, or a PIN. */
export const builtIn = () => PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();

async function verified(ceremony, sentence) {
  try {
    return JSON.stringify((await ceremony()).toJSON());
  } catch (error) {
    throw error.name === "InvalidStateError" ? error : new NotVerified(sentence);
  }
}

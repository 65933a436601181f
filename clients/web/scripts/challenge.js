/**
 * The challenge that may be signed, computed anew from what is on the screen.
 * In: the members of the terms, all text. Out: 32 bytes as base64url. Invariant: RFC 8785 (JCS), as in every client.
 */

/** Bytes as base64url without padding. */
export function encode(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** base64url or base64, padded or not, as bytes. */
export function decode(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** The terms in canonical form. Throws for what no two languages would hash alike. */
export function canonical(terms) {
  const names = Object.keys(terms).sort();
  for (const name of names) {
    if (typeof terms[name] !== "string" || !terms[name].isWellFormed()) throw new TypeError(`${name} is no text`);
  }
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, terms[name]])));
}

/** What a passkey signs for these terms. */
export async function challenge(terms) {
  return encode(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(terms))));
}

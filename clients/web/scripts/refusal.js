/**
 * What the server's refusals say. In: Connect's error as JSON. Out: code, reason, a sentence for people, when to retry.
 * Its details are google.rpc messages in protobuf, of which three fields are read.
 */
import { decode } from "./challenge.js";

/** Reads an error. */
export function read({ code, details = [] }) {
  const found = { code, reason: code === "unavailable" ? "UNREACHABLE" : String(code).toUpperCase() };
  for (const { type, value } of details) {
    const message = fields(decode(value));
    if (type.endsWith("ErrorInfo")) found.reason = text(message[1]);
    if (type.endsWith("LocalizedMessage")) found.message = text(message[2]);
    if (type.endsWith("RetryInfo")) {
      const delay = fields(message[1]);
      found.retryMs = Math.ceil((delay[1] ?? 0) * 1000 + (delay[2] ?? 0) / 1e6);
    }
  }
  return found;
}

const text = (bytes) => new TextDecoder().decode(bytes);

/** The fields of a protobuf message: numbers and byte strings (wire types 0 and 2), the last of each. */
function fields(bytes) {
  const found = {};
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const value = varint();
    found[key >> 3] = key & 7 ? bytes.subarray(at, (at += value)) : value;
  }
  return found;
}

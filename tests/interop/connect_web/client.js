/**
 * @connectrpc/connect-web as a page of another site would use it, for tests. In: the test service's descriptors, an
 * address, a transport. Out: what the library says came back, as plain JSON.
 */
import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { DurationSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";

const TRANSPORTS = {
  "connect json": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: false }),
  "connect binary": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "grpc-web": (baseUrl) => createGrpcWebTransport({ baseUrl }),
};

/** Makes a client of the service in a base64 FileDescriptorSet. */
function clientOf(descriptors, service, baseUrl, transport) {
  const bytes = Uint8Array.from(atob(descriptors), (letter) => letter.charCodeAt(0));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  return { client: createClient(registry.getService(service), TRANSPORTS[transport](baseUrl)), registry };
}

/** Calls once. Returns {texts, headers, trailers} or {texts, code, message, reason, retryMs}. */
globalThis.callOnce = async ({ descriptors, service, baseUrl, transport, method, request, token, cancelMs, timeoutMs }) => {
  const { client, registry } = clientOf(descriptors, service, baseUrl, transport);
  const texts = [];
  const told = { texts, headers: {}, trailers: {} };
  const leaving = new AbortController();
  const options = {
    headers: { authorization: `Bearer ${token}` },
    signal: leaving.signal,
    onHeader: (headers) => Object.assign(told.headers, Object.fromEntries(headers)),
    onTrailer: (trailers) => Object.assign(told.trailers, Object.fromEntries(trailers)),
    ...(timeoutMs ? { timeoutMs } : {}),
  };
  if (cancelMs) setTimeout(() => leaving.abort(), cancelMs);
  try {
    if (method === "watch") for await (const answer of client[method](request, options)) texts.push(answer.text);
    else texts.push((await client[method](request, options)).text);
    return told;
  } catch (error) {
    const { code, rawMessage, metadata } = ConnectError.from(error);
    const found = ConnectError.from(error);
    const info = found.findDetails(registry.getMessage("google.rpc.ErrorInfo"))[0];
    const retry = found.findDetails(registry.getMessage("google.rpc.RetryInfo"))[0];
    const delay = retry?.retryDelay ? toJson(DurationSchema, retry.retryDelay) : "";
    return { texts, code, message: rawMessage, reason: info?.reason ?? "", delay, trailers: Object.fromEntries(metadata) };
  }
};

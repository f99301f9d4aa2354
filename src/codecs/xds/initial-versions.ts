/**
 * What a client says that it has from an earlier stream: field 5 of a DeltaDiscoveryRequest, initial_resource_versions, each an entry of a
 * map: name 1, version 2. Source: envoy/service/discovery/v3/discovery.proto.
 *
 * It is thousands of names and versions, and when a server comes back all clients say it at once: so it is read by hand.
 */

/** The tags of fields with a length: number * 8 + 2. */
const INITIAL_VERSION = 42;
const KEY = 10;
const VALUE = 18;

/** Versions by name, and the bytes of the rest of the request. */
export interface TakenVersions {
  readonly initialVersions: Readonly<Record<string, string>>;
  readonly rest: Uint8Array;
}

/** Takes them out of a request's bytes. Undefined where there are none, or anything but what such a request is commonly made of. */
export function takeInitialVersions(bytes: Uint8Array): TakenVersions | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const initialVersions: Record<string, string> = Object.create(null);
  const rest: Uint8Array[] = [];
  let at = 0;
  let isRead = true;
  const varint = (): number => {
    for (let value = 0, factor = 1; factor < 2 ** 35; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    isRead = false;
    return 0;
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const length = varint();
    const end = at + length;
    if (!isRead || tag % 8 !== 2 || end > bytes.length) return undefined;
    if (tag !== INITIAL_VERSION) {
      rest.push(bytes.subarray(start, end));
      at = end;
      continue;
    }
    let [name, version] = ["", ""];
    while (at < end) {
      const part = varint();
      const size = varint();
      const from = at;
      const to = from + size;
      if (!isRead || to > end || (part !== KEY && part !== VALUE)) return undefined;
      const text = buffer.utf8Slice(from, to);
      if (part === KEY) name = text;
      else version = text;
      at = to;
    }
    if (at !== end) return undefined;
    initialVersions[name] = version;
  }
  const others = Buffer.concat(rest);
  return others.length < bytes.length ? { initialVersions, rest: others } : undefined;
}

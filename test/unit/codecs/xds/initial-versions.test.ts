import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { DeltaRequest } from "../../../../src/codecs/xds/discovery.ts";
import { decodeRequest, encodeRequest } from "../../../../src/codecs/xds/discovery-bytes.ts";
import { compareVersions, takeInitialVersions, versionsByName } from "../../../../src/codecs/xds/initial-versions.ts";
import { CLUSTER_TYPE } from "../../../../src/codecs/xds/resources.ts";

const initialVersions = Object.fromEntries(
  Array.from({ length: 200 }, (_, i) => [`outbound|20880||com.acme.é${i}`, i % 7 === 0 ? "" : `version-${i}`]),
);
const node = { id: "n", cluster: "c", metadata: { a: 1 }, userAgentName: "x", userAgentVersion: "1" };
const request = {
  ...({ variant: "delta", typeUrl: CLUSTER_TYPE, nonce: "7", node } as const),
  ...{ subscribe: ["*", "more"], unsubscribe: ["less"], initialVersions },
};
const bytes = encodeRequest(request);

function read(text: Uint8Array): typeof request {
  const decoded = decodeRequest("delta", text) as DeltaRequest;
  return { ...decoded, initialVersions: { ...versionsByName(decoded.initialVersions) } } as typeof request;
}

test("versions are taken out, and the rest is the request without them", () => {
  const taken = takeInitialVersions(bytes);
  expect({ ...versionsByName(taken!.initialVersions) }).toEqual(initialVersions);
  expect(Buffer.from(taken!.rest).equals(Buffer.from(encodeRequest({ ...request, initialVersions: {} })))).toBe(true);
});

test("a request with many is read as one with few is", () => {
  expect(bytes.length).toBeGreaterThan(4_096);
  expect(read(bytes)).toEqual(request);
  const error = { code: 3, message: "x".repeat(5_000) };
  expect(read(encodeRequest({ ...request, error }))).toEqual({ ...request, error });
});

test("names that objects have anyway are names", () => {
  const odd = Object.fromEntries([["__proto__", "1"] as const, ["constructor", "2"] as const]);
  const taken = takeInitialVersions(encodeRequest({ ...request, initialVersions: odd }))!;
  expect(Object.entries(versionsByName(taken.initialVersions)).sort()).toEqual(Object.entries(odd).sort());
});

test("what is cut off anywhere is refused, or read without what is cut off", () => {
  for (let length = 4_097; length < bytes.length; length += 13) {
    try {
      expect(Object.keys(read(bytes.subarray(0, length)).initialVersions).length).toBeLessThan(200);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});

test.each([
  ["none of them", encodeRequest({ ...request, initialVersions: {} })],
  ["a field without a length", Buffer.concat([bytes, Buffer.from([0x18, 1])])],
  ["an entry with a field more", Buffer.concat([bytes, Buffer.from([0x2a, 3, 0x1a, 1, 65])])],
  ["an entry that is longer than the message", Buffer.concat([bytes, Buffer.from([0x2a, 5, 0x0a])])],
  ["a name that is longer than its entry", Buffer.concat([bytes, Buffer.from([0x2a, 2, 0x0a, 9])])],
  ["a length without an end", Buffer.concat([bytes, Buffer.from([0x2a, 255, 255, 255, 255, 255, 255])])],
])("%s: left to the general way", (_, text) => {
  expect(takeInitialVersions(text)).toBeUndefined();
});

describe("what a client has is compared with a list", () => {
  const list = ["a", "b", "c", "é"].map((name) => ({ name, version: "0123456789abcdef", resource: {} }));
  const entry = (name: string, version: string, isTurned = false): Buffer => {
    const field = (tag: number, text: string) =>
      Buffer.concat([Buffer.from([tag, Buffer.byteLength(text)]), Buffer.from(text)]);
    const fields = [field(0x0a, name), field(0x12, version)];
    const value = Buffer.concat(isTurned ? fields.reverse() : fields);
    return Buffer.concat([Buffer.from([0x2a, value.length]), value]);
  };
  const taken = (...entries: readonly Buffer[]) => takeInitialVersions(Buffer.concat(entries))!.initialVersions;
  const same = "0123456789abcdef";

  test.each([
    ["by bytes, in any order", taken(entry("é", same), entry("b", "other"), entry("a", same), entry("gone", "1"))],
    [
      "with the version first",
      taken(entry("é", same, true), entry("b", "other", true), entry("a", same), entry("gone", "1")),
    ],
    ["by text", { é: same, b: "other", a: same, gone: "1" }],
  ])("%s", (_, initial) => {
    const { held, others } = compareVersions(initial, list);
    expect([...held]).toEqual([1, 0, 0, 1]);
    expect(others).toEqual([
      ["b", "other"],
      ["gone", "1"],
    ]);
  });

  test("of one name the last entry counts, as in every map", () => {
    expect([...compareVersions(taken(entry("a", same), entry("a", "2")), list).held]).toEqual([0, 0, 0, 0]);
    expect([...compareVersions(taken(entry("a", "2"), entry("a", same)), list).held]).toEqual([1, 0, 0, 0]);
  });

  test("a list takes another's place, and many lists are compared", () => {
    for (let i = 0; i < 200; i++) {
      const next = [{ name: "a", version: `${i}`, resource: {} }];
      expect([...compareVersions(taken(entry("a", `${i}`), entry("b", same)), next).held]).toEqual([1]);
      expect([...compareVersions(taken(entry("a", `${i + 1}`)), next).held]).toEqual([0]);
    }
    expect([...compareVersions(taken(entry("c", same)), list).held]).toEqual([0, 0, 1, 0]);
    expect([...compareVersions(taken(entry("c", same)), []).held]).toEqual([]);
  });
});

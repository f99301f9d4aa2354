import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodeRequest, encodeRequest } from "../../../../src/codecs/xds/discovery-bytes.ts";
import { takeInitialVersions } from "../../../../src/codecs/xds/initial-versions.ts";
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

test("versions are taken out, and the rest is the request without them", () => {
  const taken = takeInitialVersions(bytes);
  expect({ ...taken?.initialVersions }).toEqual(initialVersions);
  expect(Buffer.from(taken!.rest).equals(Buffer.from(encodeRequest({ ...request, initialVersions: {} })))).toBe(true);
});

test("a request with many is read as one with few is", () => {
  expect(bytes.length).toBeGreaterThan(4_096);
  expect(decodeRequest("delta", bytes)).toEqual(request);
  const error = { code: 3, message: "x".repeat(5_000) };
  expect(decodeRequest("delta", encodeRequest({ ...request, error }))).toEqual({ ...request, error });
});

test("names that objects have anyway are names", () => {
  const odd = Object.fromEntries([["__proto__", "1"] as const, ["constructor", "2"] as const]);
  const read = takeInitialVersions(encodeRequest({ ...request, initialVersions: odd }))!.initialVersions;
  expect(Object.entries(read).sort()).toEqual(Object.entries(odd).sort());
});

test("what is cut off anywhere is refused, or read without what is cut off", () => {
  for (let length = 4_097; length < bytes.length; length += 13) {
    try {
      const read = decodeRequest("delta", bytes.subarray(0, length));
      expect(Object.keys((read as typeof request).initialVersions).length).toBeLessThan(200);
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

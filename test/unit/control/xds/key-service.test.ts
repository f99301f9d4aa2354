import { expect, test } from "vitest";
import { decodeKeysResponse, encodeKeysRequest, keyService } from "../../../../src/control/xds/key-service.ts";
import type { KeysFound } from "../../../../src/model/keys-found.ts";

/** Calls the service as gRPC does. */
function call(request: Uint8Array, hurry: (issuer: string) => Promise<KeysFound>) {
  const fetch = keyService(hurry).implementation["Fetch"] as unknown as (
    call: { readonly request: Uint8Array },
    answer: (error: { readonly code: number } | null, bytes?: Buffer) => void,
  ) => void;
  return new Promise<KeysFound | number>((resolve) => {
    fetch({ request }, (error, bytes) => resolve(error === null ? decodeKeysResponse(bytes!) : error.code));
  });
}

test.each(["changed", "same", "failed"] as const)(
  "an issuer is asked for its keys, with what comes of it: %s",
  async (found) => {
    const asked: string[] = [];
    const answer = call(encodeKeysRequest("https://i"), async (issuer) => {
      asked.push(issuer);
      return found;
    });
    expect(await answer).toBe(found);
    expect(asked).toEqual(["https://i"]);
  },
);

test("what cannot be read, and what fails, has a status without the text of either", async () => {
  expect(await call(Buffer.from([0xff]), async () => "same")).toBe(3);
  expect(await call(encodeKeysRequest("i"), () => Promise.reject(new Error("secret")))).toBe(13);
});

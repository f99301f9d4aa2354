import type { Client } from "@grpc/grpc-js";
import { decodeKeysResponse, encodeKeysRequest, FETCH_KEYS } from "../../../control/xds/key-service.ts";
import type { KeysFound } from "../../../model/keys-found.ts";

/** Longest that control may take, ms: an issuer has 5 s unless a rule says another. */
const ANSWER_MS = 10_000;

/** Has control ask an issuer for its keys; resolves to what came of it, `failed` where control can't be asked. */
export function askKeys(client: Client, issuer: string): Promise<KeysFound> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      FETCH_KEYS,
      (text: string) => encodeKeysRequest(text),
      decodeKeysResponse,
      issuer,
      { deadline: Date.now() + ANSWER_MS },
      (error, found) => resolve(error === null ? (found ?? "failed") : "failed"),
    );
  });
}

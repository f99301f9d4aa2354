import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { CODES, ProtocolError } from "../../base/errors.ts";
import { decodeMessage, encodeMessage } from "../../codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../codecs/xds/types.ts";
import type { KeysFound } from "../../model/keys-found.ts";
import type { GrpcService } from "./server.ts";

/** Path of the service's only method. */
export const FETCH_KEYS = "/io.trestle.KeyService/Fetch";

const REQUEST = "io.trestle.KeysRequest";
const RESPONSE = "io.trestle.KeysResponse";

/** Encodes what a proxy asks for. */
export function encodeKeysRequest(issuer: string): Buffer {
  return Buffer.from(encodeMessage(xdsMessage(REQUEST), { issuer }));
}

/** Reads the answer. Throws a `ProtocolError`. */
export function decodeKeysResponse(bytes: Uint8Array): KeysFound {
  const { found } = decodeMessage(xdsMessage(RESPONSE), bytes);
  return found === "CHANGED" ? "changed" : found === "SAME" ? "same" : "failed";
}

/** The service by which proxies elsewhere have the keys of an issuer asked for; `hurry` says how often that may be. */
export function keyService(hurry: (issuer: string) => Promise<KeysFound>): GrpcService {
  const answerOf = async (bytes: Uint8Array): Promise<Buffer> => {
    const { issuer } = decodeMessage(xdsMessage(REQUEST), bytes);
    const found = await hurry(typeof issuer === "string" ? issuer : "");
    return Buffer.from(encodeMessage(xdsMessage(RESPONSE), { found: found.toUpperCase() }));
  };
  const fetch = ({ request }: ServerUnaryCall<Uint8Array, Buffer>, answer: sendUnaryData<Buffer>) => {
    answerOf(request).then(
      (bytes) => answer(null, bytes),
      (error) => {
        const isTheirs = error instanceof ProtocolError;
        const code = CODES.indexOf(isTheirs ? "invalid_argument" : "internal");
        answer({ code, details: isTheirs ? "the request can't be read" : "internal error" });
      },
    );
  };
  return {
    definition: {
      Fetch: {
        path: FETCH_KEYS,
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        // Read by the handler: an error thrown here would tell the caller the text of the request.
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    implementation: { Fetch: fetch },
  };
}

/**
 * What a rate limit service is asked and answers, as protobuf bytes of `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`.
 *
 *   RateLimitRequest     domain 1, descriptors 2, hits_addend 3 (left out: one)
 *   RateLimitDescriptor  entries 1 (key 1, value 2)
 *   RateLimitResponse    overall_code 1 (UNKNOWN 0, OK 1, OVER_LIMIT 2), response_headers_to_add 3, request_headers_to_add 4
 *                        (HeaderValue: key 1, value 2, raw_value 3), raw_body 5
 *
 * Written by hand, since it is done for each call. Source: envoy/service/ratelimit/v3/rls.proto, envoy/extensions/common/ratelimit/v3.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ProtocolError } from "../../base/errors.ts";
import { encodeFields } from "../triple/protobuf.ts";
import type { AnsweredHeader } from "./ext-authz.ts";

/** Path of the method that is called. */
export const SHOULD_LIMIT_PATH = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

const OVER_LIMIT = 2;

/** A question about one call: one descriptor of these entries. */
export function encodeLimitQuestion(
  domain: string,
  entries: readonly (readonly [key: string, value: string])[],
): Buffer {
  const descriptor = entries.map(([key, value]) => {
    return [
      1,
      encodeFields([
        [1, key],
        [2, value],
      ]),
    ] as const;
  });
  return encodeFields([
    [1, domain],
    [2, encodeFields(descriptor)],
  ]);
}

/** What a service says of a call. */
export interface LimitAnswer {
  readonly isOver: boolean;
  /** To be added to the call, and to its answer. */
  readonly headers: readonly AnsweredHeader[];
  readonly answerHeaders: readonly AnsweredHeader[];
  /** What a call over its limit is answered. */
  readonly body: string;
}

const NO_HEADERS: readonly AnsweredHeader[] = [];
/** Headers of one answer. */
const MAX_HEADERS = 100;

/** Reads an answer. Throws `ProtocolError` for what is none. */
export function decodeLimitAnswer(bytes: Uint8Array): LimitAnswer {
  let code = 0;
  let body = "";
  let headers = NO_HEADERS;
  let answerHeaders = NO_HEADERS;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (field === 1) code = reader.int32();
      else if (field === 3 && answerHeaders.length < MAX_HEADERS)
        answerHeaders = [...answerHeaders, readHeader(reader.bytes())];
      else if (field === 4 && headers.length < MAX_HEADERS) headers = [...headers, readHeader(reader.bytes())];
      else if (field === 5) body = Buffer.from(reader.bytes()).toString("utf8");
      else reader.skip(wire, field);
    }
  } catch (error) {
    throw new ProtocolError("xds", `no RateLimitResponse: ${(error as Error).message.slice(0, 200)}`, 0);
  }
  return {
    isOver: code === OVER_LIMIT,
    headers,
    answerHeaders,
    body,
  };
}

/** Envoy adds these to what is there. */
function readHeader(bytes: Uint8Array): AnsweredHeader {
  const reader = new BinaryReader(bytes);
  let [name, value] = ["", ""];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) name = reader.string();
    else if (field === 2) value = reader.string();
    else if (field === 3) value = Buffer.from(reader.bytes()).toString("latin1");
    else reader.skip(wire, field);
  }
  return { name, value, append: true };
}

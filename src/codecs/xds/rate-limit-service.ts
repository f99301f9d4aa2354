/**
 * What a rate limit service is asked and answers, as protobuf bytes of `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`.
 *
 *   RateLimitRequest     domain 1, descriptors 2, hits_addend 3 (left out: one)
 *   RateLimitDescriptor  entries 1 (key 1, value 2)
 *   RateLimitResponse    overall_code 1 (UNKNOWN 0, OK 1, OVER_LIMIT 2)
 *
 * Written by hand, since it is done for each call. Source: envoy/service/ratelimit/v3/rls.proto, envoy/extensions/common/ratelimit/v3.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ProtocolError } from "../../base/errors.ts";
import { encodeFields } from "../triple/protobuf.ts";

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

/** Whether the call is over its limit. Throws `ProtocolError` for what is no answer. */
export function decodeLimitAnswer(bytes: Uint8Array): { readonly isOver: boolean } {
  let code = 0;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (field === 1) code = reader.int32();
      else reader.skip(wire, field);
    }
  } catch (error) {
    throw new ProtocolError("xds", `no RateLimitResponse: ${(error as Error).message.slice(0, 200)}`, 0);
  }
  return { isOver: code === OVER_LIMIT };
}

import type { AttachmentTexts } from "./request-view.ts";

/** Names of what is left of a caller's time: Dubbo's own, and as it comes through Triple's lower-case fields. */
const COUNTDOWNS = ["_TO", "_to"] as const;

/**
 * What a call says is left of its caller's time, ms: `_TO`, which 2.7 and later send with `enable-timeout-countdown`, another in each call.
 * Infinity where it says nothing.
 */
export function countdownMs(attachments: AttachmentTexts): number {
  for (const name of COUNTDOWNS) {
    const left = attachments.getNumber(name);
    if (left >= 0) return left;
  }
  return Number.POSITIVE_INFINITY;
}

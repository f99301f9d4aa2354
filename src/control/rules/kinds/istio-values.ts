import { RE2JS } from "re2js";
import { CODES } from "../../../base/errors.ts";
import type { TextMatch } from "../../../model/rules/http-route.ts";
import { type Check, type ObjectShape, quote, type Shape } from "../schema.ts";

/** Envoy's words of `retry_on` that mean something on the answer table of docs/rules.md. */
export const RETRY_WORDS: readonly string[] = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

/** Longest text taken where a rule names or compares something, characters. */
const MAX_TEXT = 4_096;

const wrong = (problem: string) => ({ code: "TR0209", problem }) as const;

const notEmpty: Check<string> = (value) =>
  value === ""
    ? wrong("is empty")
    : value.length > MAX_TEXT
      ? wrong(`is longer than ${MAX_TEXT} characters`)
      : undefined;

/** The hosts of other synchronizers (docs/naming.md): `interface:group:version`, `providers:interface:version:group.zookeeper`. */
const WITH_COLONS = /^[A-Za-z0-9_$-]+(?:(?:\.|:+\.?)[A-Za-z0-9_$-]+)*$/;
const HOST_AND_PORT = /^[^:]*:\d{1,5}$/;

/** A host: DNS name or interface name, also as other synchronizers write it; `*` alone, or in place of the first or the last parts. */
const isHost: Check<string> = (value) => {
  if (value.length > 512) return wrong("is longer than 512 characters");
  const plain = value.startsWith("*.") ? value.slice(2) : value.endsWith(".*") ? value.slice(0, -2) : value;
  if (value === "*" || (WITH_COLONS.test(plain) && !HOST_AND_PORT.test(plain))) return undefined;
  return wrong(
    `is ${quote(value)}; a host is a DNS name, an interface name, or a wildcard such as "*", "*.acme" or "com.acme.*"`,
  );
};

/** A host of a gateway's server: a DNS name, `*` or `*.name`, perhaps behind a namespace and a slash. */
const isGatewayHost: Check<string> = (value) =>
  value.length <= 512 && /^(?:(?:\*|\.|[a-z0-9-]+)\/)?(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)$/.test(value)
    ? undefined
    : wrong(`is ${quote(value)}; a gateway's host is a DNS name, "*" or a wildcard such as "*.example.com"`);

const isToken: Check<string> = (value) =>
  value.length <= 256 && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)
    ? undefined
    : wrong(`is ${quote(value)}, which is no name of HTTP's`);

const isBindAddress: Check<string> = (value) =>
  value.length <= 64 && /^[0-9A-Fa-f.:]+$/.test(value)
    ? undefined
    : wrong(`is ${quote(value)}, which is no IP address`);

const isExactHost: Check<string> = (value) =>
  value.includes("*") ? wrong(`is ${quote(value)}; calls can't be sent to a wildcard`) : isHost(value);

const isRegex: Check<string> = (value) => {
  if (value.length > MAX_TEXT) return wrong(`is longer than ${MAX_TEXT} characters`);
  try {
    RE2JS.compile(value);
    return undefined;
  } catch (error) {
    return {
      code: "TR0211",
      problem: `is no RE2 regular expression: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
};

const isRetryOn: Check<string> = (value) => {
  for (const word of value.split(",").map((part) => part.trim())) {
    if (RETRY_WORDS.includes(word) || (/^\d{3}$/.test(word) && Number(word) >= 100 && Number(word) <= 599)) continue;
    return wrong(`names ${quote(word)}; each part must be a status code or one of ${RETRY_WORDS.join(", ")}`);
  }
  return undefined;
};

const isGrpcStatus: Check<string> = (value) =>
  grpcNumber(value) === undefined
    ? wrong(`is ${quote(value)}, which is no gRPC status such as "UNAVAILABLE"`)
    : undefined;

/** Number of a gRPC status given by name (any case) or number; undefined for none, and for OK, which aborts nothing. */
export function grpcNumber(text: string): number | undefined {
  const index = /^\d{1,2}$/.test(text) ? Number(text) : (CODES as readonly string[]).indexOf(text.toLowerCase());
  return index >= 1 && index < CODES.length ? index : undefined;
}

/** An attachment's name: in practice any text is one. */
const isHeaderName: Check<string> = (value) =>
  value === "" || value.length > 256 || /[\u0000-\u0020\u007f]/.test(value)
    ? wrong("must be 1 to 256 characters without spaces")
    : undefined;

const isBase64: Check<string> = (value) =>
  value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? undefined : wrong("is no base64");

const isTime: Check<string> = (value) =>
  Number.isNaN(Date.parse(value))
    ? wrong(`is ${quote(value)}, which is no time such as "2026-01-31T09:00:00Z"`)
    : undefined;

/** Any text of 1 to 4,096 characters. */
export const text: Shape = { type: "text", check: notEmpty };
/** Any text, the empty one too. */
export const anyText: Shape = { type: "text" };
/** A host that a rule is for: a DNS name or an interface name, also with a wildcard at its start or end. */
export const host: Shape = { type: "text", check: isHost };
/** A host that calls are sent to: no wildcard. */
export const exactHost: Shape = { type: "text", check: isExactHost };
/** A {@link exactHost}, or `*.` before one. */
export const hostOrBelow: Shape = {
  type: "text",
  check: (value) => isExactHost(value.startsWith("*.") ? value.slice(2) : value),
};
/** A host of a gateway: a DNS name, also with a wildcard for its first parts. */
export const gatewayHost: Shape = { type: "text", check: isGatewayHost };
/** A word of HTTP: a method or a header's name, `*` too. */
export const token: Shape = { type: "text", check: isToken };
/** An IP address to listen on. */
export const bindAddress: Shape = { type: "text", check: isBindAddress };
/** `true` or `false` without quotes. */
export const flag: Shape = { type: "boolean" };
/** Whatever stands there, unread and given as null: for fields that belong there and that nobody here uses. */
export const anything: Shape = { type: "anything" };
/** An RE2 regular expression. */
export const regex: Shape = { type: "text", check: isRegex };
/** Bytes in base64, kept as text. */
export const base64: Shape = { type: "text", check: isBase64 };
/** A comma list of {@link RETRY_WORDS} and HTTP status codes from 100 to 599. */
export const retryOn: Shape = { type: "text", check: isRetryOn };
/** A gRPC status by name in any case or by number, other than OK; kept as text, see {@link grpcNumber}. */
export const grpcStatus: Shape = { type: "text", check: isGrpcStatus };
/** A time that `Date.parse` reads, such as RFC 3339's; kept as text. */
export const time: Shape = { type: "text", check: isTime };
/** A duration of 1 ms at least, read into milliseconds. */
export const duration: Shape = { type: "duration", minMs: 1 };
/** A duration, read into milliseconds; 0 says that there is none. */
export const durationOrZero: Shape = { type: "duration", minMs: 0 };
/** Free keys with any text, such as labels. */
export const textMap: Shape = { type: "map", of: anyText };
/** Attachment names with the text that each is given. */
export const headerMap: Shape = { type: "map", of: anyText, key: isHeaderName };
/** A whole number, both ends included. */
export const whole = (min: number, max: number): Shape => ({ type: "integer", min, max });
/** A list of at least `min` elements, each of which must be right. */
export const listOf = (of: Shape, min = 0): Shape => ({ type: "list", of, min });

function matchShape(emptyMeansPresent: boolean): ObjectShape {
  return {
    type: "object",
    fields: {
      exact: { shape: anyText },
      prefix: { shape: text },
      regex: { shape: regex },
    },
    exclusive: [["exact", "prefix", "regex"]],
    into(value, context, path): TextMatch | undefined {
      for (const type of ["exact", "prefix", "regex"] as const)
        if (typeof value[type] === "string") return { type, value: value[type] };
      if (emptyMeansPresent) return { type: "present" };
      context.report("TR0208", value.at.position, `${path} needs one of exact, prefix and regex`);
      return undefined;
    },
  };
}

/** One of `exact`, `prefix` and `regex`; nothing of them is an error. */
export const textMatch: Shape = matchShape(false);
/** Attachment names with a {@link textMatch} each, where `{}` asks only that there is one. */
export const headerMatches: Shape = { type: "map", of: matchShape(true), key: isHeaderName };

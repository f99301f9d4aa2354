/**
 * Which header lists RFC 9113 section 8 calls malformed.
 *
 * | list | pseudo fields |
 * |---|---|
 * | request | `:method`, `:scheme`, `:path`, may have `:authority` |
 * | CONNECT | `:method`, `:authority`; `:protocol` (extended CONNECT) is refused |
 * | response | `:status` |
 * | trailers | none |
 */
import type { Fields } from "../fields.ts";

/** What a head says that the connection needs to know. */
export interface HeadFacts {
  /** Why the list is malformed, or undefined. */
  readonly fault: string | undefined;
  /** `:method`, or `""`. */
  readonly method: string;
  /** `:status`, or 0. */
  readonly status: number;
  /** `content-length`, or -1. */
  readonly contentLength: number;
}

/** Token characters of field names without upper-case letters (RFC 9110 section 5.6.2). */
const nameOctets = new Uint8Array(256);
for (const octet of Buffer.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", "latin1")) nameOctets[octet] = 1;

/** Fields of the connection, which HTTP/2 has none of; a peer that sends them may be smuggling. */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const LONGEST_CONNECTION_FIELD = 17;

/** Whether a field has only octets that its name (pseudo fields are not looked at) and its value may have. */
export function isSoundField(name: string, value: string): boolean {
  return isFieldValue(value) && (name.charCodeAt(0) === 58 || isFieldName(name));
}

/**
 * Checks the first list of a request or (`"response"`) of an answer, or the list behind a body. `sound`: each field is known to be
 * one that {@link isSoundField} is true for.
 */
export function checkHeaders(fields: Fields, kind: "request" | "response" | "trailers", sound = false): HeadFacts {
  let method = "";
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let status = 0;
  let contentLength = -1;
  let regular = false;
  let fault: string | undefined;
  for (let i = 0; i < fields.length && fault === undefined; i += 2) {
    const name = fields[i];
    const value = fields[i + 1];
    if (!sound && !isFieldValue(value)) fault = "field value has a control character or blanks at an end";
    else if (name.charCodeAt(0) === 58) {
      if (regular) fault = "pseudo field after a regular one";
      else if (kind === "request" && name === ":method" && method === "" && value !== "") method = value;
      else if (kind === "request" && name === ":scheme" && scheme === undefined) scheme = value;
      else if (kind === "request" && name === ":path" && path === undefined) path = value;
      else if (kind === "request" && name === ":authority" && authority === undefined) authority = value;
      else if (kind === "response" && name === ":status" && status === 0 && /^[1-9][0-9][0-9]$/.test(value)) {
        status = Number(value);
      } else fault = "pseudo field is unknown, doubled, empty or out of place";
    } else {
      regular = true;
      if (!sound && !isFieldName(name)) fault = "field name is empty or has an octet that names may not have";
      else if (name.length <= LONGEST_CONNECTION_FIELD && CONNECTION_FIELDS.has(name))
        fault = "field of the connection";
      else if (name === "te" && value !== "trailers") fault = "te is not trailers";
      else if (name === "content-length") {
        const length = /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
        if (length < 0 || (contentLength >= 0 && contentLength !== length)) fault = "content-length is wrong";
        contentLength = length;
      }
    }
  }
  if (fault === undefined && kind === "request") fault = requestFault(method, scheme, path, authority);
  if (fault === undefined && kind === "response" && status === 0) fault = "response without :status";
  return { fault, method, status, contentLength };
}

function requestFault(
  method: string,
  scheme: string | undefined,
  path: string | undefined,
  authority: string | undefined,
): string | undefined {
  if (method === "CONNECT") {
    return scheme === undefined && path === undefined && authority !== undefined && authority !== ""
      ? undefined
      : "connect has :scheme or :path, or no :authority";
  }
  if (method === "" || !scheme || !path) return "request without :method, :scheme or :path";
  if (path.charCodeAt(0) !== 47 && (scheme === "http" || scheme === "https")) {
    return path === "*" && method === "OPTIONS" ? undefined : ":path does not begin with a slash";
  }
  return undefined;
}

function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (nameOctets[name.charCodeAt(i)] !== 1) return false;
  return name.length > 0;
}

function isFieldValue(value: string): boolean {
  const last = value.length - 1;
  if (last < 0) return true;
  if (value.charCodeAt(0) <= 32 || value.charCodeAt(last) <= 32) return false;
  for (let i = 0; i <= last; i++) {
    const octet = value.charCodeAt(i);
    if (octet < 32 ? octet !== 9 : octet === 127) return false;
  }
  return true;
}

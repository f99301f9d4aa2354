import { durationMs } from "../../codecs/xds/duration.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { rawParameter } from "../../codecs/xds/raw-parameter.ts";
import type { HashCookie, HashPolicy } from "../../codecs/xds/route.ts";
import { hashOfText, joinHashes } from "../balance/hash.ts";
import { QUERY } from "./query.ts";

/** The inputs of a route's hash, compiled; at least one. */
export interface HashPlan {
  readonly inputs: readonly HashInput[];
  /** An argument is among them: the call has to be read that far. */
  readonly asksArguments: boolean;
}

interface HashInput {
  /** A header's name; undefined for the caller's address. */
  readonly header: string | undefined;
  /** Of a query parameter; `header` is {@link QUERY} then. */
  readonly parameter: string | undefined;
  /** Of a cookie; `header` is `cookie` then. */
  readonly cookie: HashCookie | undefined;
  readonly terminal: boolean;
}

/** A cookie for a caller that had none: its value is what the call's hash was made from. */
export interface NewCookie {
  readonly value: string;
  /** The `set-cookie` line. */
  readonly line: string;
}

const HASHED_BYTES = 4_096;

/** Compiles what a route says of hashes; undefined for nothing. */
export function compileHash(policies: readonly HashPolicy[] | undefined): HashPlan | undefined {
  const inputs = (policies ?? []).flatMap(inputOf);
  if (inputs.length === 0) return undefined;
  return { inputs, asksArguments: inputs.some(({ header }) => header?.startsWith(ARGUMENT) === true) };
}

function inputOf({ header, cookie, connectionProperties, queryParameter, terminal = false }: HashPolicy): HashInput[] {
  const plain = { parameter: undefined, cookie: undefined, terminal };
  if (header !== undefined) return [{ ...plain, header: foldName(header.headerName) }];
  if (cookie !== undefined) return [{ ...plain, header: "cookie", cookie }];
  if (queryParameter !== undefined) return [{ ...plain, header: QUERY, parameter: queryParameter.name }];
  return connectionProperties?.sourceIp === true ? [{ ...plain, header: undefined }] : [];
}

/** Names are compared in any case; fields behind `dubbo-arg-N.` keep theirs, since Java's differ by it. */
function foldName(name: string): string {
  const argument = /^dubbo-arg-\d+/i.exec(name)?.[0];
  return argument === undefined ? name.toLowerCase() : argument.toLowerCase() + name.slice(argument.length);
}

/**
 * The hash of a call, 0 to 2^32 - 1, by the inputs that it has; undefined where it has none of them. The same in every process. `made` is
 * the cookie that it is given on the way back.
 */
export function hashOf(
  { inputs }: HashPlan,
  lookup: HeaderLookup,
  address: string,
  made?: NewCookie,
): number | undefined {
  let hash: number | undefined;
  for (const input of inputs) {
    const { cookie, terminal } = input;
    let text = textOf(input, lookup, address);
    if (cookie !== undefined)
      text = cookieValue(text, cookie.name) ?? (cookie.ttl === undefined ? undefined : made?.value);
    if (text === undefined) continue;
    const one = hashOfText(text.length > HASHED_BYTES ? text.slice(0, HASHED_BYTES) : text);
    hash = hash === undefined ? one : joinHashes(hash, one);
    if (terminal) break;
  }
  return hash;
}

/** A new cookie for a caller without one, where the plan gives such; `random` in [0, 1). */
export function newCookie({ inputs }: HashPlan, lookup: HeaderLookup, random: () => number): NewCookie | undefined {
  for (const input of inputs) {
    const { cookie, terminal } = input;
    if (cookie === undefined) {
      // Nothing behind a last word that was said counts.
      if (terminal && textOf(input, lookup, "") !== undefined) return undefined;
      continue;
    }
    if (cookieValue(lookup("cookie"), cookie.name) !== undefined) {
      if (terminal) return undefined;
    } else if (cookie.ttl !== undefined) {
      const value = [random(), random()]
        .map((part) =>
          Math.floor(part * 2 ** 32)
            .toString(16)
            .padStart(8, "0"),
        )
        .join("");
      return { value, line: lineOf(cookie, cookie.ttl, value) };
    }
  }
  return undefined;
}

function textOf({ header, parameter }: HashInput, lookup: HeaderLookup, address: string): string | undefined {
  const said = header === undefined ? address : lookup(header);
  return parameter === undefined ? said : rawParameter(said, parameter);
}

/** As Envoy writes it; without `Max-Age` for a time of 0, which is the browser's session. */
function lineOf({ name, path, attributes = [] }: HashCookie, ttl: string, value: string): string {
  const seconds = Math.floor((durationMs(ttl) ?? 0) / 1_000);
  return [
    `${name}="${value}"`,
    ...(seconds > 0 ? [`Max-Age=${seconds}`] : []),
    ...(path === undefined || path === "" ? [] : [`Path=${path}`]),
    ...attributes.map((one) => (one.value === undefined || one.value === "" ? one.name : `${one.name}=${one.value}`)),
    "HttpOnly",
  ].join("; ");
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(/[;,]/) ?? []) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
  }
  return undefined;
}

import { CallError } from "../../base/errors.ts";
import type { RequestToSend } from "../../codecs/http1/connection.ts";
import { type FieldLines, FORWARDED_FOR, FORWARDED_PROTO, HOST } from "../../codecs/http1/fields.ts";
import type { RequestHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { fromField, toField } from "../../codecs/triple/text.ts";
import { asLines, type HeaderLines, meetsAll } from "../../codecs/xds/header-lines.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Denial } from "../authz/asked.ts";
import { type AskToken, firstRoute } from "../match.ts";
import type { LimitedCall } from "../policies/limits.ts";
import type { Mutations } from "../policies/mutations.ts";
import { cutParameters, parametersOf, QUERY } from "../policies/query.ts";
import type { Rewrite } from "../policies/rewrite.ts";
import {
  asksClaims,
  type CompiledHost,
  type CompiledRoute,
  type HostDecision,
  isCertain,
  type Target,
} from "../route.ts";
import { withSuffix } from "../triple/edits.ts";
import type { HeadChange } from "./port.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const OTHER = "OTHER";
/** Upgrades that would let calls past the rules: they change how this very connection is spoken. */
const REFUSED_UPGRADES = /(?:^|,)\s*(?:h2c|tls\/)/i;

const decisions = new WeakMap<CompiledHost, Map<string, HostDecision>>();

/** What is known of calls of a service by their method alone: `fixed` where one route takes them all. Other methods than the usual ones are counted together. */
export function decideHttp(host: CompiledHost, method: string): HostDecision {
  let byMethod = decisions.get(host);
  if (byMethod === undefined) {
    byMethod = new Map();
    decisions.set(host, byMethod);
  }
  const name = methodName(method);
  let decision = byMethod.get(name);
  if (decision === undefined) {
    const first = host.routes[0];
    const fixed = first?.anyPath === true && isCertain(first) ? first : undefined;
    const candidates = host.routes;
    decision = { host, method: name, protocol: "http", candidates, fixed, asksClaims: asksClaims(candidates) };
    byMethod.set(name, decision);
  }
  return decision;
}

/** What calls of a method are counted as: other methods than the usual ones together. */
export function methodName(method: string): string {
  return METHODS.includes(method) ? method : OTHER;
}

/** The first route that takes the request; undefined for none, a denial where its token stands in the way. */
export function matchHttp(decision: HostDecision, head: RequestHead): CompiledRoute | undefined;
export function matchHttp(
  decision: HostDecision,
  head: RequestHead,
  token: AskToken | undefined,
): CompiledRoute | Denial | undefined;
export function matchHttp(
  decision: HostDecision,
  head: RequestHead,
  token?: AskToken,
): CompiledRoute | Denial | undefined {
  if (decision.fixed !== undefined) return decision.fixed;
  const { path, query } = cutTarget(head);
  const header = lookupOf(head, query);
  const lines = linesOf(head);
  const takes = (route: CompiledRoute) => route.path(path) && meetsAll(route.headers, header, lines);
  return firstRoute(decision.candidates, takes, token);
}

interface CutTarget {
  readonly path: string;
  /** With its question mark; `""` for none. */
  readonly query: string;
  /** Where the target names one; it counts before Host then. */
  readonly authority: string | undefined;
}

/** A target in its parts: `/path?query`, `http://authority/path?query` or `*`. */
export function cutTarget({ target }: Pick<RequestHead, "target">): CutTarget {
  let rest = target;
  let authority: string | undefined;
  if (target.charCodeAt(0) !== 47) {
    const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
    if (absolute !== null) {
      authority = absolute[1];
      rest = absolute[2]!.startsWith("/") ? absolute[2]! : `/${absolute[2]}`;
    }
  }
  const mark = rest.indexOf("?");
  return mark < 0
    ? { path: rest, query: "", authority }
    : { path: rest.slice(0, mark), query: rest.slice(mark), authority };
}

/** The Host that a request is for; `""` for none. */
export function authorityOf(head: RequestHead): string {
  return cutTarget(head).authority ?? head.fields.get("host") ?? "";
}

/** A request's headers as rules see them: those of HTTP/2 with a colon, {@link QUERY}, and a parameter of that, decoded, behind a question mark. */
export function lookupOf(head: RequestHead, query = cutTarget(head).query, scheme = "http"): HeaderLookup {
  return (name) => {
    switch (name) {
      case ":method":
        return head.method;
      case ":authority":
        return cutTarget(head).authority ?? head.fields.get("host");
      case ":scheme":
        return scheme;
      case ":path":
        return head.target;
    }
    if (name === QUERY) return query === "" ? undefined : query;
    if (name.startsWith("?")) return parametersOf(query, name.slice(1))[0];
    const values = head.fields.all(name);
    if (values.length === 0) return undefined;
    const text = values.join(",");
    // What is left of cookies is written as it was.
    return name === "cookie" ? text : fromField(text);
  };
}

/** A request's lines as conditions see them. */
export function linesOf(head: RequestHead): HeaderLines {
  return (name) => asLines(name, head.fields.all(name).map(fromField));
}

/** What limits see of a request; the port that it came by is one worker's. */
export function limitFacts(head: RequestHead): Required<Pick<LimitedCall, "path" | "header" | "lines" | "isAlone">> {
  const { path, query } = cutTarget(head);
  return { path, header: lookupOf(head, query), lines: linesOf(head), isAlone: true };
}

/** What a request's head goes to a provider by. */
export interface ForwardedTo {
  readonly route: CompiledRoute;
  readonly target: Target;
  /** The caller's IP address. */
  readonly callerAddress: string;
}

/** A request's head on its way to a provider: lines go on as they are but for what rules change; the caller's address is added to X-Forwarded-For. */
export function forwardHead(
  head: RequestHead,
  { route, target, callerAddress }: ForwardedTo,
): Omit<RequestToSend, "type" | "id"> {
  const fields: Field[] = [];
  const without: string[] = [];
  let forwardedFor = callerAddress;
  let hasProto = false;
  let hasHost = false;
  for (let i = 0; i < head.fields.count; i++) {
    switch (head.fields.kind(i)) {
      case HOST:
        hasHost = true;
        break;
      case FORWARDED_PROTO:
        hasProto = true;
        break;
      case FORWARDED_FOR:
        if (without.length === 0) without.push("x-forwarded-for");
        forwardedFor = `${head.fields.all("x-forwarded-for").join(", ")}, ${callerAddress}`;
        break;
    }
  }
  fields.push(["x-forwarded-for", forwardedFor]);
  if (!hasProto) fields.push(["x-forwarded-proto", "http"]);
  const isPlain = head.target.charCodeAt(0) === 47 && route.rewrite === undefined;
  const { target: path, authority } = isPlain
    ? { target: head.target, authority: undefined }
    : rewrite(head, route.rewrite);
  if (authority !== undefined || !hasHost || route.hostSuffix !== "") {
    without.push("host");
    const host = authority ?? head.fields.get("host") ?? target.cluster.service.host;
    fields.push(["host", route.hostSuffix === "" ? host : withSuffix(host, route.hostSuffix)]);
  }
  if (route.mutations !== undefined) change(fields, without, route.mutations);
  if (target.mutations !== undefined) change(fields, without, target.mutations);
  const upgrade = upgradeOf(head);
  return {
    method: head.method,
    target: cutParameters(cutParameters(path, route.mutations), target.mutations),
    length: head.chunked ? undefined : Math.max(0, head.contentLength),
    from: head,
    without: without.length > 0 ? without : undefined,
    fields,
    upgrade,
    expectContinue: head.expectContinue,
  };
}

/** What mutations make of an answer's head; undefined for nothing, an error where one of their headers cannot be written. */
export function changedHead(...mutations: readonly (Mutations | undefined)[]): HeadChange | CallError | undefined {
  const all = mutations.filter((one) => one !== undefined);
  if (all.length === 0) return undefined;
  const fields: Field[] = [];
  const without: string[] = [];
  try {
    for (const one of all) change(fields, without, one);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  return { fields, without };
}

/** The protocol that a request asks to change to, where that is carried. */
export function upgradeOf(head: RequestHead): string | undefined {
  if (!head.upgrade || head.chunked || head.contentLength > 0) return undefined;
  const wanted = head.fields.get("upgrade");
  return wanted === undefined || REFUSED_UPGRADES.test(wanted) ? undefined : wanted;
}

function rewrite(head: RequestHead, plan: Rewrite | undefined): { target: string; authority: string | undefined } {
  const { path, query, authority } = cutTarget(head);
  return { target: `${plan?.path?.(path) ?? path}${query}`, authority: plan?.authority ?? authority };
}

/** A header line for a text, which may have any characters. Throws CallError for control characters. */
export function line(name: string, text: string): Field {
  return [name, toField(name, text)];
}

function change(fields: Field[], without: string[], { set, add, remove }: Mutations): void {
  for (const name of remove) drop(fields, without, name);
  for (const [name, value] of set) {
    drop(fields, without, name);
    fields.push(line(name, value));
  }
  for (const [name, value] of add) fields.push(line(name, value));
}

function drop(fields: Field[], without: string[], name: string): void {
  const folded = name.toLowerCase();
  without.push(folded);
  for (let i = fields.length - 1; i >= 0; i--) if (fields[i]![0].toLowerCase() === folded) fields.splice(i, 1);
}

/** Lines as a message of its own has them. */
export function fieldsOf(lines: FieldLines | undefined): readonly Field[] | undefined {
  if (lines === undefined) return undefined;
  return Array.from({ length: lines.count }, (_, i) => [lines.name(i), lines.value(i)] as const);
}

import type { Position } from "../../base/errors.ts";
import { plainKeySet } from "../../codecs/key-set.ts";
import type { PolicyRule } from "../../model/rule.ts";
import type { PolicyScope } from "../../model/rules/authorization.ts";
import type { JwtRule } from "../../model/rules/request-authentication.ts";
import type { SerializationGuard } from "../../model/rules/serialization-guard.ts";
import { readScope } from "./kinds/authorization-schema.ts";
import type { Salvage } from "./salvage.ts";

/** A policy that could not be read, as far as it could. */
export interface UnreadPolicy {
  readonly kind: PolicyRule["kind"];
  readonly name: string;
  readonly namespace: string;
  readonly position: Position;
  /** Of its spec; absent where nothing is known of that. */
  readonly spec?: Salvage;
  /** It was to be tried only. */
  readonly isTrial?: boolean;
}

/** Name of a policy that does not say its own so that it can be read. */
export const UNNAMED = "unnamed";

/**
 * What stands in for a policy that is wrong, where no right one was before, for what the policy chooses, or all of its namespace where that
 * is not certain: nobody may call it; of a RequestAuthentication, nobody who says a token; of a SerializationGuard, nobody with a class that is
 * denied by default.
 */
export function closedPolicy({ kind, name, namespace, position, spec, isTrial = false }: UnreadPolicy): PolicyRule {
  const at = { position, fields: {} };
  const scope = scopeOf(spec, position);
  const all = { at, name, namespace, createdAtMs: undefined, ...(scope ?? EVERYTHING) };
  switch (kind) {
    case "PeerAuthentication":
      return { kind, ...all, mode: "STRICT", portModes: {} };
    case "RequestAuthentication":
      return { kind, ...all, jwtRules: refusedTokens(spec, position) };
    case "SerializationGuard":
      return { kind, ...all, ...guardOf(spec, scope !== undefined), dryRun: isTrial };
    default:
      return { kind, ...all, rules: [{ at }], action: "DENY", provider: undefined, dryRun: false };
  }
}

const EVERYTHING: PolicyScope = { selector: undefined, targets: [] };
const SCOPE = ["selector", "targetRef", "targetRefs"];

/** Undefined where what it chooses may be what is wrong. */
function scopeOf(spec: Salvage | undefined, position: Position): PolicyScope | undefined {
  if (spec === undefined || SCOPE.some((field) => spec.wrong.has(field))) return undefined;
  const said = SCOPE.filter((field) => spec.value[field] !== undefined);
  // A field that is not known may be one of these, misspelt.
  if (said.length > 1 || (said.length === 0 && spec.wrong.size > 0)) return undefined;
  return readScope({ ...spec.value, at: { position, fields: {} } }, () => {});
}

/** A set of keys by which no token is good. */
const NO_KEYS = plainKeySet("");

/** An issuer of which no token is good, where tokens usually stand, and wherever the text says so that it can be read. */
function refusedTokens(spec: Salvage | undefined, position: Position): JwtRule[] {
  const nobody = { at: { position, fields: {} }, issuer: "nobody", jwks: NO_KEYS };
  const said = (spec?.value.jwtRules ?? []) as readonly Partial<JwtRule>[];
  const places = said.map(({ fromHeaders, fromParams, fromCookies, outputPayloadToHeader, outputClaimToHeaders }) => ({
    ...(fromHeaders && { fromHeaders: fromHeaders.filter(({ name }) => name !== undefined) }),
    ...(fromParams && { fromParams }),
    ...(fromCookies && { fromCookies }),
    // What callees take from tokens alone is nothing that callers may write.
    ...(outputPayloadToHeader !== undefined && { outputPayloadToHeader }),
    ...(outputClaimToHeaders && {
      outputClaimToHeaders: outputClaimToHeaders.filter(
        ({ header, claim }) => header !== undefined && claim !== undefined,
      ),
    }),
  }));
  return [nobody, ...places.filter((one) => Object.keys(one).length > 0).map((one) => ({ ...nobody, ...one }))];
}

type GuardFields = Pick<SerializationGuard, "defaults" | "denyClasses" | "allowClasses" | "maxBodyBytes" | "maxDepth">;

/** What is for some services is not made to hold for others: of a guard for whoever only what it denies. */
function guardOf(spec: Salvage | undefined, hasScope: boolean): GuardFields {
  const said = (spec?.value ?? {}) as Partial<GuardFields>;
  const { denyClasses = [] } = said;
  if (!hasScope) return { defaults: true, denyClasses, allowClasses: [], maxBodyBytes: undefined, maxDepth: undefined };
  const { defaults = true, allowClasses = [], maxBodyBytes, maxDepth } = said;
  return { defaults, denyClasses, allowClasses, maxBodyBytes, maxDepth };
}

const POLICY =
  /\b(AuthorizationPolicy|DubboAuthorizationPolicy|PeerAuthentication|RequestAuthentication|SerializationGuard)\b/g;
const KIND = /\bkind\b["']?\s*:/g;
const READABLE_KIND = /\bkind["']?\s*:[ \t]*["']?[A-Za-z]+(?=["'\s,}\]]|$)/g;
const NAMESPACE = /\bnamespace\b["']?\s*:/g;
const READABLE_NAMESPACE = /\bnamespace["']?\s*:[ \t]*["']?([a-z0-9](?:[a-z0-9.-]{0,252}))(?=["'\s,}\]]|$)/g;

/** What a text that is no YAML has in force. */
export interface ClosedText {
  readonly closed: readonly PolicyRule[];
  /** It may be of policies that can't be told: it does not say what it is, or where. */
  readonly isUnknown: boolean;
}

/** What stands in for the policies that a text names which is no YAML: for each kind, and each namespace that is named in the same document. */
export function closedPoliciesIn(text: string, position: Position): ClosedText {
  const closed = new Map<string, PolicyRule>();
  let isUnknown = false;
  for (const whole of text.split(/^---/m)) {
    const document = whole.includes("#") ? whole.replace(/^[ \t]*#.*$/gm, "") : whole;
    if (document.trim() === "") continue;
    const kinds = new Set(Array.from(document.matchAll(POLICY), ([kind]) => kind as PolicyRule["kind"]));
    const namespaces = Array.from(document.matchAll(READABLE_NAMESPACE), ([, namespace]) => namespace!);
    if (kinds.size > 0) isUnknown ||= count(document, NAMESPACE) > namespaces.length;
    else isUnknown ||= count(document, READABLE_KIND) === 0 || count(document, KIND) > count(document, READABLE_KIND);
    for (const kind of kinds)
      for (const namespace of namespaces.length === 0 ? ["default"] : new Set(namespaces))
        closed.set(`${kind} ${namespace}`, closedPolicy({ kind, name: UNNAMED, namespace, position }));
  }
  return { closed: [...closed.values()], isUnknown };
}

function count(text: string, pattern: RegExp): number {
  return Array.from(text.matchAll(pattern)).length;
}

import {
  ALLOW_FILTER,
  AUDIT_FILTER,
  type AuthzConfigs,
  CUSTOM_FILTER,
  CUSTOM_TRIAL_FILTER,
  DENY_FILTER,
  EXT_AUTHZ_FILTER,
  JWT_FILTER,
  type JwtProvider,
  type RbacRules,
} from "../../codecs/xds/authz.ts";
import { SERIALIZATION_FILTER } from "../../codecs/xds/serialization-guard.ts";
import type { AuthorizationAction } from "../../model/rules/authorization.ts";
import { meetRule, type SeenCall } from "./conditions.ts";
import type { KnownRule, PolicyPlaces } from "./policy-places.ts";

/** What one rule of a policy makes of the call. */
export interface PolicyVerdict {
  readonly kind: "AuthorizationPolicy" | "DubboAuthorizationPolicy" | "RequestAuthentication" | "SerializationGuard";
  /** `namespace/name`. */
  readonly policy: string;
  /** Number of the rule in its policy, from 0; absent where it has none. */
  readonly rule?: number;
  /** Of policies that allow and deny. */
  readonly action?: AuthorizationAction;
  /** `file:line`, or the object in its cluster. */
  readonly at: string;
  /** It only counts what it would do. */
  readonly dryRun: boolean;
  /** `unknown`: it hangs on what the made-up call does not tell. */
  readonly verdict: "matches" | "does not match" | "unknown";
  /** Which conditions the call does not meet, or which are not told; empty where it matches. */
  readonly why: readonly string[];
}

/** What policies make of a call, and the decision: CUSTOM, then DENY, then ALLOW. */
export interface Judgement {
  /** In the order in which they are asked. */
  readonly policies: readonly PolicyVerdict[];
  readonly decision: "allowed" | "denied" | "open";
  /** What decides; of an open decision what has to be so for the call to be allowed. */
  readonly why: readonly string[];
}

/** Takes a call through the policies of a virtual host, as its proxy would. */
export function judgeCall(configs: AuthzConfigs, call: SeenCall, places: PolicyPlaces): Judgement {
  const rules: readonly (readonly [AuthorizationAction, boolean, RbacRules | undefined])[] = [
    ["CUSTOM", false, configs[CUSTOM_FILTER]?.rbac.shadowRules],
    ["CUSTOM", true, configs[CUSTOM_TRIAL_FILTER]?.rbac.shadowRules],
    ["AUDIT", false, configs[AUDIT_FILTER]?.rbac.rules],
    ["AUDIT", true, undefined],
    ["DENY", false, configs[DENY_FILTER]?.rbac.rules],
    ["DENY", true, configs[DENY_FILTER]?.rbac.shadowRules],
    ["ALLOW", false, configs[ALLOW_FILTER]?.rbac.rules],
    ["ALLOW", true, configs[ALLOW_FILTER]?.rbac.shadowRules],
  ];
  const tokens = Object.entries(configs[JWT_FILTER]?.providers ?? {}).map(([name, provider]) =>
    judgeToken(name, provider, call, places),
  );
  const policies = rules.flatMap(([action, dryRun, compiled]) =>
    places
      .rulesOf(action, dryRun, Object.keys(compiled?.policies ?? {}))
      .map((known) => judgeRule(known, { action, dryRun, compiled }, call)),
  );
  const guard = configs[SERIALIZATION_FILTER];
  const guards = guard === undefined ? [] : places.guards.map((one) => guardVerdict(one, guard.dryRun === true));
  return { policies: [...tokens, ...policies, ...guards], ...decide(configs, [...tokens, ...policies]) };
}

interface Layer {
  readonly action: AuthorizationAction;
  readonly dryRun: boolean;
  readonly compiled: RbacRules | undefined;
}

function judgeRule(known: KnownRule, { action, dryRun, compiled }: Layer, call: SeenCall): PolicyVerdict {
  const { name, kind, policy, rule, at } = known;
  const told = { kind, policy, ...(rule !== undefined && { rule }), action, at, dryRun };
  const conditions = compiled?.policies[name];
  if (conditions === undefined)
    return { ...told, verdict: "does not match", why: [leftOut(known, { action, dryRun })] };
  const { holds, why } = meetRule(conditions, call);
  return { ...told, verdict: verdictOf(holds), why };
}

/** Why a rule is none of those that a proxy is given for the service. */
function leftOut({ rule }: KnownRule, { action, dryRun }: Pick<Layer, "action" | "dryRun">): string {
  if (rule === undefined) return "the policy has no rules: no call matches it";
  if (dryRun && action === "AUDIT") return "AUDIT denies nothing: nothing is tried";
  if (dryRun && action === "CUSTOM")
    return "nobody is asked: no call of the service can match it, or its server is not known";
  return "no call of the service can match it: it asks for other hosts, interfaces, paths or ports";
}

function verdictOf(holds: boolean | undefined): PolicyVerdict["verdict"] {
  return holds === undefined ? "unknown" : holds ? "matches" : "does not match";
}

function judgeToken(name: string, provider: JwtProvider, { hasToken }: SeenCall, places: PolicyPlaces): PolicyVerdict {
  return {
    kind: "RequestAuthentication",
    policy: name.slice(0, name.lastIndexOf("/")),
    rule: Number(name.slice(name.lastIndexOf("/") + 1)),
    at: places.tokenAt(name),
    dryRun: false,
    verdict: hasToken ? "unknown" : "does not match",
    why: [
      hasToken
        ? `tokens are not verified here: one of issuer ${provider.issuer} has to be good`
        : `the call has no token of issuer ${provider.issuer}: it goes on without claims`,
    ],
  };
}

function guardVerdict(guard: PolicyPlaces["guards"][number], isTrial: boolean): PolicyVerdict {
  const why = ["it looks into the bytes of calls, which a made-up one does not have"];
  return { kind: "SerializationGuard", ...guard, dryRun: guard.dryRun || isTrial, verdict: "unknown", why };
}

function decide(configs: AuthzConfigs, all: readonly PolicyVerdict[]): Pick<Judgement, "decision" | "why"> {
  const of = (action: AuthorizationAction, verdict: PolicyVerdict["verdict"]) =>
    all.filter((one) => one.action === action && !one.dryRun && one.verdict === verdict);
  const server = configs[EXT_AUTHZ_FILTER]?.grpcService.envoyGrpc.clusterName.split("|")[3];
  const [asking] = of("CUSTOM", "matches");
  if (asking !== undefined && server === undefined)
    return { decision: "denied", why: [`${nameOf(asking)} matches, and there is no server to ask`] };
  const [denying] = of("DENY", "matches");
  if (denying !== undefined) return { decision: "denied", why: [`${nameOf(denying)} matches`] };
  const allows = configs[ALLOW_FILTER]?.rbac.rules !== undefined;
  const [allowing] = of("ALLOW", "matches");
  const perhaps = of("ALLOW", "unknown");
  if (allows && allowing === undefined && perhaps.length === 0)
    return { decision: "denied", why: ["there are ALLOW policies, and none matches"] };
  const open = [
    ...(all.some(({ kind, verdict }) => kind === "RequestAuthentication" && verdict === "unknown")
      ? ["its token is good"]
      : []),
    ...(asking === undefined ? [] : [`${server} allows it, asked by ${nameOf(asking)}`]),
    ...(asking !== undefined ? [] : of("CUSTOM", "unknown")).map(
      (one) => `${nameOf(one)} does not match${server === undefined ? "" : `, or ${server} allows it`}`,
    ),
    ...of("DENY", "unknown").map((one) => `${nameOf(one)} does not match`),
    ...(allowing === undefined && perhaps.length > 0 ? [`one matches of ${perhaps.map(nameOf).join(", ")}`] : []),
  ];
  if (open.length > 0) return { decision: "open", why: open };
  return {
    decision: "allowed",
    why: [allowing === undefined ? "no policy denies it" : `${nameOf(allowing)} matches`],
  };
}

function nameOf({ action, policy, rule }: PolicyVerdict): string {
  return `${action} ${policy}${rule === undefined ? "" : ` rule ${rule}`}`;
}

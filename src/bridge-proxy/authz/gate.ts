import {
  ALLOW_FILTER,
  AUDIT_FILTER,
  type AuthzConfigs,
  CUSTOM_FILTER,
  CUSTOM_TRIAL_FILTER,
  DENY_FILTER,
  EXT_AUTHZ_FILTER,
  EXT_AUTHZ_TRIAL_FILTER,
  type ExtAuthz,
  JWT_FILTER,
  type RbacRules,
} from "../../codecs/xds/authz.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { SERIALIZATION_FILTER } from "../../codecs/xds/serialization-guard.ts";
import type { AskedCall, Denial } from "./asked.ts";
import type { AuthzStats } from "./audit.ts";
import { changedLookup } from "./changes.ts";
import { type Asked, compileServer, ExtQuestion, type ExtServer, type SendCheck } from "./ext-authz.ts";
import { JwtCheck, type TokenFinding, type TokenWord, tokenDenial } from "./jwt.ts";
import type { Peer } from "./peer.ts";
import { type CallFacts, type LaneFacts, visit } from "./predicate.ts";
import type { Opening, PolicyOpening } from "./question.ts";
import { type NamedRule, type NarrowedRules, RuleIndex } from "./rules.ts";
import { SerializationCheck } from "./serialization.ts";

/** What becomes of a call that does not simply go on. */
export type Decision = Denial | PolicyOpening;

/** Whether it goes nowhere. */
export function isDenial(decision: Denial | Opening): decision is Denial {
  return "reason" in decision;
}

/** What of a call has to be read for a decision, the later including the earlier. */
export type Reads = "nothing" | "headers" | "arguments";

/** The decision for all calls of one caller to one method. */
export interface Gate {
  readonly reads: Reads;
  /** Where nothing has to be read: the decision; undefined for "goes on". */
  readonly denial: Denial | undefined;
  /** Headers that alone tell whether a call goes on, which is not counted then; undefined where it takes more to tell. */
  readonly asks: readonly string[] | undefined;
  /** Decides one call, counts it and logs what policies ask to be logged. Throws what reading the call throws. */
  decide(call: AskedCall): Decision | undefined;
  /** A guard looks at what calls hold. */
  readonly inspects: boolean;
  /** What the guard says of a part of a call, counted and logged; `fault` has it look. */
  inspect(fault: (check: SerializationCheck) => string | undefined): Denial | undefined;
  /** Some rule of CUSTOM or DENY may hold. */
  readonly mayRefuse: boolean;
  /** Whether what the other gate's CUSTOM and DENY would refuse this one's refuse already. */
  refusesFor(other: Gate): boolean;
  /**
   * Of a call that may also be read as one of these: whether CUSTOM or DENY would refuse that. No server is asked of it: what one would be asked
   * for is refused, unless it is `asked` already. Only what is refused is counted.
   */
  refuse(call: AskedCall, asked: boolean): Denial | undefined;
}

/** Paths of one peer whose gates are kept. */
const MAX_GATES = 512;
const ACCESS_DENIED = "RBAC: access denied";
const NOT_ALLOWED: Denial = { reason: "denied", message: ACCESS_DENIED, policy: "" };

interface Layer {
  readonly enforced: RuleIndex | undefined;
  readonly shadow: RuleIndex | undefined;
}

/** Who may call a service, compiled: tokens, then CUSTOM, then AUDIT, DENY and ALLOW, as Istio has them. */
export class HostAuthz {
  readonly #jwt: JwtCheck | undefined;
  readonly #serialization: SerializationCheck | undefined;
  readonly #custom: Asking | undefined;
  readonly #trial: Asking | undefined;
  readonly #audit: RuleIndex | undefined;
  readonly #deny: Layer;
  readonly #allow: Layer;
  readonly #stats: AuthzStats;
  /** By peer and path: requests over HTTP ask for theirs each time. */
  readonly #gates = new WeakMap<Peer, Map<string | undefined, Gate>>();

  /** `nowS` is the time of day, s since 1970; `send` asks external servers, and without it none can be asked. */
  constructor(
    configs: AuthzConfigs,
    stats: AuthzStats,
    nowS: () => number = () => Date.now() / 1_000,
    send: SendCheck | undefined = undefined,
  ) {
    const layer = (name: typeof DENY_FILTER | typeof ALLOW_FILTER): Layer => ({
      enforced: indexOf(configs[name]?.rbac.rules),
      shadow: indexOf(configs[name]?.rbac.shadowRules),
    });
    const guard = configs[SERIALIZATION_FILTER];
    this.#serialization = guard === undefined ? undefined : new SerializationCheck(guard);
    const tokens = configs[JWT_FILTER];
    this.#jwt = tokens === undefined ? undefined : new JwtCheck(tokens, stats, nowS);
    const asking = (rules: RbacRules | undefined, server: ExtAuthz | undefined): Asking | undefined =>
      rules && { rules: new RuleIndex(rules), server: server && send && compileServer(server, send) };
    this.#custom = asking(configs[CUSTOM_FILTER]?.rbac.shadowRules, configs[EXT_AUTHZ_FILTER]);
    this.#trial = asking(configs[CUSTOM_TRIAL_FILTER]?.rbac.shadowRules, configs[EXT_AUTHZ_TRIAL_FILTER]);
    this.#audit = indexOf(configs[AUDIT_FILTER]?.rbac.rules);
    this.#deny = layer(DENY_FILTER);
    this.#allow = layer(ALLOW_FILTER);
    this.#stats = stats;
  }

  /** The gate for calls of `peer` to `path`, `/interface/method`; undefined: a path that cannot be read, of which the worst is taken. */
  gate(peer: Peer, path: string | undefined): Gate {
    let gates = this.#gates.get(peer);
    if (gates === undefined) {
      gates = new Map();
      this.#gates.set(peer, gates);
    }
    let gate = gates.get(path);
    if (gate === undefined) {
      // Paths are the callers' choice: one that makes them up pays by having them worked out anew.
      if (gates.size >= MAX_GATES) gates.clear();
      gate = this.#makeGate({ peer, path });
      gates.set(path, gate);
    }
    return gate;
  }

  /** What a call's token says, for routes that go by that. Throws what reading the call throws. */
  tokenOf(header: HeaderLookup, hasWaited: boolean): TokenWord {
    const token = this.#jwt?.find(header);
    if (token?.fault === undefined) return { claims: token?.claims };
    return { denial: tokenDenial(token.fault, hasWaited ? undefined : token.unknownKey, this.#stats.keyWaits) };
  }

  #makeGate(facts: LaneFacts): Gate {
    return new LaneGate(
      {
        jwt: this.#jwt,
        serialization: this.#serialization,
        custom: this.#custom?.rules.narrow(facts),
        server: this.#custom?.server,
        trial: this.#trial?.server && this.#trial.rules.narrow(facts),
        trialServer: this.#trial?.server,
        audit: this.#audit?.narrow(facts),
        deny: this.#deny.enforced?.narrow(facts),
        allow: this.#allow.enforced?.narrow(facts),
        shadowDeny: this.#deny.shadow?.narrow(facts),
        shadowAllow: this.#allow.shadow?.narrow(facts),
      },
      this.#stats,
      facts,
    );
  }
}

/** Rules that have a server asked; undefined where it is not known who that is. */
interface Asking {
  readonly rules: RuleIndex;
  readonly server: ExtServer | undefined;
}

interface Layers {
  readonly jwt: JwtCheck | undefined;
  readonly serialization: SerializationCheck | undefined;
  readonly custom: NarrowedRules | undefined;
  readonly server: ExtServer | undefined;
  readonly trial: NarrowedRules | undefined;
  readonly trialServer: ExtServer | undefined;
  readonly audit: NarrowedRules | undefined;
  readonly deny: NarrowedRules | undefined;
  /** Undefined where no policy allows anything: then all is. */
  readonly allow: NarrowedRules | undefined;
  readonly shadowDeny: NarrowedRules | undefined;
  readonly shadowAllow: NarrowedRules | undefined;
}

class LaneGate implements Gate {
  readonly reads: Reads;
  readonly denial: Denial | undefined;
  readonly asks: readonly string[] | undefined;
  readonly #layers: Layers;
  readonly #stats: AuthzStats;
  readonly #facts: LaneFacts;

  constructor(layers: Layers, stats: AuthzStats, facts: LaneFacts) {
    this.#layers = layers;
    this.#stats = stats;
    this.#facts = facts;
    const { custom, trial, audit, deny, allow, shadowDeny, shadowAllow } = layers;
    const lists = [custom, trial, audit, deny, allow, shadowDeny, shadowAllow].filter((list) => list !== undefined);
    const counts = [audit, shadowDeny].some((list) => list !== undefined && !list.empty) || shadowAllow !== undefined;
    const isFixed =
      !counts &&
      layers.jwt === undefined &&
      layers.serialization === undefined &&
      (custom === undefined || custom.empty || (custom.always !== undefined && layers.server === undefined)) &&
      (trial === undefined || trial.empty) &&
      (deny === undefined || deny.empty || deny.always !== undefined) &&
      (deny?.always !== undefined || allow === undefined || allow.empty || allow.always !== undefined);
    this.reads = isFixed ? "nothing" : readsOf(lists);
    this.denial = isFixed ? this.#judge(NO_FACTS) : undefined;
    const goesByMore = counts || layers.jwt !== undefined || layers.serialization !== undefined;
    this.asks = goesByMore || this.reads === "arguments" ? undefined : isFixed ? [] : headersOf(lists);
  }

  decide({ header, inspect, hasWaited }: AskedCall): Decision | undefined {
    if (this.reads === "nothing" && this.denial === undefined) return undefined;
    const { jwt } = this.#layers;
    const token = jwt?.find(header);
    if (token?.fault !== undefined) return this.#refuseToken(token.fault, hasWaited ? undefined : token.unknownKey);
    const changes = token?.changes;
    const call: CallFacts = { header: changedLookup(header, changes), claims: token?.claims };
    const { custom, server, trial, trialServer } = this.#layers;
    const asked = server === undefined ? undefined : custom?.find(call, true);
    const ask = (by: ExtServer, { name: policy }: NamedRule, isTrial: boolean) =>
      this.#ask({ server: by, policy, changes, isTrial }, call.claims);
    const question = asked && ask(server!, asked, false);
    const denial = question === undefined ? this.#settle(call, inspect) : undefined;
    if (denial !== undefined) return denial;
    const tried = trial?.find(call, true);
    if (question === undefined && tried === undefined && changes === undefined) return undefined;
    return { changes, question, trial: tried && ask(trialServer!, tried, true) };
  }

  #refuseToken(message: string, unknownKey: TokenFinding["unknownKey"]): Denial {
    const denial = tokenDenial(message, unknownKey, this.#stats.keyWaits, this.#facts.peer.address);
    if (denial.later === undefined) this.#stats.denied(denial.policy, this.#facts);
    return denial;
  }

  #ask(asked: Omit<Asked, "facts" | "settle" | "stats">, claims: CallFacts["claims"]): ExtQuestion {
    const settle = ({ header, inspect }: AskedCall) => this.#settle({ header, claims }, inspect);
    return new ExtQuestion({ ...asked, facts: this.#facts, settle, stats: this.#stats });
  }

  /** What policies say that no server is asked for, counted and logged. */
  #settle(call: CallFacts, inspect: AskedCall["inspect"]): Denial | undefined {
    const { audit, shadowDeny, shadowAllow } = this.#layers;
    const stats = this.#stats;
    const logged = audit?.find(call, true);
    if (logged !== undefined) stats.audited(logged.name, this.#facts);
    if (shadowDeny !== undefined) stats.dryRun("deny", shadowDeny.find(call, true) !== undefined);
    if (shadowAllow !== undefined) stats.dryRun("allow", shadowAllow.find(call, false) === undefined);
    const denial = this.denial ?? this.#judge(call) ?? this.#inspect(inspect);
    if (denial !== undefined) stats.denied(denial.policy, this.#facts);
    return denial;
  }

  get inspects(): boolean {
    return this.#layers.serialization !== undefined;
  }

  inspect(fault: (check: SerializationCheck) => string | undefined): Denial | undefined {
    const denial = this.#inspect(fault);
    if (denial !== undefined) this.#stats.denied(denial.policy, this.#facts);
    return denial;
  }

  get mayRefuse(): boolean {
    const { custom, deny } = this.#layers;
    return custom?.empty === false || deny?.empty === false;
  }

  refusesFor(other: Gate): boolean {
    if (!(other instanceof LaneGate)) return false;
    const covers = (own: NarrowedRules | undefined, those: NarrowedRules | undefined) =>
      those === undefined || those.empty || own?.covers(those) === true;
    const { custom, deny } = other.#layers;
    return covers(this.#layers.custom, custom) && covers(this.#layers.deny, deny);
  }

  refuse({ header }: AskedCall, asked: boolean): Denial | undefined {
    const { jwt, custom, deny } = this.#layers;
    const call: CallFacts = { header, claims: jwt?.find(header).claims };
    const rule = (asked ? undefined : custom?.find(call, true)) ?? deny?.find(call, true);
    if (rule === undefined) return undefined;
    this.#stats.denied(rule.name, this.#facts);
    return { reason: "denied", message: ACCESS_DENIED, policy: rule.name };
  }

  #inspect(inspect: AskedCall["inspect"]): Denial | undefined {
    const { serialization } = this.#layers;
    const fault = serialization === undefined ? undefined : inspect?.(serialization);
    if (serialization === undefined || fault === undefined) return undefined;
    this.#stats.guarded(fault, this.#facts, serialization.dryRun);
    return serialization.dryRun
      ? undefined
      : { reason: "denied", message: `serialization guard: ${fault}`, policy: "SerializationGuard" };
  }

  #judge(call: CallFacts): Denial | undefined {
    const { custom, server, deny, allow } = this.#layers;
    // Where no server can be asked calls are denied.
    const asked = server === undefined ? custom?.find(call, true) : undefined;
    if (asked !== undefined) return { reason: "denied", message: ACCESS_DENIED, policy: asked.name };
    const denied = deny?.find(call, true);
    if (denied !== undefined) return { reason: "denied", message: ACCESS_DENIED, policy: denied.name };
    return allow === undefined || allow.find(call, false) !== undefined ? undefined : NOT_ALLOWED;
  }
}

const NO_FACTS: CallFacts = { header: () => undefined, claims: undefined };

function indexOf(rules: RbacRules | undefined): RuleIndex | undefined {
  return rules === undefined ? undefined : new RuleIndex(rules);
}

function headersOf(lists: readonly NarrowedRules[]): readonly string[] {
  const names = new Set<string>();
  for (const { rules } of lists)
    for (const { predicate } of rules)
      visit(predicate, (part) => {
        if (part.op === "header") names.add(part.name);
      });
  return [...names];
}

function readsOf(lists: readonly NarrowedRules[]): Reads {
  let reads: Reads = "nothing";
  for (const { rules } of lists) {
    for (const { predicate } of rules) {
      visit(predicate, (part) => {
        if (part.op === "header" && part.name.startsWith(ARGUMENT)) reads = "arguments";
        else if (reads === "nothing") reads = "headers";
      });
    }
  }
  // What only counts has nothing to read, and is asked of each call all the same.
  return reads === "nothing" ? "headers" : reads;
}

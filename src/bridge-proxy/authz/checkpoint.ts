import type { Callable } from "../../codecs/xds/path-rewrite.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { rewriteCall, serviceNamed } from "../policies/rewrite.ts";
import type { CompiledRoute, HostDecision, RouteTable, Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";
import type { AskedCall, Denial } from "./asked.ts";
import { type Decision, type Gate, isDenial, type Reads } from "./gate.ts";
import { decideLater } from "./later.ts";
import type { Peer } from "./peer.ts";
import { joinOpenings, type Opening } from "./question.ts";

/** What was decided of one call, where it is not simply let through. */
export interface Ruling {
  /** It goes nowhere. */
  readonly denial: Denial | undefined;
  /** It goes to none of these; undefined where it may go to all. */
  readonly denied: ReadonlyMap<Target, Denial> | undefined;
  /** What is to be done before it goes to one of these; absent where that is nothing. */
  readonly open?: ReadonlyMap<Target, Opening> | undefined;
}

/** Stands between the calls of a lane and the services that their route leads to. */
export interface Checkpoint {
  readonly reads: Reads;
  /** Headers that alone tell whether a call goes on unseen; undefined where it takes more to tell. */
  readonly asks: readonly string[] | undefined;
  /** Decides one call; undefined where it goes on. Throws what reading the call throws. */
  judge(call: AskedCall): Ruling | undefined;
}

/** A lane's calls and what they ask for. */
export interface Passage {
  readonly peer: Peer;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  /** Their path where it is not that of the decision; `unknown` where it cannot be read. */
  readonly path?: string | { readonly unknown: true };
}

/** What a lane's calls may mean besides what they say: DENY, and where it is `strict` every policy, is asked of that too. */
export interface OtherReading {
  /** In place of the call's method; or the path, where that is what policies are asked of. */
  readonly method?: string;
  readonly path?: string;
  readonly strict: boolean;
}

/** The gates of one service that calls are led to. */
interface Gates {
  readonly gate: Gate;
  /** Of other readings: that must let calls through, and that must not refuse them. */
  readonly strict: readonly Gate[];
  readonly others: readonly Gate[];
}

interface Guarded {
  readonly target: Target;
  readonly gates: Gates;
}

/**
 * The checkpoint of a lane; undefined where its calls pass unseen. Policies are those of the services that calls are led to, with the path
 * that they get there. A copy for a mirror is checked too.
 */
export function checkpointTo(
  routes: RouteTable,
  passage: Passage,
  others: readonly OtherReading[] = [],
): Checkpoint | undefined {
  if (!routes.hasPolicies) return undefined;
  const { route } = passage;
  const known = new Map<string, Gates | undefined>();
  const guarded: Guarded[] = [];
  const copies = (route.mirrors ?? []).flatMap(({ route: mirror }) => mirror.targets);
  for (const target of [...route.targets, ...copies]) {
    const { key, path } = calledBy(passage, target);
    const id = `${printServiceKey(key)}\n${path}`;
    if (!known.has(id)) known.set(id, gatesTo(routes, passage, target, others));
    const gates = known.get(id);
    if (gates !== undefined) guarded.push({ target, gates });
  }
  return guarded.length === 0 ? undefined : new TargetCheckpoint(route, guarded);
}

/** Undefined where none stands in the way. */
function gatesTo(
  routes: RouteTable,
  passage: Passage,
  target: Target,
  others: readonly OtherReading[],
): Gates | undefined {
  const gateOf = (read: Passage): Gate | undefined => {
    const { key, path } = calledBy(read, target);
    return routes.hostOf(printServiceKey(key))?.policies?.gate(passage.peer, path);
  };
  const gate = gateOf(passage);
  if (gate === undefined) return undefined;
  const otherGates = (strict: boolean): Gate[] =>
    others.flatMap((reading) => {
      const { path, method = passage.decision.method } = reading;
      const found =
        reading.strict === strict
          ? gateOf({ ...passage, decision: { ...passage.decision, method }, ...(path !== undefined && { path }) })
          : undefined;
      return found !== undefined && (strict ? isShut(found) : found.mayRefuse && !gate.refusesFor(found))
        ? [found]
        : [];
    });
  const gates = { gate, strict: otherGates(true), others: otherGates(false) };
  return isShut(gate) || gates.strict.length > 0 || gates.others.length > 0 ? gates : undefined;
}

/** Whether it does not simply let all calls through. */
function isShut(gate: Gate): boolean {
  return gate.reads !== "nothing" || gate.denial !== undefined;
}

/** All that stands in a call's way, or what it waits for before that can be said. */
function decide(gates: Gates, call: AskedCall): Denial | Opening | undefined {
  const decision = decideNow(gates, call);
  if (decision === undefined || !isDenial(decision) || decision.later === undefined) return decision;
  return { changes: undefined, question: decideLater(decision.later, (again) => decideNow(gates, again)) };
}

function decideNow({ gate, strict, others }: Gates, call: AskedCall): Decision | undefined {
  let decision = gate.decide(call);
  for (let i = 0; i < strict.length && !isRefused(decision); i++)
    decision = joinDecisions(decision, strict[i]!.decide(call));
  if (decision !== undefined && isDenial(decision)) return decision;
  const asked = decision?.question !== undefined;
  for (const other of others) {
    const denial = other.refuse(call, asked);
    if (denial !== undefined) return denial;
  }
  return decision;
}

/** Of two readings of a call: what either refuses is refused, and what both open is opened by both. */
function joinDecisions(first: Decision | undefined, second: Decision | undefined): Decision | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return isDenial(first) || isDenial(second) ? second : joinOpenings(first, second);
}

function isRefused(decision: Decision | undefined): boolean {
  return decision !== undefined && isDenial(decision);
}

function calledBy(
  { decision, route, path }: Passage,
  { cluster }: Target,
): { key: ServiceKey; path: string | undefined } {
  const { key } = decision.host;
  const { rewrite } = route;
  if (path !== undefined) {
    const isKnown = typeof path === "string";
    return { key: serviceFor(cluster.service, key), path: isKnown ? (rewrite?.path?.(path) ?? path) : undefined };
  }
  const called: Callable = { interface: key.interface, method: decision.method };
  const named = rewrite?.path === undefined ? undefined : rewriteCall(rewrite, called);
  const service = serviceNamed(serviceFor(cluster.service, key), named);
  return { key: service, path: `/${service.interface}/${named?.method ?? decision.method}` };
}

class TargetCheckpoint implements Checkpoint {
  readonly reads: Reads;
  readonly asks: readonly string[] | undefined;
  readonly #route: CompiledRoute;
  readonly #guarded: readonly Guarded[];
  readonly #only: Gates | undefined;

  constructor(route: CompiledRoute, guarded: readonly Guarded[]) {
    this.#route = route;
    this.#guarded = guarded;
    const first = guarded[0]!.gates;
    const guards = new Set(guarded.map(({ target }) => target));
    // The gate of every destination: mostly there is one.
    this.#only =
      guarded.every(({ gates }) => gates === first) && route.targets.every((target) => guards.has(target))
        ? first
        : undefined;
    const all = guarded.flatMap(({ gates: { gate, strict, others } }) => [gate, ...strict, ...others]);
    const reads = all.map((gate) => gate.reads);
    const asks = new Set(all.flatMap((gate) => gate.asks ?? []));
    this.asks = all.every((gate) => gate.asks !== undefined) ? [...asks] : undefined;
    this.reads = reads.includes("arguments") ? "arguments" : reads.includes("headers") ? "headers" : "nothing";
  }

  judge(call: AskedCall): Ruling | undefined {
    if (this.#only !== undefined) {
      const decision = decide(this.#only, call);
      if (decision === undefined) return undefined;
      if (isDenial(decision)) return { denial: decision, denied: undefined };
      const open = new Map(this.#guarded.map(({ target }) => [target, decision]));
      return { denial: undefined, denied: undefined, open };
    }
    const decided = new Map<Gates, Denial | Opening | undefined>();
    const denied = new Map<Target, Denial>();
    const open = new Map<Target, Opening>();
    for (const { target, gates } of this.#guarded) {
      if (!decided.has(gates)) decided.set(gates, decide(gates, call));
      const decision = decided.get(gates);
      if (decision === undefined) continue;
      if (isDenial(decision)) denied.set(target, decision);
      else open.set(target, decision);
    }
    if (denied.size === 0 && open.size === 0) return undefined;
    const { targets } = this.#route;
    const isAll = targets.every((target) => denied.has(target));
    return { denial: isAll ? denied.get(targets[0]!) : undefined, denied, open };
  }
}

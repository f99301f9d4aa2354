import { CallError } from "../../base/errors.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { type Callable, rewriteCall, serviceNamed } from "../policies/rewrite.ts";
import type { CompiledRoute, HostDecision, RouteTable, Target } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";
import type { AskedCall, Denial, Gate, Reads } from "./gate.ts";
import type { Peer } from "./peer.ts";

/** What was decided of one call, where it is not simply let through. */
export interface Ruling {
  /** It goes nowhere. */
  readonly denial: Denial | undefined;
  /** It goes to none of these; undefined where it may go to all. */
  readonly denied: ReadonlyMap<Target, Denial> | undefined;
}

/** Throws CallError where a call was kept from this destination. */
export function refuseDenied(ruling: Ruling | undefined, target: Target): void {
  const denial = ruling?.denied?.get(target);
  if (denial !== undefined) throw new CallError("permission_denied", denial.reason, denial.message);
}

/** Stands between the calls of a lane and the services that their route leads to. */
export interface Checkpoint {
  readonly reads: Reads;
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

interface Guarded {
  readonly target: Target;
  readonly gate: Gate;
}

/**
 * The checkpoint of a lane; undefined where its calls pass unseen. Policies are those of the services that calls are led to, with the path
 * that they get there. A copy for a mirror is checked too.
 */
export function checkpointTo(routes: RouteTable, passage: Passage): Checkpoint | undefined {
  if (!routes.hasPolicies) return undefined;
  const { peer, route } = passage;
  const gates = new Map<string, Gate | undefined>();
  const guarded: Guarded[] = [];
  const copies = (route.mirrors ?? []).flatMap(({ route: mirror }) => mirror.targets);
  for (const target of [...route.targets, ...copies]) {
    const { key, path } = calledBy(passage, target);
    const id = `${printServiceKey(key)}\n${path}`;
    if (!gates.has(id)) gates.set(id, routes.hostOf(printServiceKey(key))?.policies?.gate(peer, path));
    const gate = gates.get(id);
    if (gate !== undefined && (gate.reads !== "nothing" || gate.denial !== undefined)) guarded.push({ target, gate });
  }
  return guarded.length === 0 ? undefined : new TargetCheckpoint(route, guarded);
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
  readonly #route: CompiledRoute;
  readonly #guarded: readonly Guarded[];
  readonly #only: Gate | undefined;

  constructor(route: CompiledRoute, guarded: readonly Guarded[]) {
    this.#route = route;
    this.#guarded = guarded;
    const first = guarded[0]!.gate;
    const guards = new Set(guarded.map(({ target }) => target));
    // The gate of every destination: mostly there is one.
    this.#only =
      guarded.every(({ gate }) => gate === first) && route.targets.every((target) => guards.has(target))
        ? first
        : undefined;
    const reads = guarded.map(({ gate }) => gate.reads);
    this.reads = reads.includes("arguments") ? "arguments" : reads.includes("headers") ? "headers" : "nothing";
  }

  judge(call: AskedCall): Ruling | undefined {
    if (this.#only !== undefined) {
      const denial = this.#only.decide(call);
      return denial === undefined ? undefined : { denial, denied: undefined };
    }
    const decided = new Map<Gate, Denial | undefined>();
    const denied = new Map<Target, Denial>();
    for (const { target, gate } of this.#guarded) {
      if (!decided.has(gate)) decided.set(gate, gate.decide(call));
      const denial = decided.get(gate);
      if (denial !== undefined) denied.set(target, denial);
    }
    if (denied.size === 0) return undefined;
    const { targets } = this.#route;
    return { denial: targets.every((target) => denied.has(target)) ? denied.get(targets[0]!) : undefined, denied };
  }
}

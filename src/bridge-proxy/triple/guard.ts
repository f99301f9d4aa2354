import { ProtocolError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import { type Checkpoint, checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import type { Gate } from "../authz/gate.ts";
import { genericMethods, otherCase } from "../authz/names.ts";
import type { Peer } from "../authz/peer.ts";
import type { SerializationCheck } from "../authz/serialization.ts";
import { typesOf } from "../dubbo/readings.ts";
import type { CompiledRoute, HostDecision, RouteTable } from "../route.ts";
import { serviceFor } from "../upstream/any-service.ts";
import type { GenericCall, LaneGuard, TripleLane } from "./lanes.ts";
import { isFramed, onceLookup, policyLookup, refuseDoubleHeads } from "./readings.ts";
import { leadByToken } from "./token-lane.ts";

/** What stands between a lane's calls and where their routes lead. */
class RouteGuard implements LaneGuard {
  readonly #routes: RouteTable;
  readonly #peer: Peer;
  /** Of gRPC's own services, which go where other calls do: their own path. */
  readonly #path: string | undefined;
  readonly #outside: boolean;
  readonly #head: CallHead;
  readonly #fields: Fields;
  #watching: readonly Gate[] = [];
  /** By decision and route: one call of a generic method is another's twin in both. */
  #last:
    | { readonly decision: HostDecision; readonly route: CompiledRoute; readonly checkpoint: Checkpoint | undefined }
    | undefined;

  constructor(
    routes: RouteTable,
    peer: Peer,
    { path, outside, head, fields }: { path: string | undefined; outside: boolean; head: CallHead; fields: Fields },
  ) {
    this.#outside = outside;
    this.#head = head;
    this.#fields = fields;
    this.#routes = routes;
    this.#peer = peer;
    this.#path = path;
  }

  /** The checkpoint for calls that were so decided; undefined where none stands in the way. */
  checkpoint(decision: HostDecision, route: CompiledRoute): Checkpoint | undefined {
    const last = this.#last;
    if (last?.decision === decision && last.route === route) return last.checkpoint;
    const checkpoint = this.#checkpoint(decision, route);
    this.#last = { decision, route, checkpoint };
    return checkpoint;
  }

  #checkpoint(decision: HostDecision, route: CompiledRoute, generic?: GenericCall): Checkpoint | undefined {
    const passage = { peer: this.#peer, decision, route };
    if (this.#path !== undefined) return checkpointTo(this.#routes, { ...passage, path: this.#path });
    const { method, host } = decision;
    const named =
      generic === undefined ? [] : genericMethods(host.key.interface, method, typesOf(generic.genericTypes()));
    return checkpointTo(this.#routes, passage, [...otherCase(method), ...named]);
  }

  /** All routes of the service count: which one a call takes, a message of it may have to tell. */
  watch({ host, method }: HostDecision): void {
    const targets = host.routes.flatMap((route) => [
      ...route.targets,
      ...(route.mirrors ?? []).flatMap(({ route: mirror }) => mirror.targets),
    ]);
    const path = this.#path ?? `/${host.key.interface}/${method}`;
    const gates = targets.map(({ cluster }) => {
      const service = printServiceKey(serviceFor(cluster.service, host.key));
      return this.#routes.hostOf(service)?.policies?.gate(this.#peer, path);
    });
    this.#watching = [...new Set(gates)].flatMap((gate) => (gate?.inspects === true ? [gate] : []));
  }

  get inspects(): boolean {
    return this.#watching.length > 0;
  }

  inspect(fault: (check: SerializationCheck) => string | undefined): Denial | undefined {
    for (const gate of this.#watching) {
      const denial = gate.inspect(fault);
      if (denial !== undefined) return denial;
    }
    return undefined;
  }

  asksArguments(decision: HostDecision, route: CompiledRoute): boolean {
    return !this.#outside && this.checkpoint(decision, route)?.reads === "arguments";
  }

  rule(decision: HostDecision, route: CompiledRoute, header: HeaderLookup, generic?: GenericCall): Ruling | undefined {
    try {
      const checkpoint =
        generic === undefined ? this.checkpoint(decision, route) : this.#checkpoint(decision, route, generic);
      const seen = this.#outside
        ? outsideLookup(this.#fields, header, decision)
        : policyLookup(this.#fields, this.#head, header);
      return checkpoint?.judge({ header: seen });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { denial: { reason: "undecodable", message: error.message, policy: "" }, denied: undefined };
    }
  }
}

const guarded = new WeakMap<TripleLane, TripleLane>();

/**
 * The lane of calls with these fields with a guard, where there are policies at all. One whose policies ask for arguments needs its message; one
 * that can be read in several ways is refused. Where its routes go by tokens, the call's own is asked; `hasWaited`: for good.
 */
export function guardLane(lane: TripleLane, peer: Peer, fields: Fields, hasWaited = false): TripleLane {
  const found = withGuard(lane, peer, fields);
  return lane.asksToken === true && found.refusal === undefined ? leadByToken(found, peer, fields, hasWaited) : found;
}

function withGuard(lane: TripleLane, peer: Peer, fields: Fields): TripleLane {
  const { config, decision, head, route } = lane;
  if (!config.routes.hasPolicies || decision === undefined || head === undefined) return lane;
  const known = guarded.get(lane);
  if (known !== undefined) return known;
  const isOwn = head.interface === decision.host.key.interface;
  const outside = lane.outside === true;
  const path = isOwn ? undefined : `/${head.interface}/${head.method}`;
  const fault = outside ? undefined : faultOf(lane, head, fields);
  if (fault !== undefined) {
    const refusal = { reason: "undecodable", message: fault } as const;
    return { ...lane, refusal, route: undefined, needsMessage: false };
  }
  const guard = new RouteGuard(config.routes, peer, { path, outside, head, fields });
  if (config.routes.hasGuards) guard.watch(decision);
  const asks = route !== undefined && guard.asksArguments(decision, route);
  const made: TripleLane = { ...lane, guard, ...(asks && isFramed(head) && { needsMessage: true }) };
  guarded.set(lane, made);
  return made;
}

/** What can be read of the call's head in several ways. */
function faultOf({ config: { routes } }: TripleLane, head: CallHead, fields: Fields): string | undefined {
  try {
    refuseDoubleHeads(fields, head, routes.decide(head.interface, head.version, head.method));
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
}

/** Headers of a request from outside as policies see them: what only the mesh says is not there, and arguments are not read. */
export function outsideLookup(fields: Fields, lookup: HeaderLookup, { host }: HostDecision): HeaderLookup {
  const once = onceLookup(fields, lookup);
  return (name) => {
    if (name.startsWith(ARGUMENT))
      throw new ProtocolError("triple", `a policy asks for ${name}, which is not read of calls from outside`);
    if (name === "dubbo-group") return host.key.group || undefined;
    if (name === "dubbo-version") return host.key.version || undefined;
    return name === "dubbo-application" ? undefined : once(name);
  };
}

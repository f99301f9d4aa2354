import { ProtocolError } from "../../base/errors.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { type Checkpoint, checkpointTo, type Ruling } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import type { CompiledRoute, HostDecision, RouteTable } from "../route.ts";
import type { LaneGuard, TripleLane } from "./lanes.ts";

const ARGUMENT = "dubbo-arg-";

/** What stands between a lane's calls and where their routes lead. */
class RouteGuard implements LaneGuard {
  readonly #routes: RouteTable;
  readonly #peer: Peer;
  /** Of gRPC's own services, which go where other calls do: their own path. */
  readonly #path: string | undefined;
  readonly #outside: boolean;
  /** By decision and route: one call of a generic method is another's twin in both. */
  #last:
    | { readonly decision: HostDecision; readonly route: CompiledRoute; readonly checkpoint: Checkpoint | undefined }
    | undefined;

  constructor(routes: RouteTable, peer: Peer, { path, outside }: { path: string | undefined; outside: boolean }) {
    this.#outside = outside;
    this.#routes = routes;
    this.#peer = peer;
    this.#path = path;
  }

  /** The checkpoint for calls that were so decided; undefined where none stands in the way. */
  checkpoint(decision: HostDecision, route: CompiledRoute): Checkpoint | undefined {
    const last = this.#last;
    if (last?.decision === decision && last.route === route) return last.checkpoint;
    const path = this.#path === undefined ? {} : { path: this.#path };
    const checkpoint = checkpointTo(this.#routes, { peer: this.#peer, decision, route, ...path });
    this.#last = { decision, route, checkpoint };
    return checkpoint;
  }

  rule(decision: HostDecision, route: CompiledRoute, header: HeaderLookup): Ruling | undefined {
    const checkpoint = this.checkpoint(decision, route);
    if (checkpoint === undefined) return undefined;
    try {
      return checkpoint.judge({ header: this.#outside ? outsideLookup(header, decision) : header });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { denial: { reason: "undecodable", message: error.message, policy: "" }, denied: undefined };
    }
  }
}

const guarded = new WeakMap<TripleLane, TripleLane>();

/** The lane with a guard, where there are policies at all. One whose policies ask for arguments needs its message. */
export function guardLane(lane: TripleLane, peer: Peer): TripleLane {
  const { config, decision, head, route } = lane;
  if (!config.routes.hasPolicies || decision === undefined || head === undefined) return lane;
  const known = guarded.get(lane);
  if (known !== undefined) return known;
  const isOwn = head.interface === decision.host.key.interface;
  const outside = lane.outside === true;
  const path = isOwn ? undefined : `/${head.interface}/${head.method}`;
  const guard = new RouteGuard(config.routes, peer, { path, outside });
  const asks = route !== undefined && !outside && guard.checkpoint(decision, route)?.reads === "arguments";
  const made: TripleLane = { ...lane, guard, ...(asks && { needsMessage: true }) };
  guarded.set(lane, made);
  return made;
}

/** Headers of a request from outside as policies see them: what only the mesh says is not there, and arguments are not read. */
function outsideLookup(lookup: HeaderLookup, { host }: HostDecision): HeaderLookup {
  return (name) => {
    if (name.startsWith(ARGUMENT))
      throw new ProtocolError("triple", `a policy asks for ${name}, which is not read of calls from outside`);
    if (name === "dubbo-group") return host.key.group || undefined;
    if (name === "dubbo-version") return host.key.version || undefined;
    return name === "dubbo-application" ? undefined : lookup(name);
  };
}

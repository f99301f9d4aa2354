import type { Fields } from "../../codecs/fields.ts";
import type { Peer } from "../authz/peer.ts";
import { vouchedPeer } from "../authz/vouched.ts";
import type { ProxyContext } from "../context.ts";
import type { HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { guardLane } from "./guard.ts";
import { laneOf, type TripleLane } from "./lanes.ts";
import type { Arrived, ServedRequest } from "./served.ts";
import { serveCall } from "./watch.ts";

/** What the requests of one connection are led by: it is made for each connection. */
export interface Entrance {
  /** The most content that a request over HTTP/1.1 may have, bytes; the proxy's own limit unless said. */
  readonly maxContentBytes?: number | undefined;
  /** What serves the request; it is not started. */
  admit(arrived: Arrived): ServedRequest;
}

/** Makes a connection's entrance. */
export type CreateEntrance = (context: ProxyContext, config: () => RuntimeConfig, peer: Peer) => Entrance;

/** The entrance of callers in the mesh: a path is `/interface/method`. */
export class MeshEntrance implements Entrance {
  readonly #context: ProxyContext;
  readonly #config: () => RuntimeConfig;
  readonly #peer: Peer;
  /** What the last call was for: gRPC's own services of a server go there too. */
  #lastHost: HostDecision | undefined;

  constructor(context: ProxyContext, config: () => RuntimeConfig, peer: Peer) {
    this.#context = context;
    this.#config = config;
    this.#peer = peer;
  }

  admit(arrived: Arrived): ServedRequest {
    const { head, shared } = arrived;
    return serveCall(this.#context, arrived, (hasWaited) => this.#laneOf(head.fields, shared, hasWaited));
  }

  #laneOf(fields: Fields, shared: boolean, hasWaited: boolean | undefined): TripleLane {
    const lane = laneOf(this.#config(), this.#peer.address, fields, this.#lastHost, shared);
    this.#lastHost = lane.decision ?? this.#lastHost;
    return guardLane(lane, vouchedPeer(this.#peer, this.#config().identityOf), fields, hasWaited);
  }
}

/** Makes a {@link MeshEntrance}. */
export const meshEntrance: CreateEntrance = (context, config, peer) => new MeshEntrance(context, config, peer);

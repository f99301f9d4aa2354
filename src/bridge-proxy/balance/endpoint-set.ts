import type { EndpointOf } from "../upstream/endpoint.ts";
import type { HostPool, UpstreamConnection } from "../upstream/host.ts";
import { mix } from "./hash.ts";
import { isWarming, type Layout, layOut, type Part, type PartRules, shareOut } from "./parts.ts";
import type { BalancePlan } from "./plan.ts";
import type { Choose } from "./policies.ts";

const WARMUP_STEP_MS = 1_000;
const HASHES = 2 ** 32;

/** How much of a priority may fail before others get of its calls; what Envoy takes unless told. */
export const OVERPROVISIONING = 1.4;

/**
 * Endpoints to choose one from. What can be known without a call (who is connected, drained, ejected, warming up, which share a priority
 * gets) is worked out when a host's state changes, at most; a choice itself only draws from a ready list.
 */
export class EndpointSet<C extends UpstreamConnection> {
  readonly endpoints: readonly EndpointOf<C>[];
  readonly #hosts: HostPool<C>;
  readonly #create: () => Choose;
  readonly #rules: PartRules;
  readonly #layout: Layout<EndpointOf<C>>;
  /** By part: each has turns of its own. */
  readonly #chooses: Map<string, Choose>;
  #seenVersion = -1;
  #freshUntilMs = 0;
  #parts: readonly Part<EndpointOf<C>>[] = [];
  /** The only part's, where there is one: nothing has to be looked up for it. */
  #choose: Choose | undefined;

  /** `before`: the set in whose place it stands, whose turns go on; it is of no use afterwards. */
  constructor(
    endpoints: readonly EndpointOf<C>[],
    plan: BalancePlan,
    hosts: HostPool<C>,
    overprovisioning = OVERPROVISIONING,
    before?: EndpointSet<C>,
  ) {
    this.endpoints = endpoints;
    this.#hosts = hosts;
    this.#create = plan.create;
    this.#chooses = before !== undefined && before.#create === plan.create ? before.#chooses : new Map();
    this.#rules = { ...plan, overprovisioning };
    this.#layout = layOut(endpoints);
  }

  /**
   * Chooses an endpoint, preferring connected ones over those that have to be connected to; undefined where none may take a call.
   * Endpoints whose host is in `avoid` are left out. `wallMs` is the time of day, for warm-up. `hash`, from 0 to 2^32 - 1, is what a ring
   * or a table is asked with; without one those choose at random.
   */
  pick(wallMs: number, random: () => number, avoid?: readonly object[], hash?: number): EndpointOf<C> | undefined {
    if (avoid !== undefined && avoid.length > 0)
      return this.#draw(shareOut(this.#layout, this.#rules, wallMs, avoid), wallMs, random, hash);
    if (this.#seenVersion !== this.#hosts.version || wallMs >= this.#freshUntilMs) this.#refresh(wallMs);
    return this.#choose === undefined
      ? this.#draw(this.#parts, wallMs, random, hash)
      : this.#drawFrom(this.#parts[0]!, this.#choose, wallMs, random, hash);
  }

  /** Whether an endpoint is connected whose host is not in `avoid`. */
  hasReady(avoid: readonly object[]): boolean {
    return this.endpoints.some(
      ({ host, healthy, record }) =>
        host.state === "ready" && !host.draining && healthy && record?.ejected !== true && !avoid.includes(host),
    );
  }

  #draw(
    parts: readonly Part<EndpointOf<C>>[],
    wallMs: number,
    random: () => number,
    hash: number | undefined,
  ): EndpointOf<C> | undefined {
    if (parts.length === 0) return undefined;
    const point = parts.length === 1 ? 0 : hash === undefined ? random() : mix(~hash) / HASHES;
    const part = parts.find(({ upTo }) => point < upTo) ?? parts.at(-1)!;
    return this.#drawFrom(part, this.#chooseOf(part.name), wallMs, random, hash);
  }

  #drawFrom(
    part: Part<EndpointOf<C>>,
    choose: Choose,
    wallMs: number,
    random: () => number,
    hash: number | undefined,
  ): EndpointOf<C> {
    const { candidates } = part;
    return candidates.length === 1 ? candidates[0]!.endpoint : choose(part, random, hash, wallMs).endpoint;
  }

  #chooseOf(name: string): Choose {
    let choose = this.#chooses.get(name);
    if (choose === undefined) {
      choose = this.#create();
      this.#chooses.set(name, choose);
    }
    return choose;
  }

  #refresh(wallMs: number): void {
    for (const { host, healthy } of this.endpoints) if (healthy) host.warm();
    this.#seenVersion = this.#hosts.version;
    this.#parts = shareOut(this.#layout, this.#rules, wallMs);
    this.#choose = this.#parts.length === 1 ? this.#chooseOf(this.#parts[0]!.name) : undefined;
    const warming = this.endpoints.some((endpoint) => isWarming(endpoint, this.#rules, wallMs));
    this.#freshUntilMs = warming ? wallMs + WARMUP_STEP_MS : Number.POSITIVE_INFINITY;
  }
}

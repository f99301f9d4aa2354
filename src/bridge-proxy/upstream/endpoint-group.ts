import type { LbEndpoint, LbPolicy } from "../../codecs/xds/resources.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/resources.ts";
import { EndpointSet } from "../balance/endpoint-set.ts";
import type { EndpointOf } from "./endpoint.ts";
import type { HostPool, UpstreamConnection } from "./host.ts";

/** The endpoints of a cluster that speak one protocol, by tag. */
export class EndpointGroup<C extends UpstreamConnection> {
  readonly #lbPolicy: LbPolicy;
  readonly #hosts: HostPool<C>;
  #endpoints: readonly EndpointOf<C>[] = [];
  #tagged: ReadonlyMap<string, EndpointSet<C>> = new Map();
  #untagged: EndpointSet<C>;
  #setsToken = false;
  #hasTags = false;

  constructor(lbPolicy: LbPolicy, hosts: HostPool<C>) {
    this.#lbPolicy = lbPolicy;
    this.#hosts = hosts;
    this.#untagged = new EndpointSet([], lbPolicy, hosts);
  }

  get endpoints(): readonly EndpointOf<C>[] {
    return this.#endpoints;
  }

  /** The endpoints without a tag, and all of them where none has one. */
  get untagged(): EndpointSet<C> {
    return this.#untagged;
  }

  /** There is no endpoint, or none that could be connected to when that was tried last. */
  get isDown(): boolean {
    return this.#endpoints.every(({ host }) => host.state === "down");
  }

  /** Whether endpoints differ by tag: then a call's own tag has to be read. */
  get hasTags(): boolean {
    return this.#hasTags;
  }

  /** Whether each call must carry the chosen endpoint's own token. */
  get setsToken(): boolean {
    return this.#setsToken;
  }

  /** Replaces the endpoints. Whether calls have to be read otherwise than before: for tags, for tokens, or as there are some now or none. */
  update(resources: readonly LbEndpoint[]): boolean {
    const before = [this.#hasTags, this.#setsToken, this.#endpoints.length === 0];
    this.#endpoints = resources.map((resource) => toEndpoint(resource, this.#hosts));
    const tags = new Set(this.#endpoints.map(({ tag }) => tag));
    this.#tagged = new Map([...tags].map((tag) => [tag, this.#setOf(tag)]));
    this.#untagged = this.#tagged.get("") ?? new EndpointSet([], this.#lbPolicy, this.#hosts);
    this.#hasTags = tags.size > 1 || (tags.size === 1 && !tags.has(""));
    this.#setsToken = new Set(this.#endpoints.map(({ token }) => token)).size > 1;
    const now = [this.#hasTags, this.#setsToken, this.#endpoints.length === 0];
    return now.some((value, i) => value !== before[i]);
  }

  /** The endpoints for a call with this tag, by Dubbo's rule: those with the tag; where there are none, those without any, unless the tag is forced. */
  forTag(tag: string, forced: boolean): EndpointSet<C> | undefined {
    if (tag === "") return this.untagged;
    return this.#tagged.get(tag) ?? (forced ? undefined : this.untagged);
  }

  #setOf(tag: string): EndpointSet<C> {
    const endpoints = this.#endpoints.filter((endpoint) => endpoint.tag === tag);
    return new EndpointSet(endpoints, this.#lbPolicy, this.#hosts);
  }
}

function toEndpoint<C extends UpstreamConnection>(resource: LbEndpoint, hosts: HostPool<C>): EndpointOf<C> {
  const { address, portValue } = resource.endpoint.address.socketAddress;
  const facts = resource.metadata?.filterMetadata[TRESTLE_METADATA];
  return {
    host: hosts.host(address, portValue),
    weight: resource.loadBalancingWeight,
    warmupMs: facts?.warmupMs ?? 0,
    startedAtMs: facts?.startedAtMs ?? 0,
    tag: facts?.tag ?? "",
    token: facts?.token ?? "",
    payloadBytes: facts?.payloadBytes ?? 0,
    takesWrapper: facts?.takesWrapper ?? false,
    refusesJson: facts?.refusesJson ?? false,
  };
}

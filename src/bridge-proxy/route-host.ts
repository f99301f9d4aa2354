import { ANY_DOMAIN, type VirtualHost } from "../codecs/xds/route.ts";
import { parseServiceKey, type ServiceKey } from "../model/service.ts";
import type { HostAuthz } from "./authz/gate.ts";
import type { HostLimits } from "./policies/limits.ts";

/** Which services a virtual host is for. */
export interface DomainKeys {
  readonly keys: readonly ServiceKey[];
  /** It takes whatever no other does. */
  readonly isForAny: boolean;
}

const domainKeys = new WeakMap<VirtualHost, DomainKeys>();

/** What a virtual host's domains say; read once, however often tables are made. */
export function keysOf(virtualHost: VirtualHost): DomainKeys {
  let known = domainKeys.get(virtualHost);
  if (known === undefined) {
    const { name, domains } = virtualHost;
    // A service whose key is its host has one domain alone.
    const own = domains.filter((domain) => domain !== ANY_DOMAIN && (domain !== name || domains.length === 1));
    known = { keys: own.map(parseServiceKey), isForAny: domains.includes(ANY_DOMAIN) };
    domainKeys.set(virtualHost, known);
  }
  return known;
}

/** How the parts of a virtual host are made. */
export interface HostMakers<Route> {
  readonly routes: () => readonly Route[];
  /** Undefined where nobody restricts its calls. */
  readonly policies: (() => HostAuthz) | undefined;
  readonly limits: HostLimits | undefined;
}

/**
 * What the hosts of one virtual host share. Made when first called: a change of one rule must not hold up all calls for as long as ten
 * thousand services take.
 */
export class HostParts<Route> {
  readonly name: string;
  readonly limits: HostLimits | undefined;
  readonly #makers: HostMakers<Route>;
  #routes: readonly Route[] | undefined;
  #policies: HostAuthz | undefined;

  constructor(name: string, makers: HostMakers<Route>) {
    this.name = name;
    this.limits = makers.limits;
    this.#makers = makers;
  }

  get routes(): readonly Route[] {
    this.#routes ??= this.#makers.routes();
    return this.#routes;
  }

  get policies(): HostAuthz | undefined {
    this.#policies ??= this.#makers.policies?.();
    return this.#policies;
  }
}

/** The routes of one service key: what a table of routes has of it. */
export class Host<Route> {
  readonly key: ServiceKey;
  readonly #parts: HostParts<Route>;

  constructor(key: ServiceKey, parts: HostParts<Route>) {
    this.key = key;
    this.#parts = parts;
  }

  get host(): string {
    return this.#parts.name;
  }

  get routes(): readonly Route[] {
    return this.#parts.routes;
  }

  get policies(): HostAuthz | undefined {
    return this.#parts.policies;
  }

  get limits(): HostLimits | undefined {
    return this.#parts.limits;
  }
}

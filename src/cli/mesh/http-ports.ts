import { printAddress } from "../../base/address.ts";
import type { Logger } from "../../base/log.ts";
import { assignPorts, httpServices } from "../../control/compile/http-ports.ts";
import type { Entry, Finding } from "../../model/entry.ts";
import type { TrestleConfig } from "../config/config.ts";
import { ownListeners } from "../config/conflicts.ts";
import { isInUse } from "./listeners.ts";

/** Which port each service that speaks HTTP has: kept as long as this process lives. */
export class HttpPorts {
  readonly #config: TrestleConfig;
  readonly #log: Logger;
  /** Also of services that are gone: one that comes back has its port again. */
  #known: ReadonlyMap<string, number> = new Map();
  #current: ReadonlyMap<string, number> = new Map();
  readonly #inUse = new Set<number>();
  #findings: readonly Finding[] = [];

  constructor(config: TrestleConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** By printed service key. */
  get current(): ReadonlyMap<string, number> {
    return this.#current;
  }

  /** Services without a port, and ports that somebody else has. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Gives ports to the services of these entries; a new port is one that nobody listens on. */
  async assign(entries: readonly Entry[]): Promise<void> {
    const services = httpServices(entries);
    const { proxy } = this.#config;
    for (;;) {
      const taken = new Set([...ownListeners(this.#config).map(({ port }) => port), ...this.#inUse]);
      const assigned = assignPorts(services, { ...proxy.http, taken }, this.#known);
      const fresh = [...assigned].filter(([service, port]) => this.#known.get(service) !== port);
      const tried = await Promise.all(fresh.map(async ([, port]) => [port, await isInUse(proxy.bind, port)] as const));
      const refused = tried.flatMap(([port, inUse]) => (inUse ? [port] : []));
      for (const port of refused) {
        this.#inUse.add(port);
        this.#log.warn(`${printAddress(proxy.bind, port)} is in use: a service that speaks HTTP gets another port`);
      }
      if (refused.length > 0) continue;
      // A port that went to another service is forgotten for the one that had it before.
      const given = new Set(assigned.values());
      this.#known = new Map([...[...this.#known].filter(([, port]) => !given.has(port)), ...assigned]);
      this.#current = assigned;
      this.#findings = this.#report(services.filter((service) => !assigned.has(service)));
      return;
    }
  }

  #report(without: readonly string[]): readonly Finding[] {
    const { from, to } = this.#config.proxy.http;
    return [
      ...[...this.#inUse].map(
        (port): Finding => ({
          code: "TR0601",
          severity: "warning",
          message: `port ${port} of proxy.http is in use; the service that it would be for has another one`,
          at: "proxy.http",
        }),
      ),
      ...without.map(
        (service): Finding => ({
          code: "TR0602",
          severity: "error",
          message: `no port from ${from} to ${to} is left for ${service}; widen proxy.http`,
          at: service,
        }),
      ),
    ];
  }
}

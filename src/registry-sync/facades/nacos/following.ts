import { isRecord, type NacosBody, textOf, wholeOf } from "../../../codecs/nacos/body.ts";
import type { ServiceAddress } from "../../../codecs/nacos/messages.ts";
import type { PresentContext } from "../../present/context.ts";
import type { NacosQuestion } from "../../present/nacos.ts";
import { hostsOf, withHosts } from "../../present/nacos.ts";
import { parseDubboServiceName } from "../../present/nacos-urls.ts";
import { serviceText } from "./memory.ts";
import { type RealList, refMsOf, type SharedServices, type ShownList } from "./services.ts";

/** Most subscriptions of one client that are followed; what is told of others is changed as it passes, and not told anew. */
export const MAX_FOLLOWED = 20_000;

/**
 * How long instances that are missing at a new connection's server go on being shown, ms: their own clients register them there again only
 * every 3 s (redo of nacos-client), those of this facade at once.
 */
export const GRACE_MS = 6_000;
/** Of connections that follow each other closely each would have lists not shrink for longer: together they do for so long, ms. */
const MAX_GRACE_MS = 30_000;

/** A subscription of one client. */
export interface Followed {
  readonly service: ServiceAddress;
  readonly clusters: string;
  /** The service's object as the server sent it last, without its hosts. */
  readonly frame: NacosBody;
  readonly real: RealList;
  readonly serverRefMs: number;
  /** What the server says, where less than that is not shown yet. */
  readonly truth: RealList | undefined;
  /** JSON of what the client was shown last; undefined while it was shown nothing. */
  readonly shownText: string | undefined;
  /** Asked for once: what is told of it changes nothing of what is followed. */
  readonly isOnce: boolean;
}

/** Who asks, and what decides what is shown. */
export interface FollowingParts {
  readonly services: SharedServices;
  readonly context: () => PresentContext;
  readonly question: (service: ServiceAddress, clusters: string) => NacosQuestion;
  /** Whether the client, or this service's namespace, is shown what the server says. */
  readonly passes: (service: ServiceAddress) => boolean;
}

/** The subscriptions of one client, and what it was shown of each. */
export class Following {
  readonly #parts: FollowingParts;
  readonly #followed = new Map<string, Followed>();
  /** Keys of lists of Dubbo's providers, by interface; the others under `""`. */
  readonly #byInterface = new Map<string, Set<string>>();
  /** Until then lists shrink for no client of a connection that was made again. */
  #graceMs = 0;
  #graceFromMs: number | undefined;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** The subscriptions that may be shown otherwise where the lists of providers of these interfaces may; undefined for any. */
  concernedBy(interfaces: ReadonlySet<string> | undefined): readonly Followed[] {
    if (interfaces === undefined) return [...this.#followed.values()];
    return ["", ...interfaces].flatMap((name) =>
      Array.from(this.#byInterface.get(name) ?? [], (key) => this.#followed.get(key)!),
    );
  }

  /** The server's end was made anew: for a while lists do not shrink. */
  beginGrace(nowMs: number): void {
    this.#graceFromMs ??= nowMs;
    this.#graceMs = Math.min(nowMs + GRACE_MS, this.#graceFromMs + MAX_GRACE_MS);
  }

  /** When lists may shrink again, ms since 1970; undefined where none is held. */
  get graceEndsMs(): number | undefined {
    return this.#graceMs === 0 ? undefined : this.#graceMs;
  }

  /** Ends the grace; gives the subscriptions whose lists were held, as the server says they are. */
  endGrace(): Followed[] {
    this.#graceMs = 0;
    this.#graceFromMs = undefined;
    const changed: Followed[] = [];
    for (const [key, one] of this.#followed) {
      if (one.truth === undefined) continue;
      const next = { ...one, real: one.truth, truth: undefined };
      this.#followed.set(key, next);
      changed.push(next);
    }
    return changed;
  }

  /** The subscription of a service. */
  find(service: ServiceAddress, clusters: string): Followed | undefined {
    return this.#followed.get(`${serviceText(service)}\n${clusters}`);
  }

  /**
   * Notes what the server says of a service: `begin` follows it from now on, `known` counts where it is followed already, `once` is not kept.
   */
  note(
    service: ServiceAddress,
    clusters: string,
    info: NacosBody,
    how: "begin" | "known" | "once",
    nowMs: number,
  ): Followed {
    const key = `${serviceText(service)}\n${clusters}`;
    const before = how === "once" ? undefined : this.#followed.get(key);
    const said = this.#parts.services.share(key, info);
    const real = nowMs < this.#graceMs && before !== undefined ? this.#grown(key, before.real, said, info) : said;
    const next: Followed = {
      service,
      clusters,
      frame: { ...info, hosts: [] },
      real,
      serverRefMs: refMsOf(info),
      truth: real === said ? undefined : said,
      shownText: before?.shownText,
      isOnce: how === "once",
    };
    const isKept = before !== undefined || (how === "begin" && this.#followed.size < MAX_FOLLOWED);
    if (!isKept) return next;
    this.#followed.set(key, next);
    if (before === undefined) {
      const name = interfaceOf(service);
      const keys = this.#byInterface.get(name);
      if (keys === undefined) this.#byInterface.set(name, new Set([key]));
      else keys.add(key);
    }
    return next;
  }

  /** The client follows a service no more. */
  forget(service: ServiceAddress, clusters: string): void {
    const key = `${serviceText(service)}\n${clusters}`;
    if (!this.#followed.delete(key)) return;
    const name = interfaceOf(service);
    const keys = this.#byInterface.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#byInterface.delete(name);
  }

  /** What the client is to be shown of a service now. */
  shown(one: Followed): ShownList {
    const { services, context, question, passes } = this.#parts;
    return services.shown(one.real, question(one.service, one.clusters), context(), passes(one.service));
  }

  /** The service's object to send for what is shown; notes that it was shown. */
  object(one: Followed, shown: ShownList): NacosBody {
    const key = `${serviceText(one.service)}\n${one.clusters}`;
    const newest = one.isOnce ? undefined : this.#followed.get(key);
    if (newest !== undefined) this.#followed.set(key, { ...newest, shownText: shown.text });
    const lastRefTime = this.#parts.services.refMs(key, shown, one.serverRefMs);
    return { ...withHosts(one.frame, shown.hosts), lastRefTime };
  }

  /** What the server says, and what it said before of instances that are not there now. */
  #grown(key: string, before: RealList, said: RealList, info: NacosBody): RealList {
    const known = new Set(hostsOf(info).map(hostText));
    const missing = before.hosts.filter((host) => !known.has(hostText(host)));
    if (missing.length === 0) return said;
    return this.#parts.services.share(key, { ...info, hosts: [...said.hosts, ...missing] });
  }
}

function interfaceOf({ serviceName }: ServiceAddress): string {
  const name = parseDubboServiceName(serviceName);
  return name?.category === "providers" ? name.interfaceName : "";
}

function hostText(host: unknown): string {
  if (!isRecord(host)) return "";
  return `${textOf(host, "ip")}#${wholeOf(host, "port", 0)}#${textOf(host, "clusterName")}`;
}

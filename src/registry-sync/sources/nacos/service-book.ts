import {
  groupedName,
  type NacosInstance,
  type NacosServiceInfo,
  readServiceInfo,
} from "../../../codecs/nacos/service-info.ts";

/** How much of a registry is kept. */
export interface NacosLimits {
  /** Services of all groups together. */
  readonly maxServices: number;
  /** Instances of all services together. */
  readonly maxInstances: number;
}

/** Unless told otherwise. */
export const DEFAULT_NACOS_LIMITS: NacosLimits = { maxServices: 20_000, maxInstances: 200_000 };

/** What taking an answer or a push did. */
export type Taken =
  /** It is another than before. */
  | "changed"
  | "same"
  /** It is older than what is known: the service is to be read again. */
  | "stale"
  /** It is no service. */
  | "unreadable";

interface Known {
  info: NacosServiceInfo;
  /** Answers in a row that were older than `info`. */
  older: number;
  /** Instances left out as unreadable or over a limit. */
  unreadable: number;
  over: number;
}

/**
 * The services of a Nacos as they are known, by `group@@name`. Instances that say the same as before are the same objects. Pure state.
 *
 * Servers, and answers beside pushes, overtake each other: what was made before what is known (`lastRefTime`) is not taken. Two answers
 * in a row to a question are taken however old they say to be: a server's clock may have been set back. Another server has another
 * clock: {@link ServiceBook.forgetTimes}.
 */
export class ServiceBook {
  readonly #limits: NacosLimits;
  readonly #clusters: ReadonlySet<string>;
  readonly #known = new Map<string, Known>();
  /** Those of which instances were left out. */
  readonly #faulty = new Map<string, Known>();
  /** Those that have instances which their server did not name. */
  readonly #held = new Set<string>();
  #instances = 0;

  /** Of no clusters all count. */
  constructor(limits: NacosLimits, clusters: readonly string[]) {
    this.#limits = limits;
    this.#clusters = new Set(clusters);
  }

  get(key: string): NacosServiceInfo | undefined {
    return this.#known.get(key)?.info;
  }

  /** Services of which instances were left out: how many were no instances, and how many over the limit. */
  get leftOut(): { readonly unreadable: number; readonly over: number; readonly example: string } {
    let unreadable = 0;
    let over = 0;
    let example = "";
    for (const [key, known] of this.#faulty) {
      example ||= key;
      unreadable += known.unreadable;
      over += known.over;
    }
    return { unreadable, over, example };
  }

  /** What comes next counts however old it is. */
  forgetTimes(): void {
    for (const known of this.#known.values()) known.info = { ...known.info, lastRefTime: 0 };
  }

  /** Those that kept instances which their server did not name; from now on they are none. */
  release(): readonly string[] {
    const keys = [...this.#held];
    this.#held.clear();
    return keys;
  }

  /** Takes a service as a server has it; `isAnswer` where it was asked for. Where it `keeps`, instances that are missing stay. */
  take(key: string, value: unknown, isAnswer: boolean, keeps = false): Taken {
    const known = this.#known.get(key);
    const room = this.#limits.maxInstances - this.#instances + (known?.info.hosts.length ?? 0);
    const reading = readServiceInfo(value, Math.max(0, room));
    if (reading === undefined || groupedName(reading.info.groupName, reading.info.name) !== key) return "unreadable";
    const { info, unreadable, over } = reading;
    if (known !== undefined && info.lastRefTime < known.info.lastRefTime) {
      if (!isAnswer || ++known.older < 2) return "stale";
    }
    const hosts = info.hosts.filter(({ clusterName }) => this.#clusters.size === 0 || this.#clusters.has(clusterName));
    const missing = keeps && known !== undefined ? missingIn(hosts, known.info.hosts) : [];
    if (missing.length > 0) this.#held.add(key);
    else this.#held.delete(key);
    const kept = keepSame(known?.info.hosts ?? [], [...hosts, ...missing].slice(0, Math.max(0, room)));
    const isSame =
      known !== undefined &&
      known.info.reachProtectionThreshold === info.reachProtectionThreshold &&
      known.info.hosts.length === kept.length &&
      kept.every((one, i) => one === known.info.hosts[i]);
    this.#instances += kept.length - (known?.info.hosts.length ?? 0);
    const now = { info: { ...info, hosts: kept }, older: 0, unreadable, over };
    this.#known.set(key, now);
    if (unreadable + over > 0) this.#faulty.set(key, now);
    else this.#faulty.delete(key);
    return isSame ? "same" : "changed";
  }

  /** The service is not there any more. Says whether it was. */
  drop(key: string): boolean {
    this.#instances -= this.#known.get(key)?.info.hosts.length ?? 0;
    this.#faulty.delete(key);
    this.#held.delete(key);
    return this.#known.delete(key);
  }
}

/** Those of `before` whose place none of `now` has. */
function missingIn(now: readonly NacosInstance[], before: readonly NacosInstance[]): readonly NacosInstance[] {
  const places = new Set(now.map(placeOf));
  return before.filter((one) => !places.has(placeOf(one)));
}

/** Those of `now`, each the object of `before` that says the same. */
function keepSame(before: readonly NacosInstance[], now: readonly NacosInstance[]): readonly NacosInstance[] {
  if (before.length === 0) return now;
  const old = new Map(before.map((one) => [placeOf(one), one]));
  return now.map((one) => {
    const other = old.get(placeOf(one));
    return other !== undefined && saysSame(other, one) ? other : one;
  });
}

function placeOf({ ip, port, clusterName, metadata }: NacosInstance): string {
  return `${ip}#${port}#${clusterName}#${metadata["protocol"] ?? ""}`;
}

function saysSame(a: NacosInstance, b: NacosInstance): boolean {
  if (!Object.is(a.weight, b.weight) || a.healthy !== b.healthy || a.enabled !== b.enabled) return false;
  if (a.ephemeral !== b.ephemeral || a.instanceId !== b.instanceId) return false;
  const keys = Object.keys(a.metadata);
  return keys.length === Object.keys(b.metadata).length && keys.every((key) => a.metadata[key] === b.metadata[key]);
}

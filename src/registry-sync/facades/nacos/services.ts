import { forgetOldest } from "../../../base/bounded.ts";
import { type NacosBody, wholeOf } from "../../../codecs/nacos/body.ts";
import type { PresentContext } from "../../present/context.ts";
import { hostsOf, type NacosAnswer, type NacosQuestion, presentNacosHosts } from "../../present/nacos.ts";
import { basisOf, type ProvidersAsked, readProvidersAsked } from "../../present/nacos-basis.ts";

/** Services of which the newest list is kept in common; what is over it is only not shared. */
const MAX_SERVICES = 20_000;
/** Different lists of one service that are kept: of clients that are not up to date alike. */
const MAX_LISTS = 4;
/** Kinds of askers of one list. */
const MAX_ASKERS = 16;

/** What the server said of a service: shared by all clients that were told the same. */
export interface RealList {
  readonly hosts: readonly unknown[];
  /** The hosts as JSON: equal for equal lists. */
  readonly text: string;
}

/** What a client is shown of a list. */
export interface ShownList extends NacosAnswer {
  /** Equal for equal lists. */
  readonly text: string;
  /** Whether it differs from what the server said. */
  readonly isChanged: boolean;
  /** Equal for askers who are shown lists alike. */
  readonly kind: string;
}

/** How far ahead of the machine's date a server's time may be, ms. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/** Under which times a service was shown last, by kind of asker. */
interface ShownMs {
  newestMs: number;
  readonly kinds: Map<string, { readonly text: string; readonly refMs: number }>;
}

interface Kept extends RealList {
  readonly shown: Map<string, KeptShown>;
  /** What a context is asked about it; undefined while nobody was shown it. */
  asked?: { readonly providers: ProvidersAsked | undefined };
}

interface KeptShown {
  readonly context: PresentContext;
  /** What all contexts have in common under which it is shown so; undefined where only this one is known to. */
  readonly basis: string | undefined;
  readonly list: ShownList;
}

/**
 * The lists that clients of a facade know, and what they are shown: thousands of clients follow the same services, and what is worked
 * out once for one is the same for all.
 */
export class SharedServices {
  readonly #lists = new Map<string, Kept[]>();
  readonly #shownMs = new Map<string, ShownMs>();
  readonly #wallNow: () => number;

  /** `wallNow`: milliseconds since 1970 by the machine's date, which the servers' times are measured by. */
  constructor(wallNow: () => number) {
    this.#wallNow = wallNow;
  }

  /** The list of a service (by any text that names it), one object for equal ones. */
  share(service: string, info: NacosBody): RealList {
    const hosts = hostsOf(info);
    const text = JSON.stringify(hosts);
    const lists = this.#lists.get(service) ?? [];
    const known = lists.find((list) => list.text === text);
    if (known !== undefined) return known;
    const list: Kept = { hosts, text, shown: new Map() };
    lists.push(list);
    if (lists.length > MAX_LISTS) lists.shift();
    this.#lists.delete(service);
    this.#lists.set(service, lists);
    forgetOldest(this.#lists, MAX_SERVICES);
    return list;
  }

  /** What a client is shown of a list; `passes`: what the server said, whatever that is. */
  shown(list: RealList, question: NacosQuestion, context: PresentContext, passes: boolean): ShownList {
    if (passes) return { hosts: list.hosts, passed: [], soon: NONE, text: list.text, isChanged: false, kind: "" };
    const key = askerText(question);
    const cache = (list as Kept).shown;
    const known = cache.get(key);
    if (known !== undefined && known.context === context) return known.list;
    const basis = basisIn(list as Kept, question, context);
    if (known !== undefined && basis !== undefined && known.basis === basis) {
      cache.set(key, { ...known, context });
      return known.list;
    }
    const answer = presentNacosHosts(list.hosts, question, context);
    const isChanged = answer.hosts !== list.hosts;
    const shown = { ...answer, isChanged, text: isChanged ? JSON.stringify(answer.hosts) : list.text, kind: key };
    if (cache.size >= MAX_ASKERS) cache.clear();
    cache.set(key, { context, basis, list: shown });
    return shown;
  }

  /**
   * The `lastRefTime` under which a list is shown to one kind of askers: it never goes back, be the server another one with another clock,
   * and it grows where the list is another, for clients drop what is not newer. A time more than a day ahead is no time: kept, it would
   * have clients drop what the server itself tells them later.
   */
  refMs(service: string, { text, kind }: Pick<ShownList, "text" | "kind">, serverRefMs: number): number {
    const known = this.#shownMs.get(service) ?? { newestMs: 0, kinds: new Map() };
    const last = known.kinds.get(kind);
    // One who is of another kind than before has seen the newest at most.
    const before = last ?? { text: "", refMs: known.newestMs };
    const least = before.text === text || before.refMs === 0 ? before.refMs : before.refMs + 1;
    const refMs = Math.max(Math.min(serverRefMs, this.#wallNow() + MAX_AHEAD_MS), least);
    if (last === undefined && known.kinds.size >= MAX_ASKERS) known.kinds.clear();
    known.kinds.set(kind, { text, refMs });
    known.newestMs = Math.max(known.newestMs, refMs);
    this.#shownMs.delete(service);
    this.#shownMs.set(service, known);
    forgetOldest(this.#shownMs, MAX_SERVICES);
    return refMs;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** When a service's object was made, ms since 1970; 0 where it does not say. */
export function refMsOf(info: NacosBody): number {
  return Math.max(0, wholeOf(info, "lastRefTime", 0));
}

/** A context is new with each change in the mesh, and most say the same of most lists. */
function basisIn(list: Kept, { serviceName }: NacosQuestion, context: PresentContext): string | undefined {
  list.asked ??= { providers: readProvidersAsked(serviceName, list.hosts) };
  return list.asked.providers && basisOf(list.asked.providers, context);
}

function askerText({ clusters, ownCluster, asker }: NacosQuestion): string {
  const speaks = asker?.speaks.join(",") ?? "";
  const unled = asker === undefined || asker.unled.length === 0 ? "" : JSON.stringify(asker.unled);
  return `${clusters}\n${ownCluster}\n${speaks}\n${unled}`;
}

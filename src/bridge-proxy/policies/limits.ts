import { durationMs } from "../../codecs/xds/duration.ts";
import { type HeaderLines, meets } from "../../codecs/xds/header-lines.ts";
import { ARGUMENT, compileHeader, type HeaderLookup, type HeaderTest } from "../../codecs/xds/match.ts";
import {
  GLOBAL_LIMIT_FILTER,
  GLOBAL_STAGE,
  type GlobalRateLimit,
  type LimitAction,
  LOCAL_LIMIT_FILTER,
  LOCAL_STAGE,
} from "../../codecs/xds/rate-limit.ts";
import type { LimitAnswer } from "../../codecs/xds/rate-limit-service.ts";
import type { VirtualHost } from "../../codecs/xds/route.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A call as far as limits may ask for it. */
export interface LimitedCall {
  readonly interface: string;
  /** `""` where it cannot be read. */
  readonly method: string;
  /** Of an HTTP request; else it is `/interface/method`. */
  readonly path?: string | undefined;
  /** Throws `ProtocolError` where the call cannot be read that far. */
  readonly header: HeaderLookup;
  /** Of a call that may have several lines of one header. */
  readonly lines?: HeaderLines | undefined;
  /** This worker alone takes the service's calls, as with an HTTP port; else each worker has its share of a bucket. */
  readonly isAlone?: boolean | undefined;
}

/** Asks a rate limit service by its cluster; `done` gets the answer, or why there is none. What is returned gives up. */
export type SendLimit = (
  cluster: string,
  bytes: Uint8Array,
  timeoutMs: number,
  done: (answer: LimitAnswer | { readonly failure: string }) => void,
) => () => void;

/** What a rate limit service is asked for a call. */
export interface LimitAsked {
  readonly send: SendLimit;
  readonly cluster: string;
  readonly domain: string;
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly timeoutMs: number;
  /** Without an answer the call does not go on. */
  readonly deny: boolean;
}

/** Why a call that is over a limit is not carried. */
export const OVER_LIMIT = "rate limited";

/** How often a service may be called, compiled. */
export class HostLimits {
  /** A condition or a property is an argument: calls have to be read that far. */
  readonly asksArguments: boolean;
  readonly #conditions: readonly { readonly tests: readonly HeaderTest[]; readonly bucket: TokenBucket }[];
  readonly #bucket: TokenBucket | undefined;
  readonly #global: Global | undefined;
  /** Tokens of a call that other workers take too: so many share the calls, and each has a bucket of its own. */
  readonly #cost: number;
  readonly #send: SendLimit;

  constructor(
    virtualHost: Pick<VirtualHost, "typedPerFilterConfig" | "rateLimits">,
    workers: number,
    send: SendLimit = NOBODY_ANSWERS,
  ) {
    this.#send = send;
    const { typedPerFilterConfig = {}, rateLimits = [] } = virtualHost;
    this.#cost = workers;
    const names = rateLimits.flatMap(({ actions }) => actions.flatMap(namesOf));
    this.asksArguments = names.some((name) => name.startsWith(ARGUMENT));
    const local = typedPerFilterConfig[LOCAL_LIMIT_FILTER];
    const buckets = new Map(
      (local?.descriptors ?? []).map(({ entries, tokenBucket }) => [entries[0].value, new TokenBucket(tokenBucket)]),
    );
    this.#conditions = rateLimits
      .filter(({ stage }) => stage === LOCAL_STAGE)
      .flatMap(({ actions: [action] }) => {
        const { descriptorValue, headers } = action?.headerValueMatch ?? { descriptorValue: "", headers: [] };
        const bucket = buckets.get(descriptorValue);
        return bucket === undefined ? [] : [{ tests: headers.map(compileHeader), bucket }];
      });
    this.#bucket = local?.tokenBucket && new TokenBucket(local.tokenBucket);
    const global = typedPerFilterConfig[GLOBAL_LIMIT_FILTER];
    const actions = rateLimits.find(({ stage }) => stage === GLOBAL_STAGE)?.actions;
    this.#global = global && actions && compileGlobal(global, actions);
  }

  /** Takes a token for a call. Whether there was one, or none was needed. */
  take(call: LimitedCall, nowMs: number): boolean {
    const met = this.#conditions.find(({ tests }) => meetsCall(tests, call));
    const bucket = met?.bucket ?? this.#bucket;
    return bucket === undefined || bucket.take(nowMs, call.isAlone === true ? 1 : this.#cost);
  }

  /** What is to be asked for a call; undefined for nothing. A call that lacks a property that is told is not asked for. */
  question(call: LimitedCall): LimitAsked | undefined {
    const global = this.#global;
    if (global === undefined || !meetsCall(global.tests, call)) return undefined;
    const entries: (readonly [string, string])[] = [];
    for (const { property, key } of global.properties) {
      const value = propertyOf(property, call);
      if (value === undefined || value === "") return undefined;
      entries.push([key, value]);
    }
    return { send: this.#send, ...global.question, entries };
  }
}

const NOBODY_ANSWERS: SendLimit = (_cluster, _bytes, _timeoutMs, done) => {
  done({ failure: "there is no rate limit service" });
  return () => {};
};

interface Global {
  readonly tests: readonly HeaderTest[];
  readonly properties: readonly { readonly property: string; readonly key: string }[];
  readonly question: Omit<LimitAsked, "entries" | "send">;
}

function compileGlobal(
  { domain, timeout, failureModeDeny, rateLimitService }: GlobalRateLimit,
  actions: readonly LimitAction[],
): Global {
  return {
    tests: actions.flatMap(({ headerValueMatch }) => (headerValueMatch?.headers ?? []).map(compileHeader)),
    properties: actions.flatMap(({ requestHeaders }) =>
      requestHeaders === undefined ? [] : [{ property: requestHeaders.headerName, key: requestHeaders.descriptorKey }],
    ),
    question: {
      cluster: rateLimitService.grpcService.envoyGrpc.clusterName,
      domain,
      timeoutMs: durationMs(timeout) ?? 20,
      deny: failureModeDeny,
    },
  };
}

function namesOf({ requestHeaders, headerValueMatch }: LimitAction): readonly string[] {
  const matched = (headerValueMatch?.headers ?? []).map(({ name }) => name);
  return requestHeaders === undefined ? matched : [...matched, requestHeaders.headerName];
}

function meetsCall(tests: readonly HeaderTest[], call: LimitedCall): boolean {
  // Of a call that is only carried nothing is known: it meets no condition.
  if (tests.length > 0 && call.method === "") return false;
  return tests.every((one) => (one.name === ":path" ? one.test(pathOf(call)) : meets(one, call.header, call.lines)));
}

function pathOf({ path, interface: service, method }: LimitedCall): string {
  return path ?? `/${service}/${method}`;
}

function propertyOf(property: string, call: LimitedCall): string | undefined {
  if (call.method === "") return undefined;
  if (property === "method") return call.method;
  if (property === "interface") return call.interface;
  return property === ":path" || property === "path" ? pathOf(call) : call.header(property.toLowerCase());
}

/** Changes of configuration after which limits that nobody asked for are forgotten. */
const KEPT_TURNS = 100;

/** Keeps limits, and so how full their buckets are, while what is said of them stays the same. */
export class LimitMemory {
  readonly #known = new Map<string, Known>();
  #turn = 0;
  readonly #send: SendLimit | undefined;
  #workers = 1;

  constructor(send?: SendLimit) {
    this.#send = send;
  }

  /**
   * New configuration is about to be read, for one of so many workers. What nobody asks for any more is forgotten some changes later: a table that is
   * made when it is first asked for may be asked for late.
   */
  turn(workers: number): void {
    this.#turn++;
    // A bucket that is shared in another way is another bucket.
    if (workers !== this.#workers) this.#known.clear();
    for (const [key, { turn }] of this.#known) if (turn < this.#turn - KEPT_TURNS) this.#known.delete(key);
    this.#workers = workers;
  }

  /** The limits of a virtual host; undefined for none. `table` is the name of its RouteConfiguration. */
  of(table: string, virtualHost: VirtualHost): HostLimits | undefined {
    const { name, typedPerFilterConfig: configs, rateLimits } = virtualHost;
    const local = configs?.[LOCAL_LIMIT_FILTER];
    const global = configs?.[GLOBAL_LIMIT_FILTER];
    if (local === undefined && global === undefined) return undefined;
    const key = `${table} ${name}`;
    const text = JSON.stringify([local, global, rateLimits]);
    const known = this.#known.get(key);
    const limits = known?.text === text ? known.limits : new HostLimits(virtualHost, this.#workers, this.#send);
    this.#known.set(key, { text, limits, turn: this.#turn });
    return limits;
  }
}

interface Known {
  readonly text: string;
  readonly limits: HostLimits;
  /** When it was asked for last. */
  readonly turn: number;
}

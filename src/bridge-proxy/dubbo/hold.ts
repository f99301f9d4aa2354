import { FLAG_TWO_WAY, SERIALIZATION_MASK } from "../../codecs/dubbo2/frame.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Denial } from "../authz/asked.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import type { CallerPort, ProxyContext } from "../context.ts";
import { Exchange } from "../exchange.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { callFacts, copyFacts } from "./call-facts.ts";
import type { CallerWatch, EndsWithCaller } from "./caller-watch.ts";
import { mayCallBack } from "./lanes.ts";
import type { TriedCaller } from "./tries.ts";

/** A call that needs more than carrying, as it stands in what its caller sent. */
export interface LedFrame {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  /** When it came, ms of the context's clock. */
  readonly startMs: number;
  readonly callerTimeoutMs: number;
  /** Undefined where the frame cannot be read. */
  readonly head: RequestView | undefined;
  readonly ruling: Ruling | undefined;
}

/** What a call that is read anew has waited for: for its token's key, or for its service to be known. */
export interface Waited {
  /** When it came. */
  readonly sinceMs: number;
  readonly forKey: boolean;
}

/** Gives a call an exchange of its own, with a copy of its frame. `address` is its caller's. */
export function holdCall(
  context: ProxyContext,
  config: RuntimeConfig,
  caller: TriedCaller,
  address: string,
  call: LedFrame,
): void {
  const { bytes, start, end, decision, route, startMs, callerTimeoutMs, head, ruling } = call;
  const factsOf = (by: CompiledRoute) => callFacts(head, by, decision, config, address);
  new Exchange(context, {
    caller,
    frame: Buffer.from(bytes.subarray(start, end)),
    idHigh: bytes.readInt32BE(start + 4),
    idLow: bytes.readInt32BE(start + 8),
    serialization: bytes[start + 2]! & SERIALIZATION_MASK,
    twoWay: (bytes[start + 2]! & FLAG_TWO_WAY) !== 0,
    decision,
    route,
    ...factsOf(route),
    copyFacts: copyFacts(route, factsOf),
    pinned: mayCallBack(route, decision.method),
    startMs,
    callerTimeoutMs,
    ruling,
    application: config.applicationOf(address),
    schemaOf: config.schemaOf,
  }).start();
}

/** Keeps a call for a moment whose service is not known; `again` has it read anew, and `refuse` is for when its moment is over. */
export function holdUnknown(
  { unknown, nowMs }: ProxyContext,
  config: () => RuntimeConfig,
  { key, frame }: { readonly key: ServiceKey; readonly frame: Buffer },
  caller: CallerPort,
  { again, refuse }: { readonly again: () => void; readonly refuse: () => void },
): void {
  const call = {
    bytes: frame.length,
    attempt: () => {
      const decision = config().routes.decide(key.interface, key.version, "");
      if (!caller.closed && decision?.byGroup.has(key.group) !== true) return false;
      if (!caller.closed) again();
      return true;
    },
    giveUp: refuse,
  };
  if (!unknown.hold(call, nowMs)) call.giveUp();
}

/** A call whose route cannot be known before the key of its token is. */
export interface KeyHold {
  readonly frame: Buffer;
  readonly denial: Denial;
  /** The caller's address. */
  readonly caller: string;
  readonly timeLeftMs: number;
}

/**
 * Holds a call until its token can be judged for good, and goes on with it then; its caller's end gives it up. It counts among the calls that
 * are held. False where it has nothing to wait for, or there is no room.
 */
export function holdForKey(
  context: ProxyContext,
  watch: CallerWatch,
  { frame, denial: { later }, caller, timeLeftMs }: KeyHold,
  goOn: () => void,
): boolean {
  const { maxCalls, maxExchangeBytes } = context.limits;
  const isFull = context.exchanges >= maxCalls || context.exchangeBytes + frame.length > maxExchangeBytes;
  if (later === undefined || isFull) return false;
  context.exchanges++;
  context.exchangeBytes += frame.length;
  let isOver = false;
  const waiting: EndsWithCaller = {
    place: -1,
    onCallerGone() {
      giveUp();
      release();
    },
  };
  const release = () => {
    isOver = true;
    context.exchanges--;
    context.exchangeBytes -= frame.length;
    watch.remove(waiting);
  };
  const goesOn = () => {
    release();
    context.nowMs = performance.now();
    goOn();
  };
  const giveUp = later(timeLeftMs, goesOn, caller);
  if (!isOver) watch.add(waiting);
  return true;
}

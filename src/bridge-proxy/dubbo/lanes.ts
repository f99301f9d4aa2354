import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { Checkpoint } from "../authz/checkpoint.ts";
import type { Peer } from "../authz/peer.ts";
import type { ProxyContext } from "../context.ts";
import type { MetricRow } from "../policies/metrics.ts";
import type { CompiledRoute, Decision, HostDecision, Target } from "../route.ts";
import { rowLabels } from "../rows.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { serviceFor } from "../upstream/any-service.ts";
import { type PassedCalls, passedCalls } from "./passed.ts";

/**
 * What one connection knows of the calls whose frames start alike: same protocol version, service, version and method. A
 * consumer sends the same few beginnings over and over, so comparing bytes stands for parsing, looking up and deciding.
 */
export interface Lane {
  readonly config: RuntimeConfig;
  /** The body's bytes up to the method's end, all ASCII. */
  readonly prefix: Buffer;
  readonly decision: Decision | undefined;
  /** Known where neither group nor a generic call's own method must be read. */
  readonly host: HostDecision | undefined;
  /** The route of every such call, where no header decides. */
  readonly route: CompiledRoute | undefined;
  /** Calls may be carried without reading any further. */
  readonly plain: boolean;
  /** Calls may be carried once policies let them through. */
  readonly carries: boolean;
  /** What stands between its calls and their routes, by route, as far as calls took them. */
  readonly checkpoints: Map<CompiledRoute, Checkpoint | undefined>;
  /** What its calls said that policies let through; undefined where calls are not carried, or no policies are asked. */
  readonly passed: PassedCalls | undefined;
  /** Lanes of calls that begin alike and name other groups, by group: where every group is served, see {@link laneOfGroup}. */
  readonly others: Map<string, Lane>;
  /** Rows by destination, made when first used. */
  readonly rows: Map<Target, MetricRow>;
  /** The caller's own time-out, ms, as its first such call said; others may have a longer one, so their late answers are not thrown away. */
  readonly callerTimeoutMs: number;
}

const MAX_LANES = 128;
/** Groups that have a lane beside that of the first one. */
const MAX_OTHERS = 16;
/** Longer beginnings are worked out each time: only a caller that means no good has many of them. */
const MAX_PREFIX_BYTES = 512;
const ASCII_END = 0x80;

/** The lanes of one connection, most recently used first. */
export class Lanes {
  #lanes: Lane[] = [];

  /** The lane of the request at `bytes[start, end)`; undefined where it has none yet, or none that is still right. */
  find(config: RuntimeConfig, bytes: Buffer, start: number, end: number): Lane | undefined {
    const from = start + HEADER_BYTES;
    const length = leadBytes(bytes, from, end);
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[i]!;
      if (lane.prefix.length !== length || !endsAlike(bytes, from, lane.prefix)) continue;
      if (lane.config !== config) {
        this.#lanes.splice(i, 1);
        return undefined;
      }
      if (i > 0) {
        this.#lanes[i] = this.#lanes[i - 1]!;
        this.#lanes[i - 1] = lane;
      }
      return lane;
    }
    return undefined;
  }

  /** Keeps a lane; beside `first` where that one is of calls that begin alike. */
  add(lane: Lane, first?: Lane): void {
    if (first !== undefined) {
      if (first.others.size >= MAX_OTHERS) first.others.clear();
      first.others.set(lane.host?.host.key.group ?? "", lane);
      return;
    }
    if (lane.prefix.length === 0 || lane.prefix.length > MAX_PREFIX_BYTES) return;
    this.#lanes.unshift(lane);
    if (this.#lanes.length > MAX_LANES) this.#lanes.pop();
  }
}

/** Works out the lane of a request of `peer` whose head has been scanned. */
export function createLane(config: RuntimeConfig, context: ProxyContext, head: RequestView, peer: Peer): Lane {
  // The parameter types, which make a call generic, stand behind what a lane's calls have in common.
  const isGeneric = head.method.startsWith("$invoke");
  const decision = config.routes.decide(head.service, head.version ?? "", isGeneric ? "$invoke" : head.method);
  const said = readAttachments(head);
  // A consumer names one group in all its calls of a service, so the first one tells whether the only group known is meant.
  const only = decision?.anyGroup === true ? decision.byGroup.get(said?.group ?? "") : decision?.only;
  const isMeant = only !== undefined && (said === undefined || said.group === only.host.key.group);
  const host = isGeneric || !isMeant ? undefined : only;
  const route = host?.fixed;
  const carries =
    host !== undefined && route !== undefined && isPlain(route, host.host.key) && !mayCallBack(route, head.method);
  const prefix = asciiPrefix(head);
  const isGuarded = carries && config.routes.hasPolicies && host.host.limits === undefined;
  return {
    config,
    prefix,
    decision,
    host,
    route,
    plain: carries && !config.routes.hasPolicies && host.host.limits === undefined,
    passed: isGuarded ? passedCalls(config.routes, peer, prefix, host.host.key.group) : undefined,
    carries,
    checkpoints: new Map(),
    others: new Map(),
    rows: new Map(),
    callerTimeoutMs: Math.min(said?.timeoutMs ?? Number.POSITIVE_INFINITY, context.limits.maxCallMs),
  };
}

/**
 * The lane of a call that begins as those of `lane`: where every group is served and policies are asked, that of its own group, undefined where it
 * has none yet. Callers of several groups share connections. Throws `ProtocolError` where the call cannot be read that far.
 */
export function laneOfGroup(lane: Lane, head: RequestView): Lane | undefined {
  const { config, decision, host, others } = lane;
  if (host === undefined || decision?.anyGroup !== true || !config.routes.hasPolicies) return lane;
  const group = head.attachments().get("group") ?? "";
  return group === host.host.key.group ? lane : others.get(group);
}

/** Headers that alone tell whether calls of this lane on its route go on; undefined where it takes more to tell. */
export function asksOf({ route, checkpoints }: Lane): readonly string[] | undefined {
  const checkpoint = checkpoints.get(route!);
  return checkpoint === undefined ? [] : checkpoint.asks;
}

/** The row for calls of this lane that go to `target`. */
export function laneRow(context: ProxyContext, lane: Lane, target: Target): MetricRow {
  let row = lane.rows.get(target);
  if (row === undefined) {
    row = context.rows.row(rowLabels(lane.host!, lane.route, target));
    lane.rows.set(target, row);
  }
  return row;
}

/** Whether a call on this route is only carried: nothing waits, nothing is changed, nothing more has to be read. */
export function isPlain(route: CompiledRoute, key: ServiceKey): boolean {
  if (route.retry !== undefined || route.fault !== undefined || route.mutations !== undefined) return false;
  if (route.directStatus !== undefined || route.targets.length === 0) return false;
  if (route.rewrite !== undefined || route.hash !== undefined || route.mirrors !== undefined) return false;
  if (route.answerMutations !== undefined) return false;
  return route.targets.every(({ cluster, mutations, answerMutations }) => {
    const service = serviceFor(cluster.service, key);
    const same = service.interface === key.interface && service.group === key.group && service.version === key.version;
    return (
      same &&
      mutations === undefined &&
      answerMutations === undefined &&
      cluster.dubbo.endpoints.length > 0 &&
      !cluster.dubbo.hasTags &&
      cluster.callKeys === undefined &&
      !cluster.dubbo.setsToken &&
      !cluster.isCounted &&
      !cluster.isHashed
    );
  });
}

/** Whether the providers call their callers back through a parameter of this method. */
export function mayCallBack(route: CompiledRoute, method: string): boolean {
  return route.targets.some(({ cluster }) => cluster.service.callbackMethods?.includes(method) === true);
}

/** Group and time-out as the call says them; undefined for a body that cannot be read behind its head: it is still carried. */
function readAttachments(head: RequestView): { readonly group: string; readonly timeoutMs: number } | undefined {
  try {
    const attachments = head.attachments();
    const timeoutMs = attachments.getNumber("timeout");
    return { group: attachments.get("group") ?? "", timeoutMs: timeoutMs > 0 ? timeoutMs : Number.POSITIVE_INFINITY };
  } catch {
    return undefined;
  }
}

/** Bytes from the body's start to the method's end, taking every character for one byte: right for ASCII, and only ASCII is ever compared. */
function leadBytes(bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (let field = 0; field < 4; field++) {
    if (at >= end) return -1;
    const tag = bytes[at]!;
    if (tag <= 0x1f) at += 1 + tag;
    else if (tag >= 0x30 && tag <= 0x33 && at + 1 < end) at += 2 + (((tag - 0x30) << 8) | bytes[at + 1]!);
    else if (tag === 0x4e) at += 1;
    else return -1;
  }
  return at <= end ? at - from : -1;
}

/** Compares from the end: what tells calls of one connection apart is the method, which stands last. */
function endsAlike(bytes: Buffer, from: number, prefix: Buffer): boolean {
  for (let i = prefix.length - 1; i >= 0; i--) if (bytes[from + i] !== prefix[i]) return false;
  return true;
}

/** A copy of the head's bytes; empty, so that nothing is like it, where they are not all ASCII. */
function asciiPrefix(head: RequestView): Buffer {
  const prefix = Buffer.from(head.bytes.subarray(head.bodyStart, head.methodEnd));
  return prefix.every((byte) => byte < ASCII_END) ? prefix : Buffer.alloc(0);
}

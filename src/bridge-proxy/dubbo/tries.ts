import { authorityOf } from "../../base/address.ts";
import { CallError, ProtocolError } from "../../base/errors.ts";
import type { ClusterService } from "../../codecs/xds/cluster.ts";
import { toTripleOrGrpc } from "../bridge/grpc-form.ts";
import { tryRest } from "../bridge/rest-try.ts";
import { faultOf, type TranslatedRestCall, toRestCall } from "../bridge/to-rest.ts";
import type { TripleRequest } from "../bridge/to-triple.ts";
import { TripleTry } from "../bridge/triple-try.ts";
import type { NoEndpoint } from "../choose.ts";
import type { CallerPort, ProxyContext, TryOwner } from "../context.ts";
import { BACKLOG_FULL, failCall, linkCall } from "../pending.ts";
import type { TryDeadline } from "../policies/try-deadline.ts";
import type { HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { DubboEndpoint, HttpEndpoint, TripleEndpoint } from "../upstream/endpoint.ts";
import type { UpstreamHost } from "../upstream/host.ts";
import type { Callee } from "./callee.ts";
import type { CallerWatch } from "./caller-watch.ts";
import { editFrame } from "./edits.ts";

/** Who makes a call, as its tries see it. */
export type TriedCaller = CallerPort & { readonly watch: CallerWatch; pinned(host: UpstreamHost<Callee>): Callee };

/** What a try needs to know of a Dubbo2 caller's call. */
export interface TriedCall {
  readonly caller: TriedCaller;
  readonly idHigh: number;
  readonly idLow: number;
  readonly serialization: number;
  readonly twoWay: boolean;
  readonly decision: HostDecision;
  /** Callbacks come back on the connection that the call went out on, so it is this caller's alone. */
  readonly pinned: boolean;
  /** What is known of the types of calls. */
  readonly schemaOf: RuntimeConfig["schemaOf"];
}

/** What a try is made from. */
export interface DubboTryParts {
  readonly call: TriedCall;
  /** Told how a two-way call ends; of a one-way call only that it could not be sent. */
  readonly owner: TryOwner;
  /** The request as rules have changed it; a try may write its own id into it. */
  readonly frame: Buffer;
  readonly cluster: Cluster;
  /** Whose call it is over there. */
  readonly service: ClusterService;
  readonly startMs: number;
  /** `timeoutMs` is what this very call says of its time; 0 where that is not known. */
  readonly deadline: (timeoutMs?: number) => TryDeadline;
  /** No try went before: the frame is in no socket's queue. */
  readonly isFirst: boolean;
  /** A one-way call has gone: nothing more will be heard of it. */
  readonly sent: () => void;
}

/** Sends a call to a Dubbo2 provider. What is wrong with it where it cannot be sent at all; the caller is not told. */
export function tryDubbo(context: ProxyContext, parts: DubboTryParts, endpoint: DubboEndpoint): NoEndpoint | undefined {
  const { call, owner, cluster } = parts;
  const { host } = endpoint;
  const callee = call.pinned ? call.caller.pinned(host) : host.connection();
  const overPending = callee.ready ? undefined : host.pool?.budget.overPending;
  if (overPending !== undefined) return { reason: "overflow", message: overPending };
  const edits = cluster.dubbo.setsToken ? { set: [["token", endpoint.token]] as const } : undefined;
  const withToken = editFrame(parts.frame, edits) ?? parts.frame;
  // A try that failed may still have its frame in a socket's queue: each try writes its id into bytes of its own.
  const frame = parts.isFirst ? withToken : Buffer.from(withToken);
  if (!call.twoWay) {
    callee.whenReady((error) => {
      if (error !== undefined) owner.failed("connect_failure", error);
      else if (!callee.send(frame, 0, frame.length)) owner.failed("overflow", BACKLOG_FULL);
      else parts.sent();
    });
    return undefined;
  }
  const { calls } = context;
  const slot = calls.allocate();
  if (slot < 0) return tableFull(context, call);
  calls.callers[slot] = call.caller;
  calls.exchanges[slot] = owner;
  calls.idHigh[slot] = call.idHigh;
  calls.idLow[slot] = call.idLow;
  calls.serialization[slot] = call.serialization;
  calls.startMs[slot] = parts.startMs;
  const { deadlineMs, deadlineKind } = parts.deadline();
  calls.deadlineMs[slot] = deadlineMs;
  calls.deadlineKind[slot] = deadlineKind;
  if (deadlineMs < context.earliestDeadlineMs) context.earliestDeadlineMs = deadlineMs;
  linkCall(context, slot, callee);
  frame.writeInt32BE(calls.generations[slot]!, 4);
  frame.writeInt32BE(slot, 8);
  if (!callee.send(frame, 0, frame.length)) failCall(context, slot, "overflow", BACKLOG_FULL);
  return undefined;
}

/** Translates a call for a Triple provider and sends it there; see {@link tryDubbo}. */
export function tryTriple(
  context: ProxyContext,
  parts: DubboTryParts,
  endpoint: TripleEndpoint,
): NoEndpoint | undefined {
  const { call, cluster, service, startMs } = parts;
  const { idHigh, idLow, twoWay, schemaOf } = call;
  const { host } = endpoint;
  const deadline = parts.deadline();
  const to = {
    authority: authorityOf(host.address, host.port),
    service,
    timeoutMs: deadline.deadlineMs - context.nowMs,
    spentMs: context.nowMs - startMs,
    token: cluster.tri.setsToken ? endpoint.token : "",
  };
  let request: TripleRequest;
  try {
    const schema = endpoint.takesWrapper ? undefined : schemaOf(service.interface);
    request = toTripleOrGrpc(parts.frame, to, schema);
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof CallError)) throw error;
    return { reason: error instanceof CallError ? error.reason : "undecodable", message: error.message };
  }
  const owner = twoWay ? parts.owner : HEARS_NOTHING;
  const watch = twoWay ? call.caller.watch : undefined;
  const tried = new TripleTry(context, { owner, endpoint, request, idHigh, idLow, startMs, watch, ...deadline });
  if (!tried.start()) return tableFull(context, call);
  if (!twoWay) parts.sent();
  return undefined;
}

/** Translates a call for a REST provider and sends it there; see {@link tryDubbo}. */
export function tryHttp(context: ProxyContext, parts: DubboTryParts, endpoint: HttpEndpoint): NoEndpoint | undefined {
  const { service } = parts;
  const { idHigh, idLow, twoWay, schemaOf, caller } = parts.call;
  let call: TranslatedRestCall;
  try {
    call = toRestCall(parts.frame, service.interface, schemaOf(service.interface));
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return fault;
  }
  const owner = twoWay ? parts.owner : HEARS_NOTHING;
  const watch = twoWay ? caller.watch : undefined;
  tryRest(context, { owner, endpoint, call, idHigh, idLow, watch, ...parts.deadline(call.timeoutMs) });
  if (!twoWay) parts.sent();
  return undefined;
}

function tableFull({ calls }: ProxyContext, { decision }: TriedCall): NoEndpoint {
  const message = `${calls.maxCalls} calls wait already, the proxy's limit (${decision.method})`;
  return { reason: "overflow", message };
}

/** What becomes of a one-way call concerns nobody. */
const HEARS_NOTHING: TryOwner = {
  answered: () => {},
  failed: () => {},
  abandoned: () => {},
  hasOther: () => false,
};

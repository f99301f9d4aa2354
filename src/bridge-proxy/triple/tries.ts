import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { type CallHead, parseRequestHead } from "../../codecs/triple/head.ts";
import { DubboTry } from "../bridge/dubbo-try.ts";
import type { ProxyContext } from "../context.ts";
import type { TryDeadline } from "../policies/try-deadline.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { DubboEndpoint, TripleEndpoint } from "../upstream/endpoint.ts";
import type { CallerStream } from "./caller-stream.ts";
import { withToken } from "./edits.ts";
import type { RequestContent } from "./request-content.ts";
import { StreamTry, type TripleTryOwner } from "./stream-try.ts";

/** What a call's tries have in common, at the time of one. */
export interface TryParts {
  readonly context: ProxyContext;
  readonly config: RuntimeConfig;
  readonly owner: TripleTryOwner;
  readonly stream: CallerStream;
  readonly content: RequestContent;
  readonly cluster: Cluster;
  /** The head as the caller sent it, read; and as rules have changed it, the same list where they have not. */
  readonly head: CallHead;
  readonly received: Fields;
  readonly sent: Fields;
  readonly never: readonly string[];
  readonly startMs: number;
  readonly deadline: TryDeadline;
}

/** A try at a Triple provider, in a slot of the call table. Throws CallError where the head cannot be written. */
export function tryTriple(parts: TryParts, endpoint: TripleEndpoint, slot: number): StreamTry {
  const { context, owner, stream, content, cluster, sent, never, startMs, deadline } = parts;
  const fields = withToken(sent, cluster.tri.setsToken ? endpoint.token : "");
  return new StreamTry(context, { owner, sink: stream, content, endpoint, fields, never, startMs, ...deadline }, slot);
}

/** A try at a Dubbo2 provider, in a slot of the call table. Throws CallError where the head cannot be read. */
export function tryDubbo(parts: TryParts, endpoint: DubboEndpoint, slot: number): DubboTry {
  const { context, config, owner, stream, content, cluster, received, sent, startMs, deadline } = parts;
  const head = sent === received ? parts.head : parseRequestHead(sent);
  const destination = {
    service: cluster.service,
    timeoutMs: deadline.deadlineMs - context.nowMs,
    token: cluster.dubbo.setsToken ? endpoint.token : "",
  };
  const schemas = {
    caller: config.schemaOf(parts.head.interface),
    callee: config.schemaOf(cluster.service.interface),
  };
  const contentType = fieldValue(received, "content-type") ?? "";
  return new DubboTry(
    context,
    { owner, sink: stream, content, endpoint, head, contentType, schemas, destination, startMs, ...deadline },
    slot,
  );
}

import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { grpcMethodOfJava, grpcServiceOf } from "../../codecs/protobuf/service.ts";
import { type CallHead, parseRequestHead, printTimeout, withTimeout } from "../../codecs/triple/head.ts";
import type { ClusterService } from "../../codecs/xds/cluster.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { serviceKey } from "../../model/service.ts";
import { BridgedStream } from "../bridge/bridged-stream.ts";
import { type CallerCall, refuseCarriedForms } from "../bridge/caller-form.ts";
import { dubboSide, type FarParts, restSide, tripleSide } from "../bridge/far-sides.ts";
import { javaOf } from "../bridge/protobuf-form.ts";
import { streamFormOf } from "../bridge/stream-form.ts";
import { type FarSide, TranslatedTry } from "../bridge/translated-try.ts";
import type { ProxyContext } from "../context.ts";
import { serviceNamed } from "../policies/rewrite.ts";
import type { TryDeadline } from "../policies/try-deadline.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { serviceFor } from "../upstream/any-service.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { DubboEndpoint, HttpEndpoint, TripleEndpoint } from "../upstream/endpoint.ts";
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
  /** The caller is outside the mesh. */
  readonly outside: boolean;
  /** A rule names the interface and method that are called, in `sent`. */
  readonly renamed: boolean;
}

/**
 * A try at a Triple provider, in a slot of the call table: as it is, or with other messages where the provider takes another kind.
 * Throws CallError where the head cannot be written or read, and for content that is carried alone.
 */
export function tryTriple(parts: TryParts, endpoint: TripleEndpoint, slot: number): BegunTry {
  const { context, owner, stream, content, cluster, never, startMs, deadline } = parts;
  const token = cluster.tri.setsToken ? endpoint.token : "";
  const kind = messagesFor(parts, endpoint);
  if (kind !== undefined) {
    const call = callerCall(parts, token);
    const form = streamFormOf(call, kind.schema);
    if (form === undefined) return translated(parts, token, (more) => tripleSide({ ...more, endpoint, ...kind }), slot);
    return new BridgedStream(context, { owner, stream, content, endpoint, call, form, startMs, ...deadline }, slot);
  }
  const fields = withToken(withTimeLeft(parts), token);
  return new StreamTry(context, { owner, sink: stream, content, endpoint, fields, never, startMs, ...deadline }, slot);
}

/** The head with what is left of the caller's time, where the call waited before this try. */
function withTimeLeft({ context, head, sent, startMs }: TryParts): Fields {
  const waitedMs = context.nowMs - startMs;
  if (waitedMs < 1 || head.timeoutMs === undefined) return sent;
  return withTimeout(sent, printTimeout(Math.max(1, head.timeoutMs - waitedMs)));
}

/** A try at a Dubbo2 provider, in a slot of the call table. Throws CallError where the head cannot be read. */
export function tryDubbo(parts: TryParts, endpoint: DubboEndpoint, slot: number): TranslatedTry {
  const token = parts.cluster.dubbo.setsToken ? endpoint.token : "";
  return translated(parts, token, (more) => dubboSide({ ...more, endpoint }), slot);
}

/** A try at a REST provider, in a slot of the call table. Throws CallError where the head cannot be read. */
export function tryHttp(parts: TryParts, endpoint: HttpEndpoint, slot: number): TranslatedTry {
  return translated(parts, "", (more) => restSide({ ...more, endpoint }), slot);
}

/** One of those. */
export type BegunTry = StreamTry | TranslatedTry | BridgedStream;

function translated(
  parts: TryParts,
  token: string,
  farSide: (parts: Omit<FarParts<never>, "endpoint">) => FarSide,
  slot: number,
): TranslatedTry {
  const { context, owner, stream, content, startMs, deadline } = parts;
  const call = callerCall(parts, token);
  const times = { startMs, ...deadline };
  const far = farSide({ context, destination: call.destination, schema: call.schemas.callee, ...times });
  return new TranslatedTry(context, { owner, sink: stream, content, call, far, ...times }, slot);
}

function callerCall(parts: TryParts, token: string): CallerCall {
  const { context, config, cluster, received, sent, deadline } = parts;
  const contentType = fieldValue(received, "content-type") ?? "";
  refuseCarriedForms(parts.head, contentType);
  const head = sent === received ? parts.head : parseRequestHead(sent);
  const service = serviceNamed(serviceOf(parts, head), parts.renamed ? head : undefined);
  return {
    head,
    contentType,
    path: fieldValue(sent, ":path") ?? "",
    schemas: {
      caller: config.schemaOf(parts.head.interface),
      callee: config.schemaOf(service.interface),
      isMapped: cluster.bridgesToHttp,
    },
    destination: { service, timeoutMs: deadline.deadlineMs - context.nowMs, token },
    outside: parts.outside,
    classes: config.classes,
  };
}

/** The service that the chosen endpoint serves to this call. */
function serviceOf({ cluster }: TryParts, head: CallHead): ClusterService {
  return serviceFor(cluster.service, serviceKey(head.interface, head.group, head.version));
}

/**
 * What messages the provider takes, where those are of another kind than the caller's: protobuf by a schema, or Triple's wrapper (no schema).
 * A caller with protobuf names methods as its .proto file does, one with the wrapper as Java does. JSON is carried to those that take it,
 * where nothing is known of the method: of what is, Java 3.3's own JSON would lose long's digits, overloads and classes of exceptions.
 */
function messagesFor(
  parts: TryParts,
  endpoint: TripleEndpoint,
): { readonly schema: ServiceSchema | undefined } | undefined {
  const { config, head } = parts;
  const { kind } = head;
  const called = parts.renamed ? parseRequestHead(parts.sent) : head;
  const { method } = called;
  const isJson = kind === "json" || kind === "http";
  if (endpoint.takesWrapper) {
    if (isJson) return endpoint.refusesJson || isTypedJson(parts) ? { schema: undefined } : undefined;
    const isProtobuf = grpcServiceOf(config.schemaOf(head.interface))?.methods.has(head.method) === true;
    return isProtobuf && !/^[a-z]/.test(head.method) ? { schema: undefined } : undefined;
  }
  const schema = config.schemaOf(serviceNamed(serviceOf(parts, head), parts.renamed ? called : undefined).interface);
  const service = grpcServiceOf(schema);
  if (service === undefined) return undefined;
  const isGeneric = method === "$invoke" || method === "$invokeAsync";
  const isJava = !service.methods.has(method) && (isGeneric || grpcMethodOfJava(service, method) !== undefined);
  return isJson || isJava ? { schema } : undefined;
}

/** Whether a call's content is JSON, a form or nothing, its answer is to be one JSON text, and Java's types of its method are known. */
function isTypedJson(parts: TryParts): boolean {
  const { config, head, received } = parts;
  const contentType = fieldValue(received, "content-type") ?? "";
  const isRead = head.kind === "json" || /^(?:application\/x-www-form-urlencoded\b.*)?$/i.test(contentType);
  if (!isRead || /\btext\/event-stream\b/i.test(fieldValue(received, "accept") ?? "")) return false;
  const callee = config.schemaOf(serviceOf(parts, head).interface);
  const java = javaOf({ caller: undefined, callee });
  return java !== undefined && java.methods(head.method).length > 0;
}

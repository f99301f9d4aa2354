import { CallError, type CallReason, ProtocolError } from "../../base/errors.ts";
import { cookiesOf, type Fields, fieldValue, fieldValues } from "../../codecs/fields.ts";
import { type CallHead, parseRequestHead } from "../../codecs/triple/head.ts";
import { fromField } from "../../codecs/triple/text.ts";
import { WrapperView } from "../../codecs/triple/wrapper-view.ts";
import type { Value } from "../../codecs/value.ts";
import { asLines, type HeaderLines } from "../../codecs/xds/header-lines.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import type { Callable } from "../../codecs/xds/path-rewrite.ts";
import { isGrpcOwn, UNSAID_VERSION } from "../../model/served.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../model/service.ts";
import type { Denial, Later } from "../authz/asked.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import { requireMethodName } from "../authz/names.ts";
import type { LaneFacts } from "../authz/predicate.ts";
import type { SerializationCheck } from "../authz/serialization.ts";
import { servedLookup } from "../authz/served.ts";
import { javaOf, ProtobufView, protobufFormOf } from "../bridge/protobuf-form.ts";
import { argumentText } from "../dubbo/argument-text.ts";
import { requirePlainArgument } from "../dubbo/plain-argument.ts";
import { type AskToken, isRefused, matchRoute } from "../match.ts";
import { namesNothing, rewriteCall } from "../policies/rewrite.ts";
import { asksArguments } from "../policies/router-call.ts";
import { asksClaims, type CompiledRoute, decideHost, type HostDecision, type Target } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { editFields } from "./edits.ts";
import { isReadWhole, JsonView } from "./json-view.ts";
import { atNamedPort } from "./named-port.ts";
import { isFramed } from "./readings.ts";

/** Why calls of a lane cannot go on. */
export interface Refusal {
  readonly reason: CallReason;
  readonly message: string;
  /** The service is not known: it may be in a moment. */
  readonly isUnknown?: boolean;
  /** What an external server has callers told. */
  readonly reply?: Denial["reply"];
  /** The call's token is not good, or its key not known yet: whom that concerns. */
  readonly token?: { readonly later: Later | undefined; readonly policy: string; readonly facts: LaneFacts };
}

/** A call that names the method that it means, and its types, in its message. */
export interface GenericCall {
  genericTypes(): Value | undefined;
}

/** Says what policies make of a lane's calls. */
export interface LaneGuard {
  /** Decides one call that was so led; undefined where it goes on. One that policies ask more of than can be read is refused. */
  rule(decision: HostDecision, route: CompiledRoute, header: HeaderLookup, generic?: GenericCall): Ruling | undefined;
  /** Something that the lane's calls may be led to has a guard that looks at what calls hold. */
  readonly inspects: boolean;
  /** What these guards say of a message; `fault` has one look. */
  inspect(fault: (check: SerializationCheck) => string | undefined): Denial | undefined;
  /** Policies ask for arguments of calls that were so led. */
  asksArguments(decision: HostDecision, route: CompiledRoute): boolean;
}

/**
 * What is known of all calls with one and the same header list: a caller sends few of them over and over, and the decoder gives
 * the same list for each, so that looking the list up stands for reading it.
 */
export interface TripleLane {
  readonly config: RuntimeConfig;
  /** Undefined where the head names no interface and method. */
  readonly head: CallHead | undefined;
  readonly decision: HostDecision | undefined;
  /** Undefined where a message has to be read first, or where {@link refusal} says why there is none. */
  readonly route: CompiledRoute | undefined;
  /** Rules ask for an argument, or the call is a generic one: its first message decides. */
  readonly needsMessage: boolean;
  /** Routes go by claims of the calls' tokens, so that each call has to be asked for its own. */
  readonly asksToken?: boolean;
  /** What that said, where a message decides too. */
  readonly token?: AskToken;
  readonly refusal: Refusal | undefined;
  /** Headers as rules see them, but for arguments. */
  readonly header: HeaderLookup;
  /** Lines of those that the caller may have written several times; absent where nothing is left to be decided by them. */
  readonly lines?: HeaderLines;
  /** The caller's IP address. */
  readonly address: string;
  /** The caller's own time-out, ms; Infinity for none. */
  readonly callerTimeoutMs: number;
  readonly tag: string;
  readonly tagForced: boolean;
  /** The fields as they go to a destination, made when first needed; undefined where no other call has this lane. */
  readonly sent: Map<Target, Fields> | undefined;
  /** The caller is outside the mesh. */
  readonly outside?: true;
  /** What policies say of its calls; absent where there are none. */
  readonly guard?: LaneGuard;
}

const lanes = new WeakMap<Fields, TripleLane>();

/**
 * The lane of calls with this header list from `address`; `last` is what the connection's calls went to before. One for a list that
 * is not `shared` is not remembered: no other call has that list.
 */
export function laneOf(
  config: RuntimeConfig,
  address: string,
  fields: Fields,
  last: HostDecision | undefined,
  shared = true,
): TripleLane {
  if (!shared) return createLane(config, address, fields, last, undefined);
  const known = lanes.get(fields);
  if (known !== undefined && known.config === config) return known;
  const made = createLane(config, address, fields, last, new Map());
  lanes.set(fields, made);
  return made;
}

function createLane(
  config: RuntimeConfig,
  address: string,
  fields: Fields,
  last: HostDecision | undefined,
  sent: Map<Target, Fields> | undefined,
): TripleLane {
  let head: CallHead;
  try {
    head = parseRequestHead(fields);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return refused(config, undefined, undefined, { reason: error.reason, message: error.message });
  }
  const isGeneric = head.method.startsWith("$invoke");
  const method = isGeneric ? "$invoke" : head.method;
  const decision =
    portOf(config, head, method, fields) ?? decisionOf(config, head, method) ?? companionOf(config, head, last);
  if (decision === undefined) {
    const key = printServiceKey(serviceKey(head.interface, head.group, head.version));
    const message = `no service ${key} is known here`;
    return refused(config, head, undefined, { reason: "no_route", message, isUnknown: true });
  }
  const { key } = decision.host;
  const header = servedLookup(config, key, headerLookup(fields, key, config.applicationOf(address)));
  const isLimited = decision.host.limits?.asksArguments === true && (isFramed(head) || isReadWhole(head));
  const needsMessage = isGeneric || isLimited || asksForArguments(decision);
  const asksToken = isGeneric ? asksClaims(decision.host.routes) : decision.asksClaims === true;
  const lines = linesOf(fields);
  const route = needsMessage || asksToken ? undefined : matchRoute(decision, header, undefined, lines);
  if (!needsMessage && !asksToken && route === undefined) return refused(config, head, decision, noRule(decision));
  return {
    config,
    head,
    decision,
    route,
    needsMessage,
    ...(asksToken && { asksToken }),
    refusal: undefined,
    header,
    lines,
    address,
    callerTimeoutMs: head.timeoutMs ?? Number.POSITIVE_INFINITY,
    tag: header("dubbo.tag") || config.tagOf(address, key),
    tagForced: header("dubbo.force.tag") === "true",
    sent,
  };
}

function asksForArguments({ candidates, fixed }: HostDecision): boolean {
  const asks = (route: CompiledRoute) => route.hash?.asksArguments === true || asksArguments(route);
  if (fixed !== undefined) return asks(fixed);
  const isArgument = ({ name }: { readonly name: string }) => name.startsWith(ARGUMENT);
  return candidates.some((route) => route.headers.some(isArgument) || asks(route));
}

/** What a call's first message decides. */
export interface MessageDecision {
  readonly decision: HostDecision;
  readonly route: CompiledRoute | undefined;
  /** Where there is no route. */
  readonly refusal: Refusal | undefined;
  /** Headers as rules see them, arguments too. */
  readonly header: HeaderLookup;
  /** The same for policies: ProtocolError for arguments that providers may read otherwise. */
  readonly judged: HeaderLookup;
  /** Undefined for a call that is none. */
  readonly generic: GenericCall | undefined;
}

/**
 * Decides for a call of a lane that needs its message. Throws `ProtocolError` where that is no wrapper that can be read and no message of
 * a service whose types are known; for content in JSON as {@link JsonView} does.
 */
export function decideByMessage(lane: TripleLane, message: Buffer): MessageDecision {
  const view = viewOf(lane, message);
  const generic = view instanceof WrapperView && view.isGeneric ? view : undefined;
  const decision = view.isGeneric ? decideHost(lane.decision!.host, view.effectiveMethod) : lane.decision!;
  if (generic !== undefined && lane.guard !== undefined) requireMethodName(decision.method, "triple");
  const header: HeaderLookup = (name) =>
    name.startsWith(ARGUMENT) ? argumentText(view, name.slice(ARGUMENT.length)) : lane.header(name);
  const judged: HeaderLookup = (name) => {
    if (name.startsWith(ARGUMENT) && view instanceof WrapperView)
      requirePlainArgument(view, name.slice(ARGUMENT.length));
    return header(name);
  };
  const route = matchRoute(decision, header, lane.token, lane.lines);
  const said = { decision, header, judged, generic };
  if (isRefused(route)) return { ...said, route: undefined, refusal: route };
  return { ...said, route, refusal: route === undefined ? noRule(decision) : undefined };
}

function viewOf({ config, header, ...lane }: TripleLane, message: Buffer): WrapperView | ProtobufView | JsonView {
  const head = lane.head!;
  const schema = config.schemaOf(head.interface);
  if (isReadWhole(head)) {
    const java = javaOf({ caller: schema, callee: schema });
    return new JsonView(head, message, {
      java,
      path: header(":path") ?? "",
      contentType: header("content-type") ?? "",
    });
  }
  if (!isFramed(head)) throw new ProtocolError("triple", "arguments are read of gRPC-framed calls and JSON alone");
  if (schema?.protobuf !== undefined) {
    const form = protobufFormOf(head, header("content-type") ?? "", message, { caller: schema, callee: schema });
    if (form !== undefined) return new ProtobufView(form, message);
  }
  return new WrapperView(head.method, message);
}

/**
 * The head of a lane's calls as it goes to `target` by `route`; `fields` are the calls' own. Throws CallError where a rule asks for a head
 * that cannot be written.
 */
export function sentFields(
  lane: TripleLane,
  decision: HostDecision,
  fields: Fields,
  route: CompiledRoute,
  target: Target,
): Fields {
  let made = lane.sent?.get(target);
  if (made === undefined) {
    const named = namedBy(lane, decision, route);
    made = editFields(fields, decision.host.key, lane.head!.method, { target, route, named });
    // What a generic call is renamed to, its message says.
    if (named === undefined || !lane.needsMessage) lane.sent?.set(target, made);
  }
  return made;
}

/** What a rewrite makes of a call's interface and method; undefined where none has to do with the path. */
function namedBy(
  lane: TripleLane,
  { host, method }: HostDecision,
  { rewrite, name }: CompiledRoute,
): Callable | undefined {
  if (rewrite?.path === undefined) return undefined;
  const own = lane.head!.method;
  const named = rewriteCall(rewrite, { interface: host.key.interface, method });
  if (named === undefined) throw new CallError("unimplemented", "no_route", namesNothing(name));
  if (own === method) return named;
  if (named.method === method) return { ...named, method: own };
  const text = `rule ${name} renames the method of a generic call, whose message is only carried`;
  throw new CallError("invalid_argument", "undecodable", text);
}

/** What a call is told whose method no rule of its service takes. */
export function noRule(decision: HostDecision): Refusal {
  return { reason: "no_route", message: `no rule of ${decision.host.host} takes method ${decision.method}` };
}

/** The further port of a service that a call names by its authority; undefined where it names none. */
function portOf({ routes }: RuntimeConfig, head: CallHead, method: string, fields: Fields): HostDecision | undefined {
  if (!routes.hasFurtherPorts || head.version !== "") return undefined;
  const authority = fieldValue(fields, ":authority") ?? fieldValue(fields, "host") ?? "";
  return atNamedPort(routes, { interface: head.interface, group: head.group, method, authority });
}

/** Without a version: the service that has none, else version 1.0.0, which Java to 3.1 never says and Java's providers take it for. */
function decisionOf(config: RuntimeConfig, head: CallHead, method: string): HostDecision | undefined {
  const { interface: name, group, version } = head;
  const found = config.routes.decide(name, version, method)?.byGroup.get(group);
  if (found !== undefined || version !== "") return found;
  return config.routes.decide(name, UNSAID_VERSION, method)?.byGroup.get(group);
}

/** Health checks and reflection go where the connection's other calls go. */
function companionOf(config: RuntimeConfig, head: CallHead, last: HostDecision | undefined): HostDecision | undefined {
  if (!isGrpcOwn(head.interface)) return undefined;
  const host = last?.host ?? config.routes.onlyHost();
  const decision = host === undefined ? undefined : decideHost(host, head.method);
  return decision?.fixed === undefined ? undefined : decision;
}

function headerLookup(fields: Fields, key: ServiceKey, application: string | undefined): HeaderLookup {
  return (name) => {
    switch (name) {
      case "dubbo-group":
        return key.group === "" ? undefined : key.group;
      case "dubbo-version":
        return key.version === "" ? undefined : key.version;
      case "dubbo-application": {
        const said = fieldValue(fields, "tri-consumer-appname");
        return said === undefined ? application : fromField(said);
      }
      case "cookie":
        return cookiesOf(fields);
      default: {
        const value = fieldValue(fields, name.toLowerCase());
        return value === undefined ? undefined : fromField(value);
      }
    }
  };
}

/** Of names that have a meaning of their own there is one value. */
function linesOf(fields: Fields): HeaderLines {
  return (name) => {
    if (name === "cookie" || name.startsWith("dubbo-")) return [];
    const folded = name.toLowerCase();
    return asLines(folded, fieldValues(fields, folded).map(fromField));
  };
}

function refused(
  config: RuntimeConfig,
  head: CallHead | undefined,
  decision: HostDecision | undefined,
  refusal: Refusal,
): TripleLane {
  return {
    config,
    head,
    decision,
    route: undefined,
    needsMessage: false,
    refusal,
    header: () => undefined,
    address: "",
    callerTimeoutMs: Number.POSITIVE_INFINITY,
    tag: "",
    tagForced: false,
    sent: undefined,
  };
}

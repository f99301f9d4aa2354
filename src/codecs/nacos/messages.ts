/**
 * The messages of Nacos' gRPC services that are about connections and naming, by the name of their Java class:
 *
 *     unary   ServerCheckRequest > ServerCheckResponse{connectionId, supportAbilityNegotiation}      HealthCheckRequest > HealthCheckResponse
 *     stream  ConnectionSetupRequest{clientVersion, tenant, labels, abilityTable} > [SetupAckRequest{abilityTable}]
 *     push    NotifySubscriberRequest{requestId, serviceInfo} > NotifySubscriberResponse{requestId}; likewise ConnectReset{serverIp, serverPort}, ClientDetection
 *     unary   SubscribeServiceRequest{namespace, serviceName, groupName, subscribe, clusters} > SubscribeServiceResponse{serviceInfo}
 *             ServiceQueryRequest{.., cluster, healthyOnly, udpPort} > QueryServiceResponse{serviceInfo}
 *             ServiceListRequest{.., pageNo, pageSize} > ServiceListResponse{count, serviceNames}
 *             [Persistent]InstanceRequest{.., type, instance} > InstanceResponse{type}      BatchInstanceRequest{.., type, instances}
 *
 * Every request has `headers` and `module`; every answer `resultCode` (200 or not), `errorCode`, `message`. Only pushes have a requestId.
 * Reference: Nacos 2.3.2 with clients 2.2.0, 2.4.3 and 3.0.3, seen.
 */
import { flagOf, isRecord, listOf, type NacosBody, recordOf, textOf, wholeOf } from "./body.ts";
import { encodePayload } from "./payload.ts";
import { DEFAULT_GROUP, type NacosInstance, PUBLIC_NAMESPACE, readInstance, splitGroupedName } from "./service-info.ts";

/** A message before it is put into its envelope. */
export interface NacosMessage {
  readonly type: string;
  readonly body: NacosBody;
}

/** What every answer says. */
export interface NacosResult {
  /** `resultCode` is 200. */
  readonly isOk: boolean;
  readonly errorCode: number;
  readonly message: string;
}

/** Which service a naming request is about. */
export interface ServiceAddress {
  /** Id of the namespace; `public` for the one without. */
  readonly namespace: string;
  readonly groupName: string;
  readonly serviceName: string;
}

/** What a client says of itself when it opens its stream. */
export interface ConnectionSetup {
  readonly clientVersion: string;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it said what it is able to: only then it is sent a SetupAckRequest. */
  readonly hasAbilityTable: boolean;
}

/** `errorCode` for a type of request that the server does not know. */
export const NO_HANDLER = 302;
/** `errorCode` for a request on a connection that the server does not know (any more). */
export const UN_REGISTER = 301;
/** `errorCode` for what the user may not do. */
export const NO_RIGHT = 403;
/** `errorCode` of a ConfigQueryResponse for what is not there. */
export const CONFIG_NOT_FOUND = 300;

const MAX_LABELS = 64;

/** A request as clients send it: `type` is the Java class, `module` its part of Nacos. */
export function request(type: string, module: "internal" | "naming" | "config", fields: NacosBody = {}): NacosMessage {
  return { type, body: { headers: {}, ...fields, module } };
}

/** A message in its envelope, with the envelope's headers. */
export function encodeMessage({ type, body }: NacosMessage, headers: Iterable<readonly [string, string]> = []): Buffer {
  return encodePayload({ type, headers, body: JSON.stringify(body) });
}

/** An answer of success. */
export function success(type: string, fields: NacosBody = {}): NacosMessage {
  return { type, body: { resultCode: 200, errorCode: 0, success: true, ...fields } };
}

/** An answer of failure; `ErrorResponse` where the request's own answer is not known. */
export function failure(errorCode: number, message: string, type = "ErrorResponse"): NacosMessage {
  return { type, body: { resultCode: 500, errorCode, message, success: false } };
}

/** The answer to a push: the class named ...Request becomes ...Response, with the push's requestId. */
export function acknowledgement(push: NacosMessage): NacosMessage {
  return success(push.type.replace(/Request$/, "Response"), { requestId: textOf(push.body, "requestId") });
}

/** What an answer says of its success; `resultCode` missing counts as success, as Java's default does. */
export function readResult(body: NacosBody): NacosResult {
  return {
    isOk: wholeOf(body, "resultCode", 200) === 200,
    errorCode: wholeOf(body, "errorCode", 0),
    message: textOf(body, "message"),
  };
}

/** A client's first message on its stream. */
export function connectionSetup(setup: Omit<ConnectionSetup, "hasAbilityTable">): NacosMessage {
  const { clientVersion, tenant, labels } = setup;
  return request("ConnectionSetupRequest", "internal", { clientVersion, tenant, labels, abilityTable: {} });
}

/** Reads a client's first message on its stream. */
export function readConnectionSetup(body: NacosBody): ConnectionSetup {
  const labels = Object.create(null) as Record<string, string>;
  const said = recordOf(body, "labels") ?? {};
  for (const key of Object.keys(said).slice(0, MAX_LABELS)) labels[key] = textOf(said, key);
  return {
    clientVersion: textOf(body, "clientVersion"),
    tenant: textOf(body, "tenant"),
    labels,
    hasAbilityTable: recordOf(body, "abilityTable") !== undefined,
  };
}

/** Reads the answer to a server check: the connection's id, and whether a SetupAckRequest will follow the setup. */
export function readServerCheck(body: NacosBody): { readonly connectionId: string; readonly negotiates: boolean } {
  return {
    connectionId: textOf(body, "connectionId"),
    negotiates: flagOf(body, "supportAbilityNegotiation", false),
  };
}

/** Where a reset tells the client to go: `host:port` (the main port); undefined where it leaves the choice to the client. */
export function readReset(body: NacosBody): string | undefined {
  const host = textOf(body, "serverIp").trim();
  const port = wholeOf(body, "serverPort", 0);
  return host === "" || port <= 0 || port > 65_535 ? undefined : `${host}:${port}`;
}

/** Subscribes to a service, or ends that. */
export function subscribeRequest(service: ServiceAddress, clusters = "", subscribe = true): NacosMessage {
  return request("SubscribeServiceRequest", "naming", { ...service, subscribe, clusters });
}

/** Asks for one page of the names of a group's services; pages count from 1. */
export function listRequest(namespace: string, groupName: string, pageNo: number, pageSize: number): NacosMessage {
  return request("ServiceListRequest", "naming", { namespace, serviceName: "", groupName, pageNo, pageSize });
}

/** Reads which service a naming request is about; what it leaves out is as Nacos has it by default. */
export function readServiceAddress(body: NacosBody): ServiceAddress {
  const { group, name } = splitGroupedName(textOf(body, "serviceName"), textOf(body, "groupName", DEFAULT_GROUP));
  return { namespace: textOf(body, "namespace") || PUBLIC_NAMESPACE, groupName: group, serviceName: name };
}

/** Reads a subscription: whether it begins or ends, and the clusters it is for, joined by commas; empty for all. */
export function readSubscription(body: NacosBody): { readonly subscribe: boolean; readonly clusters: string } {
  return { subscribe: flagOf(body, "subscribe", false), clusters: textOf(body, "clusters") };
}

/** Reads the instances of an InstanceRequest, PersistentInstanceRequest or BatchInstanceRequest, at most `max`. */
export function readInstances(body: NacosBody, max: number): readonly NacosInstance[] {
  const list = isRecord(body["instance"]) ? [body["instance"]] : listOf(body, "instances").slice(0, max);
  return list.flatMap((one) => readInstance(one) ?? []);
}

/** Reads a page of names: how many there are in all, and this page's; names that are no text are left out. */
export function readServiceList(body: NacosBody): { readonly count: number; readonly names: readonly string[] } {
  const names = listOf(body, "serviceNames").filter((name): name is string => typeof name === "string" && name !== "");
  return { count: Math.max(0, wholeOf(body, "count", 0)), names };
}

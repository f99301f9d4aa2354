/**
 * What a Nacos client is shown of a service, of Dubbo and of Spring Cloud alike:
 *
 *     providers:...            one instance for each proxy address, as ZooKeeper's consumers are shown it (present.ts)
 *     NAME of Spring Cloud     one instance: the port of the proxy that takes this service's requests
 *     NAME of a Dubbo application    its instances but for those that interface level stands for
 *     anything else            as the registry has it
 *
 * Lists stay lists of the real server: what is not replaced keeps every field, known or not.
 */
import { isRecord, listOf, type NacosBody, recordOf, textOf, wholeOf } from "../../codecs/nacos/body.ts";
import { DEFAULT_CLUSTER, DEFAULT_GROUP, groupedName } from "../../codecs/nacos/service-info.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../model/service.ts";
import { type DubboUrl, param, parseNodeName, printNodeName } from "../dubbo/url.ts";
import { applicationWait } from "./applications.ts";
import { ANYBODY, type Asker } from "./asker.ts";
import type { HttpElsewhere, PresentContext } from "./context.ts";
import {
  type DubboServiceName,
  isDubboApplication,
  metadataOf,
  parseDubboServiceName,
  urlOfHost,
} from "./nacos-urls.ts";
import { type Passed, present } from "./present.ts";
import { placeOf } from "./shown-place.ts";

/** What is asked for, and by whom. */
export interface NacosQuestion {
  readonly groupName: string;
  /** Without the group. */
  readonly serviceName: string;
  /** The clusters that are asked for, joined by commas; empty for all. */
  readonly clusters: string;
  /** The cluster that the asker itself stands in; empty where it is not known. */
  readonly ownCluster: string;
  readonly asker?: Asker;
}

/** What is shown. */
export interface NacosAnswer {
  /** Those shown; the same list as the real one where nothing is changed. */
  readonly hosts: readonly unknown[];
  readonly passed: readonly Passed[];
  /** Printed keys of services that pass unchanged only until the proxy has been told of them. */
  readonly soon: ReadonlySet<string>;
}

/** Hosts of one service, by who reads them. Pure: equal arguments, equal answer. */
export function presentNacosHosts(
  hosts: readonly unknown[],
  question: NacosQuestion,
  context: PresentContext,
): NacosAnswer {
  const dubbo = parseDubboServiceName(question.serviceName);
  if (dubbo !== undefined) {
    return dubbo.category === "providers" ? providers(hosts, dubbo, question, context) : unchanged(hosts);
  }
  return spring(hosts, question, context);
}

/** The service of Spring Cloud that a Nacos service is: a group other than the default one is part of its key. */
export function springServiceKey(groupName: string, serviceName: string): ServiceKey {
  return serviceKey(serviceName, groupName === DEFAULT_GROUP ? "" : groupName);
}

function unchanged(hosts: readonly unknown[], soon: ReadonlySet<string> = NOTHING): NacosAnswer {
  return { hosts, passed: [], soon };
}

const NOTHING: ReadonlySet<string> = new Set();

function providers(
  hosts: readonly unknown[],
  name: DubboServiceName,
  question: NacosQuestion,
  context: PresentContext,
): NacosAnswer {
  const byName = new Map<string, NacosBody[]>();
  const kept: unknown[] = [];
  const wanted = new Set([`${name.group}\n${name.version}`]);
  for (const host of hosts) {
    const url = isRecord(host) ? urlOfHost(host) : undefined;
    if (url === undefined) {
      kept.push(host);
      continue;
    }
    wanted.add(`${param(url, "group")}\n${param(url, "version")}`);
    const nodeName = printNodeName(url);
    const alike = byName.get(nodeName);
    if (alike === undefined) byName.set(nodeName, [host as NacosBody]);
    else alike.push(host as NacosBody);
  }
  const directory = { kind: "providers", path: question.serviceName, name: name.interfaceName } as const;
  const { shown, virtual, passed, soon } = present(directory, [...byName.keys()], context, question.asker ?? ANYBODY);
  const real = [...byName.values()].flat();
  const stand = [...virtual].flatMap((nodeName) => {
    const reading = parseNodeName(nodeName);
    if (reading.type !== "url") return [];
    const { url } = reading;
    if (!wanted.has(`${param(url, "group")}\n${param(url, "version")}`)) return [];
    return [dubboHost(url, real, question)];
  });
  if (stand.length === 0 && shown.size === byName.size) return { hosts, passed, soon };
  for (const [nodeName, alike] of byName) if (shown.has(nodeName) && !virtual.has(nodeName)) kept.push(...alike);
  return { hosts: [...kept, ...stand], passed, soon };
}

function dubboHost(url: DubboUrl, real: readonly NacosBody[], question: NacosQuestion): NacosBody {
  return standingHost({ address: url, metadata: metadataOf(url, real), real, question });
}

function spring(hosts: readonly unknown[], question: NacosQuestion, context: PresentContext): NacosAnswer {
  const { groupName, serviceName } = question;
  const http: NacosBody[] = [];
  const kept: unknown[] = [];
  const application: NacosBody[] = [];
  for (const host of hosts) {
    if (!isRecord(host)) kept.push(host);
    else if (isDubboApplication(host)) application.push(host);
    else http.push(host);
  }
  const dubboChanged = addApplication(kept, application, question, context);
  const isSoon = application.some((host) => context.isSoon(serviceName, idOf(host)));
  const dubboSoon: ReadonlySet<string> = isSoon ? new Set([applicationWait(serviceName)]) : NOTHING;
  const service = springServiceKey(groupName, serviceName);
  const elsewhere = http.length === 0 && kept.length === 0 ? context.httpElsewhereOf(service) : undefined;
  if (elsewhere !== undefined)
    return { hosts: [elsewhereHost(elsewhere, question, context)], passed: [], soon: NOTHING };
  const address = http.length === 0 ? undefined : context.httpAddressOf(service);
  if (address === undefined) {
    const soon = http.length > 0 && context.notLedHttp(service)?.soon === true;
    const waiting = soon ? new Set([printServiceKey(service), ...dubboSoon]) : dubboSoon;
    return dubboChanged ? { hosts: [...kept, ...http], passed: [], soon: waiting } : unchanged(hosts, waiting);
  }
  const place = placeOf(address, serviceName, context);
  const at = { host: place.hostName, port: place.port };
  const stand = standingHost({ address: at, metadata: agreedMetadata(http), real: http, question });
  return { hosts: [...kept, stand], passed: [], soon: dubboSoon };
}

/** Adds what is shown of a Dubbo application's instances; gives whether that is not what they are. */
function addApplication(
  kept: unknown[],
  instances: readonly NacosBody[],
  question: NacosQuestion,
  context: PresentContext,
): boolean {
  if (instances.length === 0) return false;
  const name = question.serviceName;
  const presented = context.application(name);
  const isHidden = presented?.hides ?? ((id: string) => context.hidesInstance(name, id));
  const real = instances.filter((host) => isHidden(idOf(host)));
  if (real.length === 0) {
    kept.push(...instances);
    return false;
  }
  kept.push(...instances.filter((host) => !real.includes(host)));
  for (const { address, port, metadata } of presented?.instances ?? [])
    kept.push(standingHost({ address: { host: address, port }, metadata, real, question }));
  return true;
}

function idOf(host: NacosBody): string {
  return `${textOf(host, "ip")}:${wholeOf(host, "port", 0)}`;
}

/** The instance that stands for a service of another registry. */
function elsewhereHost(
  { address, metadata, isUp }: HttpElsewhere,
  question: NacosQuestion,
  context: PresentContext,
): NacosBody {
  const { secure: _, ...shown } = metadata;
  const { hostName, port } = placeOf(address, question.serviceName, context);
  const host = standingHost({ address: { host: hostName, port }, metadata: shown, real: [], question });
  return isUp ? host : { ...host, healthy: false };
}

/** Keys on which all agree; `secure` is left out, for the proxy's port takes plain requests. */
function agreedMetadata(hosts: readonly NacosBody[]): NacosBody {
  const metadata = Object.create(null) as Record<string, unknown>;
  const [first = {}, ...others] = hosts.map((host) => recordOf(host, "metadata") ?? {});
  for (const key of Object.keys(first)) {
    if (key === "secure") continue;
    const value = first[key];
    if (others.every((other) => Object.hasOwn(other, key) && other[key] === value)) metadata[key] = value;
  }
  return metadata;
}

interface Standing {
  readonly address: { readonly host: string; readonly port: number };
  readonly metadata: NacosBody;
  /** Those that it stands for. */
  readonly real: readonly NacosBody[];
  readonly question: NacosQuestion;
}

/** An instance at the proxy: healthy and enabled while one of those behind it is, else as they are. */
function standingHost({ address, metadata, real, question }: Standing): NacosBody {
  const { groupName, serviceName } = question;
  const isUp = (host: NacosBody) => host["healthy"] !== false && host["enabled"] !== false;
  const up = real.length === 0 || real.some(isUp);
  const clusterName = clusterOf(question);
  const grouped = groupedName(groupName, serviceName);
  return {
    instanceId: `${address.host}#${address.port}#${clusterName}#${grouped}`,
    ip: address.host,
    port: address.port,
    weight: 1,
    healthy: up || real.some((host) => host["healthy"] !== false),
    enabled: up || real.some((host) => host["enabled"] !== false),
    ephemeral: real.every((host) => host["ephemeral"] !== false),
    clusterName,
    serviceName: grouped,
    metadata,
    instanceHeartBeatInterval: 5_000,
    instanceHeartBeatTimeOut: 15_000,
    ipDeleteTimeout: 30_000,
  };
}

/** The asker's own cluster, where that is among those asked for: balancers prefer it, and clients filter by what they asked for. */
function clusterOf({ clusters, ownCluster }: NacosQuestion): string {
  const asked = clusters.split(",").filter((cluster) => cluster !== "");
  if (asked.length === 0) return ownCluster === "" ? DEFAULT_CLUSTER : ownCluster;
  return asked.includes(ownCluster) ? ownCluster : asked[0]!;
}

/** A service's object with other hosts in it; every other field as it came. */
export function withHosts(info: NacosBody, hosts: readonly unknown[]): NacosBody {
  return hosts === info["hosts"] ? info : { ...info, hosts };
}

/** The hosts of a service's object. */
export function hostsOf(info: NacosBody): readonly unknown[] {
  return listOf(info, "hosts");
}

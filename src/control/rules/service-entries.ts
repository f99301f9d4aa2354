import { type Endpoint, type Entry, furtherHost, hostnameOf, plainEndpoint } from "../../model/entry.ts";
import { TLS_MODE_LABEL } from "../../model/inbound.ts";
import { parseLocality } from "../../model/mesh.ts";
import type { Rule, ServiceEntry, ServiceEntryEndpoint, ServiceEntryPort, WorkloadEntry } from "../../model/rule.ts";
import { serviceKey } from "../../model/service.ts";
import { selectsLabels } from "./client.ts";
import { compareText } from "./findings.ts";

/** Origin of endpoints that rules list. */
export const RULES_ORIGIN = "rules";

interface Made {
  /** The WorkloadEntries that were selected. */
  readonly selected: readonly WorkloadEntry[];
  readonly entries: readonly Entry[];
}

const made = new WeakMap<ServiceEntry, Made>();

/**
 * The entries with those that ServiceEntry rules add: what a registry knows stays as it is, and of two rules for one host the older
 * counts. Entries made from one and the same rule, and the same WorkloadEntries, are the same objects.
 */
export function withServiceEntries(entries: readonly Entry[], rules: readonly Rule[]): readonly Entry[] {
  const written = rules.filter((rule) => rule.kind === "ServiceEntry");
  if (written.length === 0) return entries;
  const workloads = rules.filter((rule) => rule.kind === "WorkloadEntry");
  const hosts = new Set(entries.map(({ host }) => host));
  const added: Entry[] = [];
  for (const rule of written) {
    const own = entriesOf(rule, workloads).filter((entry) => !hosts.has(hostnameOf(entry)));
    for (const entry of own) {
      if (hosts.has(entry.host)) continue;
      hosts.add(entry.host);
      added.push(entry);
    }
  }
  return added.length === 0 ? entries : [...entries, ...added];
}

/** The entries of one ServiceEntry: for each of its hosts one with the first port of each protocol, and one for each further port. */
export function entriesOf(rule: ServiceEntry, workloads: readonly WorkloadEntry[] = []): readonly Entry[] {
  const selected = selectedBy(rule, workloads);
  const known = made.get(rule);
  const isSame = known?.selected.length === selected.length && selected.every((one, i) => one === known.selected[i]);
  if (isSame) return known!.entries;
  const entries = rule.hosts.flatMap((host) => toEntries(rule, host, selected));
  made.set(rule, { selected, entries });
  return entries;
}

/** The WorkloadEntries of a ServiceEntry's namespace that have the labels that it selects; none where it lists endpoints itself. */
export function selectedBy(
  { namespace, workloadSelector }: ServiceEntry,
  workloads: readonly WorkloadEntry[],
): readonly WorkloadEntry[] {
  if (workloadSelector === undefined) return [];
  return workloads.filter(
    (one) => one.namespace === namespace && selectsLabels(workloadSelector, one.endpoint.labels ?? {}),
  );
}

function toEntries(rule: ServiceEntry, host: string, selected: readonly WorkloadEntry[]): readonly Entry[] {
  const listed = selected.length > 0 ? selected.map(({ endpoint }) => endpoint) : rule.endpoints;
  const where: readonly ServiceEntryEndpoint[] = rule.byName ? [{ address: host }] : listed;
  const known = rule.isExternal === true ? where.map(outside) : where;
  // Which of a wildcard's names a call is for is said by HTTP alone.
  const ports = host.startsWith("*") ? rule.ports.filter(({ carried }) => carried === "http") : rule.ports;
  const isFirst = (port: ServiceEntryPort) => ports.find(({ carried }) => carried === port.carried) === port;
  const shared = {
    namespace: rule.namespace,
    ...(rule.exportTo !== undefined && { exportTo: rule.exportTo }),
    ...(rule.subjectAltNames !== undefined && { subjectAltNames: rule.subjectAltNames }),
  };
  const own = host.toLowerCase();
  const [first, ...further] = [ports.filter(isFirst), ...ports.filter((port) => !isFirst(port)).map((port) => [port])];
  return [
    Object.freeze({ host: own, service: Object.freeze(serviceKey(host)), ...portsAt(known, first!), ...shared }),
    ...further.map(([port]) => {
      const { number } = port!;
      const service = Object.freeze(serviceKey(host, "", String(number)));
      return Object.freeze({
        host: furtherHost(own, number),
        service,
        ...portsAt(known, [port!]),
        ...shared,
        portOf: own,
      });
    }),
  ];
}

/** Some ports of a service, and its endpoints at them. */
function portsAt(
  where: readonly ServiceEntryEndpoint[],
  ports: readonly ServiceEntryPort[],
): Pick<Entry, "endpoints" | "ports"> {
  const endpoints = where.flatMap((one) => ports.map((port) => toEndpoint(one, port)));
  const unique = new Map(endpoints.map((one) => [`${one.address} ${one.port} ${one.protocol}`, one]));
  return {
    endpoints: Object.freeze([...unique.values()].sort(compareEndpoints)),
    ports: Object.freeze(ports.map(({ carried, number }) => Object.freeze({ protocol: carried, port: number }))),
  };
}

/** An endpoint outside the mesh takes no mutual TLS of the mesh's, whatever its labels say. */
function outside({ labels = {}, ...endpoint }: ServiceEntryEndpoint): ServiceEntryEndpoint {
  const { [TLS_MODE_LABEL]: _, ...others } = labels;
  return { ...endpoint, labels: others };
}

function toEndpoint(where: ServiceEntryEndpoint, port: ServiceEntryPort): Endpoint {
  const { address, ports, labels = {}, weight, serviceAccount } = where;
  const locality = parseLocality(where.locality ?? "");
  return {
    ...plainEndpoint({
      address,
      port: ports?.[port.name] ?? port.targetPort ?? port.number,
      protocol: port.carried,
      weight: weight ?? 100,
      params: Object.freeze({ ...labels }),
      origin: RULES_ORIGIN,
    }),
    ...(locality !== undefined && { locality }),
    ...(serviceAccount !== undefined && serviceAccount !== "" && { serviceAccount }),
  };
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.address, b.address) || a.port - b.port || compareText(a.protocol, b.protocol);
}

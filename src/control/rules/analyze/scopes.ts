import type { Entry } from "../../../model/entry.ts";
import { DEFAULT_MESH, type MeshSettings } from "../../../model/mesh.ts";
import { type Gateway, printPosition, type Rule, type VirtualService } from "../../../model/rule.ts";
import type { Sidecar } from "../../../model/rules/sidecar.ts";
import { selectsLabels } from "../client.ts";
import { delegateOf, indexDelegates, mergeRoute } from "../delegates.ts";
import type { Report } from "../findings.ts";
import { gatewayChains } from "../gateway-ports.ts";
import { hostMatches } from "../hosts.ts";
import { selectedBy } from "../service-entries.ts";

/** What is to be known of the mesh. */
type ScopedMesh = Pick<MeshSettings, "namespace"> & {
  /** One proxy serves every Gateway. */
  readonly servesAllGateways?: boolean;
};

/**
 * Checks what objects say of each other: delegates, Sidecars of one workload, servers of one port, selectors and what they select.
 */
export function analyzeScopes(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  report: Report,
  { servesAllGateways: servesAll = false, namespace }: ScopedMesh = DEFAULT_MESH,
): void {
  checkDelegates(rules, report);
  const sidecars = rules.filter((rule) => rule.kind === "Sidecar");
  checkSidecars(sidecars, report);
  for (const sidecar of entries === undefined ? [] : sidecars) checkEgress(sidecar, entries!, namespace, report);
  const told = new Set<string>();
  const once: Report = (code, position, message) => {
    const key = `${code} ${printPosition(position)}`;
    if (!told.has(key)) report(code, position, message);
    told.add(key);
  };
  const gateways = rules.filter((rule) => rule.kind === "Gateway");
  for (const some of gatewaysOfProxies(gateways, servesAll)) checkServers(some, once);
  checkWorkloads(rules, report);
}

function checkDelegates(rules: readonly Rule[], report: Report): void {
  const index = indexDelegates(rules);
  const used = new Set<VirtualService>();
  for (const root of rules) {
    if (root.kind !== "VirtualService" || root.hosts.length === 0) continue;
    for (const route of root.http) {
      if (route.delegate === undefined) continue;
      const { at, name, namespace = root.namespace } = route.delegate;
      const delegate = delegateOf(root, route, index);
      if (delegate === undefined) {
        report(
          "TR0243",
          at.position,
          `route of ${root.name} delegates to VirtualService ${namespace}/${name}, which is not there, has hosts of its own or is not exported to ${root.namespace}: the route is passed over`,
        );
        continue;
      }
      used.add(delegate);
      for (const one of delegate.http) {
        if (mergeRoute(route, one) !== undefined) continue;
        const why =
          one.delegate === undefined ? "not each match of it lies within one of" : "it delegates itself, unlike";
        report("TR0243", one.at.position, `route of ${delegate.name} is passed over: ${why} the route of ${root.name}`);
      }
    }
  }
  for (const rule of index.values())
    if (!used.has(rule))
      report("TR0244", rule.at.position, `VirtualService ${rule.name} has no hosts, and no other delegates to it`);
}

function checkSidecars(sidecars: readonly Sidecar[], report: Report): void {
  const first = new Map<string, Sidecar>();
  for (const sidecar of sidecars) {
    const { namespace, name, workloadSelector } = sidecar;
    const labels = Object.entries(workloadSelector ?? {})
      .map(([label, value]) => `${label}=${value}`)
      .sort();
    const key = `${namespace} ${labels.join()}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, sidecar);
    else
      report(
        "TR0245",
        sidecar.at.position,
        `Sidecar ${name} is for ${labels.length === 0 ? "all workloads" : labels.join(", ")} of ${namespace}, as ${other.name} (${printPosition(other.at.position)}) is, which holds`,
      );
  }
}

/** Names hosts that a Sidecar asks for and no service has, or none of the namespace that it names. */
function checkEgress(sidecar: Sidecar, entries: readonly Entry[], meshNamespace: string, report: Report): void {
  for (const { at, hosts } of sidecar.egress) {
    hosts.forEach((text, i) => {
      const cut = text.indexOf("/");
      const [asked, host] = [text.slice(0, cut), text.slice(cut + 1)];
      if (asked === "~" || host === "*") return;
      const namespaces = entries
        .filter((entry) => hostMatches(host, entry))
        .map((entry) => entry.namespace ?? meshNamespace);
      const own = asked === "." ? sidecar.namespace : asked;
      if (own === "*" ? namespaces.length > 0 : namespaces.includes(own)) return;
      const elsewhere = [...new Set(namespaces)].sort().slice(0, 5).join(", ");
      const why =
        elsewhere === ""
          ? "matches no service that is known"
          : `matches no service of namespace ${own}; those of that name are of ${elsewhere}`;
      report(
        "TR0246",
        at.fields[`hosts[${i}]`] ?? at.position,
        `egress host ${text} of Sidecar ${sidecar.name} ${why}`,
      );
    });
  }
}

/** Most proxies that are thought of. */
const MAX_PROXIES = 1_000;

/** The Gateways that may be on one proxy: one with the labels that one of them asks for, or two; and one that serves all. */
function gatewaysOfProxies(gateways: readonly Gateway[], servesAll: boolean): readonly (readonly Gateway[])[] {
  const selectors = [...new Map(gateways.map(({ selector = {} }) => [JSON.stringify(selector), selector])).values()];
  const isOne = (a: Selector, b: Selector) => Object.entries(a).every(([name, value]) => (b[name] ?? value) === value);
  const lists = new Map<string, readonly Gateway[]>();
  const add = (of: readonly Gateway[]) => lists.set(of.map((one) => gateways.indexOf(one)).join(), of);
  if (servesAll) add(gateways);
  for (const [i, a] of selectors.entries()) {
    for (const b of selectors.slice(i)) {
      if (lists.size >= MAX_PROXIES) return [...lists.values()];
      if (!isOne(a, b)) continue;
      const labels = { ...a, ...b };
      add(gateways.filter(({ selector = {} }) => selectsLabels(selector, labels)));
    }
  }
  return [...lists.values()];
}

type Selector = Readonly<Record<string, string>>;

function checkServers(gateways: readonly Gateway[], report: Report): void {
  const first = new Map<string, { readonly gateway: Gateway; readonly line: string }>();
  gatewayChains(gateways, ({ server: { at, port, hosts }, host, by }) => {
    const where = printPosition(by.at.position);
    if (host === undefined)
      report(
        "TR0240",
        at.fields["tls"] ?? at.position,
        `port ${port.number} is ${by.tls === undefined ? "plain text" : "TLS"} at ${where} already, and a port is one of both: this server is not served`,
      );
    else
      report(
        "TR0240",
        at.fields[`hosts[${host}]`] ?? at.position,
        `host ${hosts[host]} at port ${port.number} has another tls at ${where} already: this server does not serve it`,
      );
  });
  for (const gateway of gateways) {
    for (const server of gateway.servers) {
      const { at, bind = "", port, hosts } = server;
      hosts.forEach((host, i) => {
        const key = `${bind} ${port.number} ${host.toLowerCase()}`;
        const other = first.get(key);
        const position = at.fields[`hosts[${i}]`] ?? at.position;
        if (other === undefined) first.set(key, { gateway, line: printPosition(position) });
        else if (other.gateway !== gateway)
          report(
            "TR0239",
            position,
            `host ${host} at port ${port.number} of Gateway ${gateway.name} is one of ${other.gateway.name} too (${other.line}): callers get the routes of both`,
          );
      });
    }
  }
}

function checkWorkloads(rules: readonly Rule[], report: Report): void {
  const workloads = rules.filter((rule) => rule.kind === "WorkloadEntry");
  const chosen = new Set<Rule>();
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry" || rule.workloadSelector === undefined) continue;
    const selected = selectedBy(rule, workloads);
    for (const one of selected) chosen.add(one);
    if (selected.length > 0) continue;
    const labels = Object.entries(rule.workloadSelector).map(([name, value]) => `${name}=${value}`);
    report(
      "TR0252",
      rule.at.fields.workloadSelector ?? rule.at.position,
      `ServiceEntry ${rule.name} selects ${labels.join(", ")} in namespace ${rule.namespace}, which no WorkloadEntry has: it has no endpoints`,
    );
  }
  for (const rule of workloads)
    if (!chosen.has(rule))
      report(
        "TR0252",
        rule.at.position,
        `WorkloadEntry ${rule.name} is selected by no ServiceEntry of ${rule.namespace}`,
      );
}

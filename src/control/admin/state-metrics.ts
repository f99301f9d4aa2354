import { forgetOldest } from "../../base/bounded.ts";
import type { Counter, Gauge, Metrics } from "../../base/metrics.ts";
import { RULE_FINDINGS } from "../rules/findings.ts";
import type { AdminState } from "./state.ts";

/** What Trestle's own metrics are made of, all of one moment. */
export interface StateMetrics {
  take(state: AdminState): void;
}

/** Most metrics that proxies and facades may name by themselves. */
const MAX_NAMES = 200;

/** Trestle's own metrics: what is known, what is in force, what proxies and facades count. */
export function createStateMetrics(metrics: Metrics): StateMetrics {
  const gauge = (name: string, help: string, ...labels: string[]): Gauge => metrics.gauge({ name, help, labels });
  const build = gauge("trestle_build_info", "Always 1; the label is Trestle's version.", "version");
  const ready = gauge("trestle_ready", "1 once rules and registries are loaded.");
  const services = gauge("trestle_services", "Services that are known.");
  const endpoints = gauge("trestle_endpoints", "Endpoints of all services.");
  const rules = gauge("trestle_rules", "Rules in force, by kind.", "kind");
  const ruleFiles = gauge("trestle_rule_files", "Rule files, by whether their newest text is in force.", "valid");
  const findings = gauge("trestle_findings", "Findings that stand, by code and severity.", "code", "severity");
  const registryUp = gauge("trestle_registry_connected", "1 while the registry is within reach.", "registry");
  const registryServices = gauge("trestle_registry_services", "Services in the registry.", "registry");
  const registryEndpoints = gauge("trestle_registry_endpoints", "Endpoints in the registry.", "registry");
  const held = gauge(
    "trestle_registry_held_endpoints",
    "Endpoints that the guard holds against a sudden loss.",
    "registry",
  );
  const registryState = gauge("trestle_registry_state", "1 for the state a registry is in.", "registry", "state");
  const registryAge = gauge("trestle_registry_age_seconds", "Time since its newest world came.", "registry");
  const registryLag = gauge(
    "trestle_registry_lag_seconds",
    "Time that the newest world took from the registry's word of it until it was merged.",
    "registry",
  );
  const connections = gauge("trestle_facade_connections", "Client connections of a facade.", "facade");
  const workers = gauge("trestle_proxy_workers", "Proxy workers, by state.", "state");
  const proxyGauges = new Map<string, Gauge>();
  const counters = createTotals(metrics);

  return {
    take(state) {
      for (const one of [
        rules,
        ruleFiles,
        findings,
        registryUp,
        registryServices,
        registryEndpoints,
        held,
        registryState,
        registryAge,
        registryLag,
        connections,
      ])
        one.clear();
      build.set(1, state.version);
      ready.set(state.notReady.length === 0 ? 1 : 0);
      services.set(state.snapshot.entries.length);
      endpoints.set(state.snapshot.entries.reduce((sum, entry) => sum + entry.endpoints.length, 0));
      for (const kind of ["VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "RestMapping"])
        rules.set(state.snapshot.rules.filter((rule) => rule.kind === kind).length, kind);
      for (const valid of [true, false])
        ruleFiles.set(state.rules.files.filter((file) => file.valid === valid).length, String(valid));
      const severities = new Map(
        Object.entries(RULE_FINDINGS).map(([code, { severity }]) => [code, severity as string]),
      );
      for (const [code, count] of countBy(state.findings.map((finding) => `${finding.code} ${finding.severity}`))) {
        const [name = "", severity = ""] = code.split(" ");
        findings.set(count, name, severities.get(name) ?? severity);
      }
      for (const registry of state.registries) {
        registryUp.set(registry.connected ? 1 : 0, registry.name);
        registryServices.set(registry.services, registry.name);
        registryEndpoints.set(registry.endpoints, registry.name);
        held.set(registry.heldEndpoints ?? 0, registry.name);
        if (registry.state !== undefined) registryState.set(1, registry.name, registry.state);
        if (registry.ageMs !== undefined) registryAge.set(registry.ageMs / 1_000, registry.name);
        if (registry.lagMs !== undefined) registryLag.set(registry.lagMs / 1_000, registry.name);
        if (registry.errors !== undefined)
          counters.take("trestle_registry_errors", "registry", registry.name, registry.name, registry.errors);
      }
      for (const facade of state.facades) {
        connections.set(facade.connections, facade.name);
        for (const [name, value] of Object.entries(facade.counters))
          counters.take(`trestle_facade_${name}`, "facade", facade.name, facade.name, value);
      }
      workers.clear();
      for (const [worker, count] of countBy(state.workers.map((worker) => worker.state))) workers.set(count, worker);
      takeProxies(state);
    },
  };

  function takeProxies(state: AdminState): void {
    const sums = new Map<string, number>();
    for (const { worker, counters: counted, gauges } of state.stats) {
      for (const [name, value] of Object.entries(counted))
        counters.take(`trestle_proxy_${name}`, undefined, "", worker, value);
      for (const [name, value] of Object.entries(gauges)) sums.set(name, (sums.get(name) ?? 0) + value);
    }
    for (const known of proxyGauges.values()) known.clear();
    for (const [name, sum] of sums) {
      const legal = `trestle_proxy_${legalName(name)}`.replace(/_total$/, "");
      if (!proxyGauges.has(legal) && proxyGauges.size >= MAX_NAMES) continue;
      const found = proxyGauges.get(legal) ?? gauge(legal, `${wordsOf(name)}, all proxy workers together.`);
      proxyGauges.set(legal, found);
      found.set(sum);
    }
  }
}

interface Totals {
  take(name: string, label: string | undefined, value: string, from: string, total: number): void;
}

/** Counters that others count: what was added since the last look goes into ours, a fall means that they began anew. */
function createTotals(metrics: Metrics): Totals {
  const known = new Map<string, { readonly counter: Counter; readonly seen: Map<string, number> }>();
  return {
    take(raw, label, value, from, total) {
      const name = `${legalName(raw).replace(/_total$/, "")}_total`;
      if (!known.has(name)) {
        if (known.size >= MAX_NAMES) return;
        const labels = label === undefined ? [] : [label];
        const help = `${wordsOf(raw.replace(/^trestle_(proxy|facade)_/, ""))}, since the start.`;
        known.set(name, { counter: metrics.counter({ name, help, labels }), seen: new Map() });
      }
      const { counter, seen } = known.get(name)!;
      const before = seen.get(from) ?? 0;
      counter.add(total >= before ? total - before : total, ...(label === undefined ? [] : [value]));
      seen.delete(from);
      seen.set(from, total);
      forgetOldest(seen, MAX_NAMES);
    },
  };
}

function legalName(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "_")
    .slice(0, 100);
}

function wordsOf(name: string): string {
  const words = legalName(name)
    .replace(/_total$/, "")
    .replace(/_/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

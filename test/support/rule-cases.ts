import { readdirSync, readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import type { NodeText } from "../../src/codecs/xds/discovery.ts";
import { type ResourceSet, virtualHostsOf } from "../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../src/codecs/xds/served.ts";
import { compile } from "../../src/control/compile/compiler.ts";
import { checkConsistent } from "../../src/control/compile/consistent.ts";
import { CARRIED_PROTOCOLS } from "../../src/control/compile/endpoints.ts";
import { createServedSource } from "../../src/control/compile/served-source.ts";
import { analyzeRules } from "../../src/control/rules/analyze/analyze.ts";
import { withAttachedRules } from "../../src/control/rules/attached-rules.ts";
import { mergeDelegates } from "../../src/control/rules/delegates.ts";
import { sortFindings } from "../../src/control/rules/findings.ts";
import { indexEntries, indexRules } from "../../src/control/rules/hosts.ts";
import { isHttpService } from "../../src/control/rules/http-service.ts";
import { lowerHttpService } from "../../src/control/rules/lower/http.ts";
import { lowerService } from "../../src/control/rules/lower/lower.ts";
import { type ParsedFile, parseRules } from "../../src/control/rules/parse.ts";
import { withRestMappings } from "../../src/control/rules/rest-entries.ts";
import { oldestFirst } from "../../src/control/rules/rule-set.ts";
import { withServiceEntries } from "../../src/control/rules/service-entries.ts";
import type { Endpoint, Entry } from "../../src/model/entry.ts";
import type { Rule } from "../../src/model/rule.ts";
import { parseServiceKey } from "../../src/model/service.ts";
import { createSnapshot, type Snapshot } from "../../src/model/snapshot.ts";
import { hostOf } from "../../src/registry-sync/naming/naming.ts";

const FOLDER = new URL("../../fixtures/rules/", import.meta.url);

/** One golden case: its name, and what its three files hold or should hold. */
export interface RuleCase {
  readonly name: string;
  readonly model: string;
  readonly xds: string;
}

/** Names of all cases, sorted. */
export function ruleCases(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".in.yaml"))
    .map((file) => file.slice(0, -".in.yaml".length))
    .sort();
}

/** Path of a case's file. */
export function caseFile(name: string, part: "in" | "model" | "xds"): URL {
  return new URL(`${name}.${part}.yaml`, FOLDER);
}

/**
 * A case's input. The first document is `services`, from printed service keys to provider URLs, short:
 * `dubbo://host:port?parameter=value`; the rest are the rules. Findings count lines as in the file.
 */
export function readCaseWorld(name: string): { readonly services: Record<string, string[]>; readonly rules: string } {
  const text = readFileSync(caseFile(name, "in"), "utf8");
  const cut = text.indexOf("\n---\n");
  const { services } = parse(text.slice(0, cut)) as { services: Record<string, string[]> };
  return { services, rules: text.slice(0, cut).replace(/[^\n]/g, "") + text.slice(cut) };
}

function readRuleCase(name: string): { snapshot: Snapshot; rules: readonly Rule[]; parsed: ParsedFile } {
  const world = readCaseWorld(name);
  const entries = Object.entries(world.services).map(([key, urls]) => entryOf(key, urls));
  const parsed = parseRules(`${name}.in.yaml`, world.rules);
  const rules = oldestFirst(parsed.rules);
  const known = withRestMappings(withServiceEntries(entries, rules), rules, hostOf);
  return { snapshot: createSnapshot(known, rules, CARRIED_PROTOCOLS), rules, parsed };
}

/** What a client elsewhere is given in a case. */
export function servedInCase(name: string, node: NodeText & { readonly isDeltaAds?: boolean }): ServedSet {
  const { snapshot } = readRuleCase(name);
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (of) => compile(of, { id: "others", dubbo: [], gatewayAddress: "127.0.0.1", labels: GATEWAY }),
  });
  return source.resourcesFor({ ...node, identity: "spiffe://cluster.local/ns/default/sa/default" })!;
}

/** Labels of a proxy that the cases' Gateways choose. */
const GATEWAY = { istio: "ingressgateway" };

/** Runs a case's input. */
export function runRuleCase(name: string): RuleCase {
  const { snapshot, rules, parsed } = readRuleCase(name);
  const { virtualServices } = indexRules(mergeDelegates(withAttachedRules(rules)));
  const index = indexEntries(snapshot.entries);
  const resources = compile(snapshot, {
    id: "proxy",
    dubbo: [{ address: "127.0.0.1", port: 20880 }],
    tri: [{ address: "127.0.0.1", port: 50051 }],
    gatewayAddress: "127.0.0.1",
    labels: GATEWAY,
  });
  const problems = checkConsistent(resources);
  if (problems.length > 0) throw new Error(`${name} is inconsistent: ${problems.join("; ")}`);
  return {
    name,
    model: print({
      findings: sortFindings([...parsed.findings, ...analyzeRules(rules, snapshot.entries)]).map(
        ({ code, severity, message, at }) => `${code} ${severity} ${at} ${message}`,
      ),
      services: snapshot.entries.map((entry) =>
        (isHttpService(entry) ? lowerHttpService : lowerService)(entry, virtualServices.find(entry), index),
      ),
    }),
    xds: print(withoutVersions(resources)),
  };
}

/** An entry made of a printed key and short provider URLs. */
export function entryOf(key: string, urls: readonly string[]): Entry {
  const service = parseServiceKey(key);
  return { host: hostOf(service), service, endpoints: urls.map(endpointOf) };
}

/** An endpoint made of `protocol://host:port?parameter=value`; `weight`, `disabled`, `token` and the like are taken from it. */
export function endpointOf(text: string): Endpoint {
  const [, protocol, address, port, query = ""] = /^(\w+):\/\/([^:]+):(\d+)(?:\?(.*))?$/.exec(text)!;
  const params: Record<string, string> = Object.fromEntries(new URLSearchParams(query));
  return {
    address: address!,
    port: Number(port),
    protocol: protocol!,
    weight: Number(params.weight ?? 100),
    startedAtMs: Number(params.timestamp ?? 0),
    warmupMs: Number(params.warmup ?? 0),
    tag: params["dubbo.tag"] ?? "",
    disabled: params.disabled === "true",
    token: params.token ?? "",
    payloadBytes: Number(params.payload ?? 0),
    params,
    origin: "test",
  };
}

function withoutVersions(resources: ResourceSet): unknown {
  const plain = (list: readonly { readonly resource: unknown }[]) => list.map(({ resource }) => resource);
  const { listeners, clusters, endpoints } = resources;
  // With the virtual hosts that are resources of their own in their places.
  const routes = resources.routes.map(({ name }) => ({ name, virtualHosts: virtualHostsOf(resources, name) }));
  return { listeners: plain(listeners), routes, clusters: plain(clusters), endpoints: plain(endpoints) };
}

function print(value: unknown): string {
  return stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0, aliasDuplicateObjects: false });
}

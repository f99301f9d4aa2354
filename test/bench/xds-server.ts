/**
 * The xDS server of the bench, in a process of its own: services that are made up, in a real store, compiled and served as `trestle control`
 * does it. Its parent says by messages what to change.
 */
import { performance } from "node:perf_hooks";
import { silentLogger } from "../../src/base/log.ts";
import { XdsOutput } from "../../src/cli/mesh/xds-output.ts";
import { encodeResponse } from "../../src/codecs/xds/discovery-bytes.ts";
import { CARRIED_PROTOCOLS } from "../../src/control/compile/endpoints.ts";
import { createControlStore } from "../../src/control/store.ts";
import type { Entry } from "../../src/model/entry.ts";
import type { Rule } from "../../src/model/rule.ts";
import { createSnapshot } from "../../src/model/snapshot.ts";
import { entryOf } from "../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../support/rules.ts";
import { SCOPE, type XdsServerReport, type XdsServerRequest } from "./xds-numbers.ts";

const [services = "1000", kind = "provider", scopes = "0", address = "127.0.0.1:0"] = process.argv.slice(2);
const ENDPOINTS = 3;
const node = {
  id: "n",
  cluster: "",
  userAgentName: "trestle",
  userAgentVersion: "",
  metadata: { TRESTLE_LISTEN: { dubbo: [{ address: "10.0.0.1", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.1" } },
};

function entry(i: number, generation: number): Entry {
  const urls = Array.from({ length: ENDPOINTS }, (_, at) => {
    const last = at === 0 ? (generation % 200) + 1 : at + 200;
    return `dubbo://10.${i >> 8}.${i & 255}.${last}:20880?methods=create,find,list,remove&side=provider&timeout=3000`;
  });
  return entryOf(`${nameOf(i)}:1.0.0`, urls);
}

/** Names have the same length whatever their number, so that bytes compare. */
const nameOf = (i: number): string => `com.acme.bench.Service${String(i).padStart(5, "0")}`;

function virtualService(i: number, generation: number): Rule {
  const routes = `[{name: r, timeout: ${100 + (generation % 800)}ms, route: [{destination: {host: ${nameOf(i)}}}]}]`;
  return rulesOf(virtualServiceText(`service-${String(i).padStart(5, "0")}`, `[${nameOf(i)}]`, routes))[0]!;
}

/** One Sidecar for each client, which shows it ten services. */
function sidecar(i: number): Rule {
  const hosts = Array.from({ length: SCOPE }, (_, at) => `'*/${nameOf((i * SCOPE + at) % Number(services))}'`);
  return rulesOf(
    `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s${i}}\nspec: {workloadSelector: {labels: {app: w${i}}}, egress: [{hosts: [${hosts}]}]}\n`,
  )[0]!;
}

const output = new XdsOutput(silentLogger);
const store = createControlStore({ protocols: CARRIED_PROTOCOLS });
const entries = Array.from({ length: Number(services) }, (_, i) => entry(i, 0));
const rules: Rule[] =
  kind === "rule"
    ? entries.map((_, i) => virtualService(i, 0))
    : kind === "scopes"
      ? Array.from({ length: Number(scopes) }, (_, i) => sidecar(i))
      : [];
let generation = 0;

const send = (report: XdsServerReport): void => void process.send!(report);

process.on("message", async (request: XdsServerRequest) => {
  if (request.type === "change") {
    const at = request.service;
    const after = entry(at, ++generation);
    const before = entries[at]!;
    entries[at] = after;
    await store.sink.apply({ create: [], update: [{ before, after }], delete: [] });
  } else if (request.type === "rule") {
    rules[request.service] = virtualService(request.service, ++generation);
    store.setRules([...rules]);
  } else if (request.type === "usage") {
    // What is cleaned up to be measured is no change's cost.
    const before = process.cpuUsage();
    globalThis.gc?.();
    const after = process.cpuUsage();
    const clients = output.clients();
    send({
      type: "usage",
      cpuMs: (before.user + before.system) / 1_000,
      settledCpuMs: (after.user + after.system) / 1_000,
      rssBytes: process.memoryUsage().rss,
      clients: clients.length,
      synced: clients.filter(({ types }) => types.every(({ state }) => state === "synced")).length,
    });
  } else if (request.type === "versions") {
    const types = [...output.resourcesFor(node)!.types];
    const versionsOf = (list: (typeof types)[number][1]) =>
      Object.fromEntries(list.map((one) => [one.name, one.version]));
    send({
      type: "versions",
      versions: Object.fromEntries(types.map(([typeUrl, list]) => [typeUrl, versionsOf(list)])),
    });
  } else if (request.type === "compile") {
    const many = Array.from({ length: request.services }, (_, i) => entry(i, 0));
    const fresh = new XdsOutput(silentLogger);
    const startMs = performance.now();
    fresh.update(createSnapshot(many, [], CARRIED_PROTOCOLS), {});
    const set = fresh.resourcesFor(node)!;
    const compiledMs = performance.now() - startMs;
    let bytes = 0;
    for (const [typeUrl, list] of set.types)
      bytes += encodeResponse("delta", { typeUrl, version: "", nonce: "", resources: list, removed: [] }).length;
    send({ type: "compiled", compileMs: compiledMs, encodeMs: performance.now() - startMs - compiledMs, bytes });
  }
});

const [host, port] = address.split(":");
await output.start({ host: host!, port: Number(port) });
await store.sink.apply({ create: entries, update: [], delete: [] });
store.setRules([...rules]);
store.flush();
output.update(store.snapshots.get(), {});
void (async () => {
  for await (const snapshot of store.snapshots.watch()) output.update(snapshot, {});
})();
send({ type: "listening", address: output.address! });

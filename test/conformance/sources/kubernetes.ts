import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openKubernetes } from "../../../src/kubernetes/client.ts";
import { createKubernetesSource } from "../../../src/registry-sync/sources/kubernetes/source.ts";
import { startKubernetes } from "../../support/kubernetes.ts";
import { hosts } from "../../support/netns.ts";
import type { ListOf } from "./impostor.ts";
import { startBadNetwork } from "./network.ts";
import type { Address, Instance, SourceRegistry } from "./registry.ts";

const PORT = 6_443;

/** A real API server; each scope is a namespace, each instance a slice of its own, as a controller and people would write them. */
export async function startKubernetesRegistry(): Promise<SourceRegistry> {
  const server = await startKubernetes(hosts.registry, PORT);
  const address = { host: hosts.registry, port: PORT };
  const dir = dirname(server.caFile);
  const [cert, key] = await Promise.all([readFile(server.caFile), readFile(join(dir, "apiserver.key"))]);
  const kubeconfigOf = async ({ host, port }: Address): Promise<string> => {
    const path = join(dir, `kubeconfig-${port}`);
    const text = await readFile(server.kubeconfig, "utf8");
    await writeFile(path, text.replaceAll(`${hosts.registry}:${PORT}`, `${host}:${port}`));
    return path;
  };
  const namespaces = new Map<string, Promise<unknown>>();
  const inNamespace = (scope: string) => {
    const made = namespaces.get(scope) ?? server.must("POST", "/api/v1/namespaces", { metadata: { name: scope } });
    namespaces.set(scope, made);
    return made;
  };
  /** By namespace and name, then by the slice's name. */
  const stands = new Map<string, Map<string, Instance>>();
  const pathsOf = (name: string) => {
    const [scope, service] = name.split("/");
    return {
      services: `/api/v1/namespaces/${scope}/services`,
      slices: `/apis/discovery.k8s.io/v1/namespaces/${scope}/endpointslices`,
      service: service!,
    };
  };
  const write = async (name: string, slice: string, instance: Instance): Promise<boolean> => {
    const { slices, service } = pathsOf(name);
    const { status } = await server.ask("POST", slices, sliceOf(service, slice, instance));
    if (status !== 409) return status < 300;
    const { endpoints } = sliceOf(service, slice, instance);
    return (await server.ask("PATCH", `${slices}/${slice}`, { endpoints })).status < 300;
  };
  const writeService = async (name: string): Promise<void> => {
    const { services, service } = pathsOf(name);
    const { status } = await server.ask("POST", services, serviceOf(service));
    if (status >= 300 && status !== 409) throw new Error(`the service ${name} was refused: ${status}`);
  };
  const remove = async (name: string, gone: Iterable<string>, isWhole: boolean): Promise<void> => {
    const { services, slices, service } = pathsOf(name);
    if (isWhole) await server.ask("DELETE", `${services}/${service}`);
    for (const slice of gone) await server.ask("DELETE", `${slices}/${slice}`);
  };
  return {
    kind: "kubernetes",
    // A Service may be heard of before its slices.
    knowsEmpty: true,
    address,
    shown: { name: (service, scope) => `${service}.${scope}`, version: ({ pod = "" }) => pod.slice(1) },
    sources: {
      api: (at, scope) =>
        createKubernetesSource({
          ...{ name: "kubernetes", namespaces: [scope] },
          openApi: async () => openKubernetes({ kubeconfig: await kubeconfigOf(at) }),
        }),
    },
    async put(service, instances, scope = "default") {
      await inNamespace(scope);
      const name = `${scope}/${service}`;
      const before = stands.get(name) ?? new Map<string, Instance>();
      const after = new Map<string, Instance>();
      stands.set(name, after);
      for (const instance of instances) {
        const slice = `${service}-${instance.host}-${instance.port}`.replace(/[^a-z0-9-]/g, "x");
        const known = JSON.stringify(before.get(slice)) === JSON.stringify(instance);
        if (known || (await write(name, slice, instance))) after.set(slice, instance);
      }
      if (before.size === 0 && after.size > 0) await writeService(name);
      const gone = [...before.keys()].filter((slice) => !after.has(slice));
      await remove(name, gone, after.size === 0 && before.size > 0);
    },
    // Its certificate is that address's.
    openNetwork: () => startBadNetwork(hosts.registry, address, [0], { cert, key }),
    kill: () => server.kill(),
    restart: () => server.restart(),
    async empty() {
      for (const [name, slices] of stands) await remove(name, slices.keys(), slices.size > 0);
    },
    async putBack() {
      for (const [name, slices] of stands) {
        for (const [slice, instance] of slices) await write(name, slice, instance);
        if (slices.size > 0) await writeService(name);
      }
    },
    stop: () => server.stop(),
  };
}

/** What an API server answers that holds one Service with an endpoint: lists alone, a watch is told that it began too long ago. */
export const kubernetesList: ListOf = (name) => {
  const metadata = { name, namespace: "shop", uid: "1", resourceVersion: "1" };
  const service = { ...serviceOf(name), metadata };
  const slice = sliceOf(name, name, { host: "10.9.3.1", port: 80 });
  const items = (url: string) =>
    url.includes("/services?") ? [service] : [{ ...slice, metadata: { ...metadata, ...slice.metadata } }];
  return ({ url }) => {
    const answer = url.includes("watch=1")
      ? { type: "ERROR", object: { code: 410 } }
      : { metadata: { resourceVersion: "1" }, items: items(url) };
    return { type: "application/json", text: `${JSON.stringify(answer)}\n` };
  };
};

const serviceOf = (name: string) => ({ metadata: { name }, spec: { ports: [{ name: "http", port: 80 }] } });

/** Metadata `v` is in the pod's name: nothing else of an endpoint says more than where it is. */
function sliceOf(service: string, name: string, { host, port, up = true, metadata = {} }: Instance) {
  const targetRef = { kind: "Pod", name: `v${metadata["v"] ?? ""}` };
  return {
    metadata: { name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "http", port }],
    endpoints: [{ addresses: [host], conditions: { ready: up }, targetRef }],
  };
}

import type { Mesh } from "./mesh.ts";
import { eventually } from "./process.ts";

/** The versions of what the proxies serve by, one each. */
async function versions(mesh: Mesh): Promise<readonly string[]> {
  const status = (await mesh.trestle.json("/api/v1/status")) as { readonly workers: { resourcesVersion: string }[] };
  return status.workers.map(({ resourcesVersion }) => resourcesVersion);
}

/** How long a changed file may take to be in force on a machine under load; that it takes less than the second that is promised is for rule-files.test.ts. */
const inForceMs = 10_000;
const host = "com.acme.OrderService";
let marks = 0;

/**
 * Rules com.acme.OrderService by `routes`, in order, and `trafficPolicy`; subsets v1 and v2 are told apart by `region`. Takes
 * the place of the mesh's one rule file, and returns once all proxies serve by it.
 */
export async function enforce(mesh: Mesh, routes: readonly object[], trafficPolicy?: object): Promise<void> {
  const mark = `mark-${++marks}`;
  const named = routes.map((route) => ({ ...route, name: mark }));
  const subsets = ["v1", "v2"].map((name) => ({ name, labels: { region: name } }));
  const objects = [
    { kind: "VirtualService", spec: { hosts: [host], http: named } },
    { kind: "DestinationRule", spec: { host, subsets, ...(trafficPolicy && { trafficPolicy }) } },
  ];
  const head = { apiVersion: "networking.istio.io/v1", metadata: { name: "orders", namespace: "shop" } };
  const before = await versions(mesh);
  await mesh.rules(objects.map((object) => JSON.stringify({ ...head, ...object }, null, 1)).join("\n---\n"));
  await eventually(
    `${mark} is in force`,
    async () => {
      const routed = (await mesh.trestle.get("/api/v1/routes")).body;
      const after = await versions(mesh);
      return routed.includes(mark) && after.every((version) => !before.includes(version));
    },
    inForceMs,
  );
}

/** Takes the place of the mesh's one rule file by objects as text, and returns once all proxies serve by other resources than before. */
export async function takeUp(mesh: Mesh, text: string): Promise<void> {
  const before = await versions(mesh);
  await mesh.rules(text);
  await eventually("other resources are in force", async () => {
    const after = await versions(mesh);
    return after.every((version) => !before.includes(version));
  });
}

/** A destination of a route: a subset of com.acme.OrderService, or all of it. */
export function to(subset?: string, more: object = {}): object {
  return { destination: { host, ...(subset !== undefined && { subset }) }, ...more };
}

import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hosts } from "./netns.ts";
import { startTrestle, type Trestle, type TrestleOptions } from "./trestle.ts";
import { startZooKeeper, type ZooKeeper } from "./zookeeper.ts";

/** A real ZooKeeper with `trestle up` before it. */
export interface Mesh {
  readonly zookeeper: ZooKeeper;
  readonly trestle: Trestle;
  /** The facade: the registry address of everything inside the mesh. */
  readonly inside: string;
  /** The real registry's address. */
  readonly outside: string;
  /** Replaces the one rule file; in force within 1 s. */
  rules(text: string): Promise<void>;
  /** Calls that the proxies have carried so far, from /metrics; those for metadata of applications do not count. */
  carried(): Promise<number>;
}

/** Starts both, without rules. */
export async function startMesh(options: TrestleOptions = {}): Promise<Mesh> {
  const zookeeper = await startZooKeeper(hosts.registry);
  const rulesDir = await mkdtemp(join(tmpdir(), "trestle-rules-"));
  const trestle = await startTrestle({ registry: zookeeper.address, rules: rulesDir, ...options });
  return {
    zookeeper,
    trestle,
    inside: trestle.registry,
    outside: zookeeper.address,
    async rules(text) {
      // Whole at once: a busy machine may take its time between a file that is emptied and one that is written.
      const file = join(rulesDir, "rules.yaml");
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    },
    async carried() {
      const { status, body } = await trestle.get("/metrics");
      if (status !== 200) throw new Error(`/metrics answered ${status}`);
      return (
        body
          .split("\n")
          // Consumers at application level ask for metadata through the proxies, too.
          .filter(
            (line) => line.startsWith("istio_requests_total{") && !line.includes(`request_operation="getMetadataInfo"`),
          )
          .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)
      );
    },
  };
}

/**
 * The rule of the main job: `methods` go to the providers registered with `region=there`, everything else to those with
 * `region=otherwise`.
 */
export function splitRule(methods: readonly string[], there: string, otherwise: string): string {
  const matches = methods.map((method) => `    - method: {exact: ${method}}`).join("\n");
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders, namespace: shop}
spec:
  host: com.acme.OrderService
  subsets:
  - name: v1
    labels: {region: v1}
  - name: v2
    labels: {region: v2}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  hosts: [com.acme.OrderService]
  http:
  - match:
${matches}
    route:
    - destination: {host: com.acme.OrderService, subset: ${there}}
  - route:
    - destination: {host: com.acme.OrderService, subset: ${otherwise}}
`;
}

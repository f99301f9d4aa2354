import { silentLogger } from "../../src/base/log.ts";
import { createProxy, type RunningProxy } from "../../src/bridge-proxy/proxy.ts";
import type { ResourceSet } from "../../src/codecs/xds/resources.ts";
import { compile } from "../../src/control/compile/compiler.ts";
import { diffResources } from "../../src/control/compile/diff.ts";
import { CARRIED_PROTOCOLS } from "../../src/control/compile/endpoints.ts";
import type { Explanation } from "../../src/control/explain/explanation.ts";
import { explainAtGateway } from "../../src/control/explain/gateway.ts";
import type { ServiceSchema } from "../../src/model/schema.ts";
import { createSnapshot, type Snapshot } from "../../src/model/snapshot.ts";
import { freePort } from "./lone-proxy.ts";
import { entryOf } from "./rule-cases.ts";
import { gatewayText, rulesOf } from "./rules.ts";

/** A proxy in this process with a gateway's port and one for Triple, led by rules as the control plane compiles them. */
export interface GatewayStage {
  readonly proxy: RunningProxy;
  readonly host: string;
  /** Of the gateway `edge`, which takes every host. */
  readonly port: number;
  readonly triPort: number;
  /** Takes rules into force beside the gateway: `services` are URLs of providers by printed key, `expose` what the gateway exposes by itself. */
  apply(services: Readonly<Record<string, readonly string[]>>, rules: readonly string[], more?: Exposed): Promise<void>;
  /** What `trestle explain` says of a request at the gateway's port, by the very resources that the proxy has. */
  explain(target: string, host: string, verb: string, headers?: Readonly<Record<string, string>>): Explanation;
  close(): Promise<void>;
}

/** What {@link GatewayStage.apply} may be given too. */
export interface Exposed {
  readonly expose?: string;
  readonly schemas?: readonly ServiceSchema[];
}

/** Starts the proxy on free ports of `host`. */
export async function startGatewayStage(host: string): Promise<GatewayStage> {
  const proxy = createProxy({ worker: "gateway", log: silentLogger });
  const [port, triPort] = [await freePort(), await freePort()];
  let now: ResourceSet | undefined;
  let known: Snapshot | undefined;
  return {
    proxy,
    host,
    port,
    triPort,
    async apply(services, rules, { expose = "", schemas = [] } = {}) {
      const entries = Object.entries(services).map(([key, urls]) => entryOf(key, urls));
      const edge = gatewayText(
        "edge",
        `[{port: {number: ${port}, protocol: HTTP}, hosts: ["*"]}]`,
        `{trestle.io/expose: "${expose}"}`,
      );
      const snapshot = createSnapshot(entries, rulesOf(edge, ...rules), CARRIED_PROTOCOLS, schemas);
      const next = compile(snapshot, {
        id: "stage",
        dubbo: [],
        tri: [{ address: host, port: triPort }],
        gatewayAddress: host,
      });
      await proxy.apply(diffResources(now, next));
      now = next;
      known = snapshot;
    },
    explain(target, authority, verb, headers = {}) {
      const [, path = "", query = ""] = /^([^?]*)(\?.*)?$/.exec(target) ?? [];
      const request = { scheme: "http" as const, authority, path, query, verb, headers, caller: host };
      return explainAtGateway(now!, request, { gateway: "default/edge", port }, known);
    },
    close: () => proxy.close(),
  };
}

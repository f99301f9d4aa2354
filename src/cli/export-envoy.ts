import { createCompiler } from "../control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../control/compile/endpoints.ts";
import { type BootstrapOptions, ENVOY_ADMIN, printEnvoyBootstrap } from "../control/compile/envoy/bootstrap.ts";
import { printStaticEnvoy } from "../control/compile/envoy/static.ts";
import { createServedSource } from "../control/compile/served-source.ts";
import { withFurtherPorts } from "../control/rules/further-ports.ts";
import { withServiceEntries } from "../control/rules/service-entries.ts";
import { createSnapshot } from "../model/snapshot.ts";
import type { TrestleConfig } from "./config/config.ts";
import type { Exported, ExportedWorld } from "./export-documents.ts";

const FILE = "envoy.yaml";

/** Who an exported Envoy is. */
export interface EnvoyFlags {
  /** Istio's form, `sidecar~ADDRESS~NAME~DOMAIN` or `router~...`. */
  readonly node?: string;
  /** Where Trestle's xDS listens, `host:port`. */
  readonly control?: string;
  /** Where its own admin listens, `host:port`. */
  readonly envoyAdmin?: string;
}

/** A bootstrap with which an Envoy takes all it does from Trestle's xDS. Throws an `Error` for an address that is none. */
export function exportBootstrap(
  { control = "127.0.0.1:15011", ...flags }: EnvoyFlags,
  config: TrestleConfig,
): Exported {
  const text = printEnvoyBootstrap({ ...whoIs(flags, config), server: placeOf("--control", control, 1) });
  return { documents: [{ file: FILE, text }], lost: [] };
}

/** The configuration of an Envoy that asks nobody: services and rules as they are now. What rules ask for and it cannot do is `lost`. */
export function exportStatic(flags: EnvoyFlags, { entries, rules }: ExportedWorld, config: TrestleConfig): Exported {
  const options = whoIs(flags, config);
  const { nodeId, namespace, labels } = options;
  const snapshot = createSnapshot(
    withServiceEntries(withFurtherPorts(entries), rules),
    rules,
    CARRIED_PROTOCOLS,
    [],
    config.mesh,
  );
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (given) =>
      createCompiler()(given, { id: nodeId, dubbo: [], gatewayAddress: "0.0.0.0", namespace, labels }),
  });
  const metadata = { NAMESPACE: namespace, LABELS: { ...labels } };
  const set = source.resourcesFor({ id: nodeId, cluster: "", metadata, userAgentName: "envoy", userAgentVersion: "" });
  if (set === undefined) throw new Error(`${nodeId} is no Envoy`);
  return {
    documents: [{ file: FILE, text: printStaticEnvoy(set, options) }],
    lost: source.findings().map(({ code, at, message }) => `${at}: ${code} ${message}`),
  };
}

function placeOf(flag: string, text: string, least: number): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(":");
  const [host, digits] = [text.slice(0, at).replace(/^\[(.*)\]$/, "$1"), text.slice(at + 1)];
  const port = Number(digits);
  if (at < 1 || !/^\d{1,5}$/.test(digits) || port < least || port > 65_535)
    throw new Error(`${flag} ${text} is not HOST:PORT`);
  return { host, port };
}

function whoIs({ node, envoyAdmin }: EnvoyFlags, { mesh, proxy }: TrestleConfig) {
  const { namespace } = mesh;
  const nodeId = node ?? `sidecar~127.0.0.1~envoy.${namespace}~${namespace}.svc.cluster.local`;
  if (!/^(sidecar|router)~[^~]+~[^~]+~[^~]+$/.test(nodeId))
    throw new Error(`--node ${nodeId} is not sidecar~ADDRESS~NAME~DOMAIN or router~ADDRESS~NAME~DOMAIN`);
  const admin = envoyAdmin === undefined ? ENVOY_ADMIN : placeOf("--envoy-admin", envoyAdmin, 0);
  return { nodeId, namespace, labels: proxy.labels, admin } satisfies Partial<BootstrapOptions>;
}

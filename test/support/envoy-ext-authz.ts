import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuthzConfigs, CUSTOM_FILTER, DENY_FILTER, EXT_AUTHZ_FILTER } from "../../src/codecs/xds/authz.ts";
import { installEnvoy } from "../bench/toolchain.ts";
import { freePorts } from "./ports.ts";
import { startProcess } from "./process.ts";

const RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const EXT_AUTHZ = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/**
 * Starts a stock Envoy before `upstream` that decides by the configs that control compiles for a service, in Istio's chain: the shadow
 * rules of CUSTOM say which requests the server is asked for. Gives its URL.
 */
export async function startAskingEnvoy(configs: AuthzConfigs, upstream: number, servers: Record<string, number>) {
  const [port] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), "trestle-envoy-"));
  const [config, admin] = [join(folder, "envoy.json"), join(folder, "admin")];
  writeFileSync(config, JSON.stringify(configOf(configs, port!, { upstream, ...servers })));
  await startProcess({
    name: "envoy",
    command: await installEnvoy(),
    args: ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", admin, "-l", "warn"],
    ready: async () =>
      existsSync(admin) &&
      (await fetch(`http://${readFileSync(admin, "utf8").trim()}/ready`).catch(() => undefined))?.status === 200,
  });
  return `http://127.0.0.1:${port}`;
}

function configOf(configs: AuthzConfigs, port: number, clusters: Record<string, number>): object {
  const prefix = configs[CUSTOM_FILTER]!.rbac.shadowRulesStatPrefix!;
  const filters = [
    { name: "rbac-custom", typedConfig: { "@type": RBAC, ...configs[CUSTOM_FILTER]!.rbac } },
    {
      name: "ext_authz",
      typedConfig: {
        "@type": EXT_AUTHZ,
        ...configs[EXT_AUTHZ_FILTER],
        filterEnabledMetadata: {
          filter: "envoy.filters.http.rbac",
          path: [{ key: `${prefix}shadow_effective_policy_id` }],
          value: { stringMatch: { prefix: "ns[" } },
        },
      },
    },
    ...(configs[DENY_FILTER] ? [{ name: "rbac", typedConfig: { "@type": RBAC, ...configs[DENY_FILTER].rbac } }] : []),
    { name: "router", typedConfig: { "@type": ROUTER } },
  ];
  const socket = (number: number) => ({ socketAddress: { address: "127.0.0.1", portValue: number } });
  const route = { match: { prefix: "/" }, route: { cluster: "upstream" } };
  return {
    admin: { address: socket(0) },
    staticResources: {
      listeners: [
        {
          name: "in",
          address: socket(port),
          filterChains: [
            {
              filters: [
                {
                  name: "http",
                  typedConfig: {
                    "@type": MANAGER,
                    statPrefix: "in",
                    httpFilters: filters,
                    routeConfig: { virtualHosts: [{ name: "all", domains: ["*"], routes: [route] }] },
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: Object.entries(clusters).map(([name, number]) => ({
        name,
        type: "STATIC",
        connectTimeout: "1s",
        ...(name !== "upstream" && {
          typedExtensionProtocolOptions: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": OPTIONS,
              explicitHttpConfig: { http2ProtocolOptions: {} },
            },
          },
        }),
        loadAssignment: {
          clusterName: name,
          endpoints: [{ lbEndpoints: [{ endpoint: { address: socket(number) } }] }],
        },
      })),
    },
  };
}

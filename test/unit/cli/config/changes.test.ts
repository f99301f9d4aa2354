import { expect, test } from "vitest";
import { compareConfigs } from "../../../../src/cli/config/changes.ts";
import type { TrestleConfig } from "../../../../src/cli/config/config.ts";
import { resolveConfig } from "../../../../src/cli/config/resolve.ts";

const before = resolveConfig({ facade: ["zookeeper://127.0.0.1:2181"], rules: ["r"] }, {}).config as TrestleConfig;
const [facade] = before.facades;

const nacos = {
  ...{ name: "meta", hosts: ["a:8848"], contextPath: "/nacos", namespace: "", group: "dubbo" },
  ...{ username: "", password: "" },
};

const rows: [string, Partial<TrestleConfig>, string[], string[]][] = [
  ["nothing", {}, [], []],
  ["paths of rules", { rules: [] }, ["rules"], []],
  ["metadata centres", { metadata: [nacos] }, [], ["metadata"]],
  ["paths of proto files", { protos: ["p"] }, ["protos"], []],
  ["other instances", { proxy: { ...before.proxy, advertise: ["b:1"] } }, ["proxy.advertise"], []],
  ["what is taken", { facades: [{ ...facade!, take: { services: ["a"], applications: [] } }] }, ["facades[].take"], []],
  ["who may connect", { facades: [{ ...facade!, allow: ["10.0.0.0/8"] }] }, [], ["facades"]],
  ["one facade less", { facades: [] }, [], ["facades"]],
  ["registries", { registries: [] }, [], ["registries"]],
  ["who may have them", { credentialReaders: ["edge/gateway"] }, [], ["credentialReaders"]],
  ["credentials of gateways", { credentials: "c" }, [], ["credentials"]],
  [
    "the proxy's place",
    {
      proxy: {
        host: "a",
        bind: "b",
        dubbo: [1],
        advertise: [],
        tri: [2],
        triIsDefault: false,
        http: { from: 1, to: 2 },
        httpPort: 8080,
        inbound: [
          {
            listen: { address: "a", port: 3 },
            to: { address: "b", port: 4 },
            protocol: "dubbo",
            labels: {},
            register: true,
          },
        ],
        labels: { app: "gate" },
        serviceAccount: "x",
        locality: { region: "r", zone: "", subZone: "" },
      },
      mesh: { ...before.mesh, namespace: "shop" },
    },
    [],
    [
      ...["proxy.host", "proxy.bind", "proxy.dubbo", "proxy.tri", "proxy.http", "proxy.httpPort"],
      ...["proxy.inbound", "proxy.labels", "proxy.serviceAccount", "proxy.locality", "mesh"],
    ],
  ],
  ["Triple's default ports for others that were free", { proxy: { ...before.proxy, tri: [1, 2] } }, [], []],
  ["outputs and admin", { outputs: [{ files: "o" }], admin: { host: "a", port: 1 } }, [], ["outputs", "admin"]],
];

test.each(rows)("a change of %s", (_, change, taken, needRestart) => {
  expect(compareConfigs(before, { ...before, ...change })).toEqual({ taken, needRestart });
});

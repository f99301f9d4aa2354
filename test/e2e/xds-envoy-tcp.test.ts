import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestLeaf, createTestRoot } from "../support/certificates.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { freePorts } from "../support/ports.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startXdsEnvoy, startXdsStage, type XdsEnvoy, type XdsStage } from "../support/xds-stage.ts";

// `tls` and `tcp` routes of VirtualServices in a stock Envoy that knows nothing but Trestle's xDS.
let stage: XdsStage;
let envoy: XdsEnvoy;
const servers: Server[] = [];
const bind = hosts.trestle;
let plainPort: number;
let tlsPort: number;
let localPort: number;
let folder: string;
let plain: number[];
let secure: number[];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

const entry = (host: string, port: number, protocol: string, ports: readonly number[]): string => {
  const endpoints = ports.map((one, i) => `{address: 127.0.0.1, ports: {p: ${one}}, labels: {v: "${i + 1}"}}`);
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${host}}
spec: {hosts: [${host}], resolution: STATIC, ports: [{number: ${port}, name: p, protocol: ${protocol}}], endpoints: [${endpoints.join(", ")}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${host}}
spec: {host: ${host}, subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]}
---
`;
};
const routes = (host: string, spec: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${host}}
spec: {hosts: [${host}], ${spec}}
---
`;
const to = (host: string, subset: string, weight: number) =>
  `{destination: {host: ${host}, subset: ${subset}}, weight: ${weight}}`;
const entries = () =>
  entry("db.example.com", plainPort, "TCP", plain) +
  entry("a.example.com", tlsPort, "TLS", [secure[0]!]) +
  entry("b.example.com", tlsPort, "TLS", [secure[1]!]) +
  `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: local}
spec: {hosts: [local.example.com], resolution: STATIC, ports: [{number: ${localPort}, name: p, protocol: TCP}], endpoints: [{address: "unix://${folder}/u.sock"}]}
---
`;

beforeAll(async () => {
  requireNamespace();
  [plainPort, tlsPort, localPort] = (await freePorts(3)) as [number, number, number];
  folder = await mkdtemp(join(tmpdir(), "trestle-unix-"));
  const root = createTestRoot();
  plain = [];
  secure = [];
  for (const label of ["one", "two"]) {
    const greet = (socket: Socket) => void socket.on("error", () => {}).end(label);
    plain.push(await listen(createServer(greet)));
    const { chain: cert, key } = createTestLeaf(root);
    secure.push(await listen(createTlsServer({ cert, key }, greet)));
  }
  const local = createServer((socket) => void socket.on("error", () => {}).end("local"));
  servers.push(local);
  await new Promise<void>((resolve) => local.listen(join(folder, "u.sock"), resolve));
  stage = await startXdsStage("127.0.0.1", { services: {}, rules: entries() });
  envoy = await startXdsEnvoy({ nodeId: `sidecar~${bind}~tcp~e2e`, server: stage, mode: "delta", settings: { bind } });
});

afterAll(async () => {
  for (const server of servers) server.close();
  await stage?.close();
  await stopAll();
  await rm(folder, { recursive: true, force: true });
});

/** What a connection says at its start; `""` where it is closed at once. */
function said(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setTimeout(3_000, () => socket.destroy());
    socket
      .on("data", (part) => (text += part.toString()))
      .on("close", () => resolve(text))
      .on("error", () => {});
  });
}

test("a Unix socket is a pipe", async () => {
  await eventually("the cluster", async () => (await said(connect({ host: bind, port: localPort }))) === "local");
  expect(await envoy.rejected()).toEqual({});
});

const ask = (localAddress?: string) =>
  said(connect({ host: bind, port: plainPort, ...(localAddress && { localAddress }) }));
const askTls = (servername: string) =>
  said(connectTls({ host: bind, port: tlsPort, servername, rejectUnauthorized: false }));

test("tcp routes share connections out to subsets, and choose by where they come from", async () => {
  const split = `tcp: [{match: [{sourceSubnet: ${hosts.relay}/32}], route: [${to("db.example.com", "v2", 1)}]}, {route: [${to("db.example.com", "v1", 80)}, ${to("db.example.com", "v2", 20)}]}]`;
  await stage.apply({ services: {}, rules: entries() + routes("db.example.com", split) });
  expect(await envoy.rejected()).toEqual({});
  await eventually("the rule", async () => {
    for (let i = 0; i < 5; i++) if ((await ask(hosts.relay)) !== "two") return false;
    return true;
  });
  const seen: Record<string, number> = {};
  for (let i = 0; i < 100; i++) {
    const label = await ask(bind);
    seen[label] = (seen[label] ?? 0) + 1;
  }
  expect(Object.keys(seen).sort()).toEqual(["one", "two"]);
  expect(seen["one"]).toBeGreaterThan(60);
});

test("TLS services of one port are told apart by the name that is asked for, and tls routes lead elsewhere", async () => {
  expect(await askTls("a.example.com")).toBe("one");
  expect(await askTls("b.example.com")).toBe("two");
  const tls = `tls: [{match: [{sniHosts: [old.example.com, "*.old.example.com"]}], route: [{destination: {host: b.example.com}}]}]`;
  await stage.apply({ services: {}, rules: entries() + routes("a.example.com", tls) });
  expect(await envoy.rejected()).toEqual({});
  await eventually("the rule", async () => (await askTls("old.example.com")) === "two");
  expect(await askTls("x.old.example.com")).toBe("two");
  expect(await askTls("a.example.com")).toBe("one");
  expect(await askTls("nobody.example.com")).toBe("one");
});

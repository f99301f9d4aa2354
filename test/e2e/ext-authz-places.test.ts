import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { request as requestTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestLeaf, createTestRoot } from "../support/certificates.ts";
import { startProvider } from "../support/dubbo.ts";
import { allow, deny, type ExtAuthzServer, header, startExtAuthzServer } from "../support/ext-authz-server.ts";
import { type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";
import { dubboTrick } from "../support/trick-calls.ts";

// Where else an external server is asked than at the proxy of Dubbo's consumers: in front of a provider, of streams, and at a gateway.
const NAMED = { group: "g", version: "1.0.0" };
const GATEWAY = 18_080;
const GATEWAY_TLS = 18_443;
const root = createTestRoot();
const via = { host: hosts.trestle, port: 20_890 };
let mesh: Mesh;
let server: ExtAuthzServer;
let grpc: GrpcServer;
let web: HttpProvider;

const object = (kind: string, name: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const entry = (name: string, host: string, ports: string) =>
  object(
    "ServiceEntry",
    name,
    `{hosts: [${host}], resolution: STATIC, ports: [${ports}], endpoints: [{address: 127.0.0.1}]}`,
  );
const custom = (name: string, spec: string) =>
  policyText(name, `{action: CUSTOM, provider: {name: authz}, rules: [{}], ${spec}}`);

beforeAll(async () => {
  requireNamespace();
  server = await startExtAuthzServer();
  grpc = await startGrpcServer("grpc");
  web = await startHttpProvider((request, response) => response.end(`web ${request.headers["x-checked"]}`));
  const folder = await mkdtemp(join(tmpdir(), "trestle-authz-"));
  const config = join(folder, "trestle.yaml");
  const { chain, key } = createTestLeaf(root, { dns: ["api.example"] });
  await mkdir(join(folder, "credentials", "site"), { recursive: true });
  await writeFile(join(folder, "credentials", "site", "tls.crt"), chain);
  await writeFile(join(folder, "credentials", "site", "tls.key"), key);
  await writeFile(
    config,
    `credentials: ${join(folder, "credentials")}
mesh:
  extensionProviders:
  - {name: authz, envoyExtAuthzGrpc: {service: authz.example, port: ${server.port}, timeout: 2s}}
proxy:
  inbound:
  - {listen: "${via.host}:${via.port}", to: "${hosts.provider1}:20880", labels: {app: orders}, register: provider}
`,
  );
  mesh = await startMesh({ extra: ["--config", config] });
  await startProvider("2.7", { ...NAMED, registry: mesh.inside, host: hosts.provider1, label: "one", warmup: 1 });
  const route = "route: [{destination: {host: com.acme.OrderService}}]";
  await takeUp(
    mesh,
    [
      // Its first port is not the one that is asked.
      entry(
        "authz",
        "authz.example",
        `{number: 1024, name: a, protocol: HTTP}, {number: ${server.port}, name: b, protocol: GRPC}`,
      ),
      entry("relay", "com.acme.Relay", `{number: ${grpc.port}, name: g, protocol: GRPC}`),
      object(
        "Gateway",
        "edge",
        `{servers: [{port: {number: ${GATEWAY}, name: http, protocol: HTTP}, hosts: [api.example]}, {port: {number: ${GATEWAY_TLS}, name: https, protocol: HTTPS}, hosts: [api.example], tls: {mode: SIMPLE, credentialName: site}}]}`,
      ),
      object(
        "VirtualService",
        "api",
        `{hosts: [api.example], gateways: [edge], http: [{match: [{uri: {prefix: /orders/}}], ${route}}, {match: [{uri: {prefix: /web/}}], route: [{destination: {host: web}}]}]}`,
      ),
      custom("provider", "selector: {matchLabels: {app: orders}}"),
      policyText(
        "orders",
        "{action: CUSTOM, provider: {name: authz}, rules: [{to: [{operation: {paths: [/com.acme.OrderService/getOrder]}}]}]}",
      ),
      entry("web", "web", `{number: ${web.port}, name: http, protocol: HTTP}`),
      custom("web", "targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: web}]"),
      custom("relay", "targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: relay}]"),
    ].join("---\n"),
  );
});

afterAll(async () => {
  await stopAll();
  server?.close();
  grpc?.kill();
  await web?.close();
});

beforeEach(() => {
  server.told.length = 0;
  server.answer = () => allow();
});

test("in front of a provider, by a policy that selects it alone", async () => {
  const whoAmI = () => dubboTrick(via, { ...NAMED, method: "whoAmI", descriptor: "" });
  await eventually("a call that was asked for", async () => {
    return (await whoAmI()).text.includes("one") && server.told.length > 0;
  });
  expect(server.told.at(-1)).toMatchObject({
    source: { address: { socketAddress: { address: expect.stringMatching(/^10\.77\./) } } },
    request: { http: { path: "/com.acme.OrderService/whoAmI", protocol: "dubbo" } },
  });
  server.answer = () => deny("Forbidden", "not you");
  expect(await whoAmI()).toMatchObject({ status: 20, text: expect.stringContaining("not you") });
});

test("once for a stream, which goes on or ends with the server's status", async () => {
  const client = grpcClient(`${hosts.trestle}:50051`);
  expect((await client.sum([1, 2, 3])).code).toBe(0);
  expect(server.told.map(({ request: { http } }) => [http.path, http.protocol])).toEqual([
    ["/com.acme.Relay/Sum", "HTTP/2"],
  ]);
  server.answer = () => deny("Unauthorized", "log in", header("www-authenticate", "Bearer"));
  const refused = await client.sum([1, 2, 3]);
  expect(refused).toMatchObject({ code: 16, details: expect.stringContaining("log in") });
  // gRPC's own clients take a head that ends for trailers.
  expect(refused.trailers["www-authenticate"]).toBe("Bearer");
  server.answer = () => deny();
  expect((await client.sum([1])).code).toBe(7);
  expect(server.told.length).toBe(3);
  client.close();
});

/** A JSON call at the gateway; Node's fetch says no Host but the address. */
function atGateway(path: string, body: string, headers: Readonly<Record<string, string>> = {}, isTls = false) {
  return new Promise<{ status: number; text: string; headers: IncomingHttpHeaders }>((resolve, reject) => {
    const tls = isTls && { port: GATEWAY_TLS, ca: root.root, servername: "api.example" };
    const sent = (isTls ? requestTls : request)(
      {
        ...{ host: hosts.trestle, port: GATEWAY, path, method: "POST", agent: false, ...tls },
        headers: { host: "api.example", "content-type": "application/json", ...headers },
      },
      async (answer) => {
        let text = "";
        for await (const chunk of answer.setEncoding("utf8")) text += chunk;
        resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers });
      },
    );
    sent.on("error", reject).end(body);
  });
}

test("at a gateway, for the service that the request is led to", async () => {
  expect((await atGateway("/orders/whoAmI", "[]")).status).toBe(200);
  expect(server.told).toEqual([]);
  server.answer = () => allow({ responseHeadersToAdd: [header("x-checked", "yes")] });
  const passed = await atGateway("/orders/getOrder", "[42]", { "x-user": "ann" });
  expect([passed.status, passed.headers["x-checked"]]).toEqual([200, "yes"]);
  expect(server.told).toMatchObject([
    { request: { http: { path: "/com.acme.OrderService/getOrder", headers: { "x-user": "ann" } } } },
  ]);
  server.answer = () => deny("Unauthorized", "log in", header("www-authenticate", "Bearer"));
  const refused = await atGateway("/orders/getOrder", "[42]");
  expect([refused.status, refused.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
  expect(refused.text).toContain("log in");
});

test("at a gateway, for a service that speaks HTTP alone", async () => {
  server.answer = () => allow({ headers: [header("x-checked", "yes")] });
  const passed = await atGateway("/web/a?b", "[]");
  expect([passed.status, passed.text]).toEqual([200, "web yes"]);
  expect(server.told).toMatchObject([{ request: { http: { path: "/web/a?b", host: "api.example" } } }]);
  server.answer = () => deny("Unauthorized", "log in", header("www-authenticate", "Bearer"));
  const refused = await atGateway("/web/a", "[]");
  expect([refused.status, refused.text, refused.headers["www-authenticate"]]).toEqual([401, "log in", "Bearer"]);
});

test("what callers came by is told, whatever they say of it", async () => {
  const told = async (path: string, isTls: boolean) => {
    server.told.length = 0;
    const { status } = await atGateway(path, "[42]", { "x-forwarded-proto": isTls ? "http" : "https" }, isTls);
    return [status, server.told[0]?.request.http.scheme];
  };
  for (const path of ["/web/a", "/orders/getOrder"]) {
    expect(await told(path, false)).toEqual([200, "http"]);
    expect(await told(path, true)).toEqual([200, "https"]);
  }
});

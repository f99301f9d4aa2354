import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EXT_AUTHZ_FILTER } from "../../src/codecs/xds/authz.ts";
import { indexAuthorization } from "../../src/control/compile/authorization.ts";
import { DEFAULT_MESH } from "../../src/model/mesh.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { startAskingEnvoy } from "../support/envoy-ext-authz.ts";
import { allow, deny, type ExtAuthzServer, header, startExtAuthzServer } from "../support/ext-authz-server.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { CART, policiesOf, policyText } from "../support/policies.ts";
import { eventually, stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";
import { jsonTrick } from "../support/trick-calls.ts";

// AuthorizationPolicies of action CUSTOM with a server of gRPC's own, by Envoy's .proto files: real Dubbo consumers, JSON callers of
// the Triple port, and requests over HTTP.
const service = { group: "g", version: "1.0.0" };
let mesh: Mesh;
let server: ExtAuthzServer;
let http: HttpProvider;
let consumers: Record<"2.6" | "3.3", Consumer>;
let deadPort = 0;

const entry = (name: string, host: string, port: number, protocol: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [${host}], resolution: STATIC, ports: [{number: ${port}, name: p, protocol: ${protocol}}], endpoints: [{address: 127.0.0.1}]}\n`;
const entries = () =>
  [
    entry("authz", "authz.example", server.port, "GRPC"),
    entry("dead", "dead.example", deadPort, "GRPC"),
    entry("shop", "shop", http.port, "HTTP"),
  ].join("---\n");
const custom = (provider: string, rules: string, more = {}) =>
  policyText("c", `{action: CUSTOM, provider: {name: ${provider}}, rules: ${rules}}`, more);
let inForce = "";
const rules = async (...policies: string[]) => {
  const text = [entries(), ...policies].join("---\n");
  if (text !== inForce) await takeUp(mesh, text);
  inForce = text;
};

beforeAll(async () => {
  requireNamespace();
  server = await startExtAuthzServer();
  const dead = await startExtAuthzServer();
  deadPort = dead.port;
  dead.close();
  http = await startHttpProvider((request, response) => response.end(JSON.stringify(request.headers)));
  const folder = await mkdtemp(join(tmpdir(), "trestle-authz-"));
  const config = join(folder, "trestle.yaml");
  const provider = (name: string, host: string, port: number, more = "") =>
    `  - {name: ${name}, envoyExtAuthzGrpc: {service: ${host}, port: ${port}${more}}}\n`;
  await writeFile(
    config,
    `mesh:\n  extensionProviders:\n${[
      provider("authz", "authz.example", server.port, ", timeout: 2s"),
      provider("slow", "authz.example", server.port, ', timeout: 200ms, statusOnError: "503"'),
      provider("dead", "dead.example", deadPort),
      provider("open", "dead.example", deadPort, ", failOpen: true"),
      provider("nowhere", "nowhere.example", 9000),
    ].join("")}`,
  );
  mesh = await startMesh({ extra: ["--config", config] });
  await startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "v1", warmup: 1 });
  await mesh.rules(entries());
  const options = { ...service, registry: mesh.inside, retries: 2 };
  const [old, young] = await Promise.all([
    startConsumer("2.6", { ...options, application: "old-shop" }),
    startConsumer("3.3", { ...options, application: "young-shop" }),
  ]);
  consumers = { "2.6": old, "3.3": young };
  await Promise.all([old, young].map((one) => one.call("whoAmI")));
});

afterAll(async () => {
  await stopAll();
  server?.close();
  await http?.close();
});

beforeEach(() => {
  server.told.length = 0;
  server.answer = () => allow();
});

/** A call over HTTP/1.1 to the Triple port. */
async function json(method: string, body: unknown[], headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`http://${hosts.trestle}:50051/com.acme.OrderService/${method}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "tri-service-group": "g",
      "tri-service-version": "1.0.0",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

async function shopUrl(): Promise<string> {
  let found: string | undefined;
  await eventually("the HTTP service has a port", async () => {
    const { services } = (await mesh.trestle.json("/api/v1/services")) as {
      services: { service: string; http?: string }[];
    };
    found = services.find((one) => one.service === "shop")?.http;
    return found !== undefined;
  });
  return `http://${found}`;
}

const onHi = "[{to: [{operation: {methods: [sayHi]}}]}]";

describe.each(["2.6", "3.3"] as const)("of %s", (line) => {
  const isRefused = (words: RegExp, method = "sayHi", attach = {}) =>
    expect(consumers[line].call(method, "Ann", attach)).rejects.toThrow(words);

  test("calls that a policy matches are asked for, others are not; what the server says counts", async () => {
    await rules(custom("authz", onHi));
    const consumer = consumers[line];
    await consumer.call("getOrder", 1);
    expect(server.told).toEqual([]);
    await consumer.call("sayHi", "Ann", { user: "ann" });
    expect(server.told).toMatchObject([
      {
        source: { address: { socketAddress: { address: expect.stringMatching(/^10\.77\.0\./) } }, principal: "" },
        request: {
          http: {
            method: "POST",
            path: "/com.acme.OrderService/sayHi",
            protocol: "dubbo",
            headers: { user: "ann", "dubbo-group": "g", "dubbo-version": "1.0.0" },
          },
        },
      },
    ]);
    server.answer = () => deny("Forbidden", "not you");
    await isRefused(/RuntimeException.*not you/s);
    // One call, one question: it was not sent again.
    expect(server.told.length).toBe(2);
    server.answer = () => deny();
    await isRefused(/RuntimeException.*access denied/s);
    await consumer.call("getOrder", 1);
  });

  test("what the server changes, the provider sees; where a call goes it does not change", async () => {
    await rules(custom("authz", "[{}]"));
    const changes = [
      header("x-user", "ann"),
      header("x-roles", "b", true),
      header("group", "other"),
      header(":path", "/x"),
    ];
    server.answer = () => allow({ headers: changes, headersToRemove: ["x-secret", "version"] });
    const seen = await consumers[line].call("attachments", undefined, {
      "X-User": "mallory",
      "x-roles": "a",
      "x-secret": "s",
    });
    expect(seen).toMatchObject({ "x-roles": "a,b" });
    const values = Object.entries(seen as Record<string, string>).filter(([name]) => name.toLowerCase() === "x-user");
    expect(values.map(([, value]) => value)).toEqual(["ann"]);
    expect(seen).not.toHaveProperty("x-secret");
  });

  test("CUSTOM comes before DENY and ALLOW, which see what the server changed", async () => {
    const allowAnn = policyText("a", "{rules: [{when: [{key: 'request.headers[x-user]', values: [ann]}]}]}");
    await rules(custom("authz", onHi), allowAnn);
    server.answer = () => allow({ headers: [header("x-user", "ann")] });
    await consumers[line].call("sayHi", "Ann");
    server.answer = () => allow();
    await isRefused(/RBAC: access denied/);
    server.answer = () => deny("Forbidden", "asked first");
    await isRefused(/asked first/);
    // Not asked for: no header, no way.
    await isRefused(/RBAC: access denied/, "getOrder");
    await consumers[line].call("sayBye", "Ann", { "x-user": "ann" }).catch(() => undefined);
    expect(server.told.length).toBe(3);
  });

  test("a server that is down, is silent or is not known refuses, unless it fails open", async () => {
    for (const [provider, says] of [
      ["dead", /access denied/],
      ["nowhere", /access denied/],
      ["unknown", /RBAC: access denied/],
    ] as const) {
      await rules(custom(provider, onHi));
      await isRefused(says);
      await consumers[line].call("getOrder", 1);
    }
    await rules(custom("open", onHi));
    await consumers[line].call("sayHi", "Ann");
    await rules(custom("slow", onHi));
    server.answer = () => undefined;
    const began = performance.now();
    await isRefused(/access denied/);
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});

test("a policy that is only tried is asked for and counted, and nobody waits for it", async () => {
  await rules(custom("slow", onHi, { annotations: '{"istio.io/dry-run": "true"}' }));
  server.answer = () => deny();
  await consumers["3.3"].call("sayHi", "Ann");
  await eventually("it is counted", async () =>
    /^trestle_proxy_dry_run_custom_denied_total.* [1-9]/m.test((await mesh.trestle.get("/metrics")).body),
  );
  server.answer = () => undefined;
  await consumers["3.3"].call("sayHi", "Ann");
});

test("many calls share few connections to the server", async () => {
  await rules(custom("authz", "[{}]"));
  server.peers.clear();
  await Promise.all(Array.from({ length: 50 }, (_, i) => consumers["3.3"].call("getOrder", i)));
  expect(server.told.length).toBe(50);
  // One for each worker.
  expect(server.peers.size).toBeLessThanOrEqual(2);
});

test("JSON callers of the Triple port get the server's status; their headers are changed", async () => {
  await rules(custom("authz", "[{}]"));
  server.answer = () =>
    allow({ headers: [header("x-user", "ann")], responseHeadersToAdd: [header("x-checked", "yes")] });
  const passed = await json("attachments", [], { "x-user": "mallory" });
  expect([passed.status, passed.headers.get("x-checked")]).toEqual([200, "yes"]);
  expect(JSON.parse(passed.text)).toMatchObject({ "x-user": "ann" });
  expect(server.told[0]).toMatchObject({
    request: {
      http: { path: "/com.acme.OrderService/attachments", headers: { "x-user": "mallory", "dubbo-group": "g" } },
    },
  });
  server.answer = () => deny("Unauthorized", "log in");
  const refused = await json("sayHi", ["x"]);
  expect([refused.status, refused.text]).toEqual([401, expect.stringContaining("log in")]);
  await rules(custom("slow", "[{}]"));
  server.answer = () => undefined;
  expect((await json("sayHi", ["x"])).status).toBe(503);
});

test("what can be read in two ways is refused behind a server, too, which is told of all of it", async () => {
  const evil = policyText("d", "{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [evil]}]}]}");
  const one = policyText("a", "{rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: ['1']}]}]}");
  await rules(custom("authz", "[{}]"), evil);
  const consumer = consumers["2.6"];
  await expect(consumer.call("sayHi", "Ann", { user: "evil", User: "ann" })).rejects.toThrow(/RBAC|several cases/);
  expect(server.told[0]!.request.http.headers.user!.split(",").sort()).toEqual(["ann", "evil"]);
  const place = { host: hosts.trestle, port: 50_051 };
  const named = { "tri-service-group": "g", "tri-service-version": "1.0.0" };
  const twice = { ...named, user: ["ann", "evil"] };
  expect((await jsonTrick(place, "/com.acme.OrderService/sayHi", '["x"]', twice)).status).toBe(403);
  // A server may add to what stands there twice.
  server.answer = () => allow({ headers: [header("user", "bob", true)] });
  expect((await jsonTrick(place, "/com.acme.OrderService/sayHi", '["x"]', twice)).status).toBe(403);
  const [host, port] = (await shopUrl()).slice("http://".length).split(":");
  expect((await jsonTrick({ host: host!, port: Number(port) }, "/", "{}", { user: ["ann", "evil"] })).status).toBe(403);
  // Nobody says what an argument is but the argument.
  await rules(custom("authz", "[{}]"), one);
  expect((await json("getOrder", [2], { "dubbo-arg-0": "1" })).status).toBe(403);
});

test("requests over HTTP get the server's own answer, and are changed by it", async () => {
  await rules(custom("authz", "[{to: [{operation: {paths: [/private*]}}]}]"));
  const url = await shopUrl();
  const get = async (path: string, headers = {}) => {
    const answer = await fetch(`${url}${path}`, { method: "POST", body: "content", headers });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  expect((await get("/public")).status).toBe(200);
  expect(server.told).toEqual([]);
  server.answer = () =>
    allow({
      headers: [header("x-user", "ann")],
      headersToRemove: ["cookie"],
      responseHeadersToAdd: [header("x-checked", "yes")],
    });
  const passed = await get("/private/a?b=c", { "x-user": "mallory", cookie: "s=1" });
  expect([passed.status, passed.headers.get("x-checked")]).toEqual([200, "yes"]);
  expect(JSON.parse(passed.text)).toMatchObject({ "x-user": "ann" });
  expect(JSON.parse(passed.text)).not.toHaveProperty("cookie");
  expect(server.told[0]).toMatchObject({
    request: {
      http: {
        method: "POST",
        path: "/private/a?b=c",
        query: "b=c",
        protocol: "HTTP/1.1",
        size: 7,
        headers: { "x-user": "mallory", ":path": "/private/a?b=c", ":method": "POST" },
      },
    },
  });
  server.answer = () => deny("Unauthorized", "log in", header("www-authenticate", "Bearer"));
  const refused = await get("/private");
  expect([refused.status, refused.text, refused.headers.get("www-authenticate")]).toEqual([401, "log in", "Bearer"]);
  // What a server may read as the same path is asked for, or refused.
  server.answer = () => deny();
  for (const trick of ["/private;x=1", "/private%2f..", "//private"]) expect((await get(trick)).status).not.toBe(200);
});

test("a stock Envoy with the same policy asks the same and does the same", async () => {
  const text = custom("authz", "[{to: [{operation: {paths: [/private*]}}]}]");
  const denied = policyText("d", "{action: DENY, rules: [{when: [{key: 'request.headers[x-user]', values: [bob]}]}]}");
  await rules(text, denied);
  const provider = { service: "authz.example", port: server.port, failOpen: false, statusOnError: 403 };
  const mesh = { ...DEFAULT_MESH, extensionProviders: [{ ...provider, name: "authz", timeoutMs: 1_500 }] };
  const configs = indexAuthorization(policiesOf(text, denied), mesh).configsOf({ ...CART, host: "shop" })!;
  const cluster = configs[EXT_AUTHZ_FILTER]!.grpcService.envoyGrpc.clusterName;
  const urls = [await shopUrl(), await startAskingEnvoy(configs, http.port, { [cluster]: server.port })];
  const both = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const seen = [];
    for (const url of urls) {
      server.told.length = 0;
      const answer = await fetch(`${url}${path}`, { method: "POST", body: "content", headers });
      const text = await answer.text();
      const { method, path: told, scheme, protocol } = server.told[0]?.request.http ?? {};
      const passed = answer.status === 200 ? (JSON.parse(text) as Record<string, string>) : undefined;
      seen.push({
        status: answer.status,
        says: passed === undefined ? text : [passed["x-user"], passed.cookie, passed["x-roles"]],
        header: [answer.headers.get("x-checked"), answer.headers.get("www-authenticate")],
        asked: server.told.length,
        told: { method, told, scheme, protocol },
        user: server.told[0]?.request.http.headers["x-user"],
      });
    }
    return seen;
  };
  const agree = async (...call: Parameters<typeof both>) => {
    const [own, envoys] = await both(...call);
    expect(own).toEqual(envoys);
    return own!;
  };
  expect(await agree("/public")).toMatchObject({ status: 200, asked: 0 });
  server.answer = () =>
    allow({
      headers: [header("x-user", "ann")],
      headersToRemove: ["cookie"],
      responseHeadersToAdd: [header("x-checked", "yes")],
    });
  expect(await agree("/private?a=b", { "x-user": "mallory", cookie: "c=d" })).toMatchObject({ status: 200, asked: 1 });
  // DENY sees what the server changed.
  expect(await agree("/private", { "x-user": "bob" })).toMatchObject({ status: 200 });
  server.answer = () => allow({ headers: [header("x-user", "bob")] });
  expect(await agree("/private")).toMatchObject({ status: 403, says: "RBAC: access denied", asked: 1 });
  server.answer = () => deny("Unauthorized", "log in", header("www-authenticate", "Bearer"));
  expect(await agree("/private")).toMatchObject({ status: 401, says: "log in", header: [null, "Bearer"] });
  server.answer = () => deny();
  expect(await agree("/private")).toMatchObject({ status: 403 });
  server.answer = () => undefined;
  expect((await both("/private")).map(({ status }) => status)).toEqual([403, 403]);
});

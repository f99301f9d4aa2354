import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Echo, type SpringCloud, springClients, startSpringCloud } from "../support/spring-cloud.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

const run = promisify(execFile);
/** Each calls the other: the caller of one train is the callee of the other. */
let mesh: Mesh;
let old: SpringCloud;
let young: SpringCloud;
let real: Znodes;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  [old, young] = await Promise.all([
    startSpringCloud({ stack: "zk-2021", role: "callee", host: hosts.provider1, port: 9001, registry: mesh.inside }),
    startSpringCloud({
      ...({ stack: "zk-2025", role: "caller", host: hosts.provider2, port: 9100, registry: mesh.inside } as const),
      metadata: { zone: "east" },
    }),
  ]);
  real = await openZnodes(mesh.outside);
}, 150_000);

afterAll(async () => {
  real?.close();
  await Promise.all([old?.peer.kill(), young?.peer.kill()]);
  await mesh?.trestle.stop();
  await mesh?.zookeeper.stop();
});

async function until<T>(
  what: string,
  ask: () => Promise<T>,
  isGood: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (isGood(value)) return value;
    if (Date.now() > endMs) throw new Error(`${what} not within ${timeoutMs} ms: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The path of the one instance that the real registry has of an application. */
async function nodeOf(application: string): Promise<string> {
  const [name] = await real.children(`/services/${application}`);
  return `/services/${application}/${name}`;
}

test("both trains find each other at the proxy's port alone, with the metadata of the real instance", async () => {
  for (const [app, service] of [
    [old, "svc-a"],
    [young, "svc-b"],
  ] as const) {
    const [one] = await until(
      service,
      () => app.instances(service),
      (all) => all.length === 1,
    );
    expect(one).toMatchObject({ host: hosts.trestle, secure: false });
    expect(one?.port).toBeGreaterThanOrEqual(31_000);
    expect(one?.metadata["instance_status"]).toBe("UP");
    expect(one?.metadata["zone"]).toBe(service === "svc-a" ? "east" : undefined);
    expect([...(await app.services())].sort()).toEqual(["svc-a", "svc-b"]);
  }
  expect(await real.text(await nodeOf("svc-b"))).toContain(`"address":"${hosts.provider1}","port":9001`);
});

test("RestTemplate, Feign and WebClient of both trains call through the proxy", async () => {
  const before = await mesh.carried();
  for (const client of springClients) {
    expect((await young.echo({ client, service: "svc-b" })).id, client).toBe(old.id);
    expect((await old.echo({ client, service: "svc-a" })).id, client).toBe(young.id);
  }
  expect((await mesh.carried()) - before).toBe(6);
});

test("a Gateway leads callers outside to an application, over HTTP/1.1 and HTTP/2", async () => {
  await mesh.rules(`apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec: {servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [api.example.com]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b}
spec:
  hosts: [api.example.com]
  gateways: [edge]
  http:
  - {match: [{uri: {prefix: /b/}}], rewrite: {uri: /}, route: [{destination: {host: svc-b}}]}
`);
  const curl = async (...args: string[]) => {
    const url = `http://${hosts.trestle}:8080/b/echo/x?y=z`;
    const { stdout } = await run("curl", ["-sS", "-m", "5", "-H", "host: api.example.com", ...args, url]);
    return stdout;
  };
  await until(
    "the route",
    () => curl().catch(String),
    (text) => text.includes(old.id),
  );
  for (const flag of ["--http1.1", "--http2-prior-knowledge"]) {
    const echo = JSON.parse(await curl(flag, "-X", "PUT", "-H", "content-type: text/plain", "-d", "hi")) as Echo;
    expect(echo).toMatchObject({ id: old.id, method: "PUT", path: "/echo/x", query: "y=z", body: "hi" });
    expect(echo.host).toBe("api.example.com");
  }
});

test("an instance that is taken out of service is told of to who follows it, and takes calls again when it is back", async () => {
  const path = await nodeOf("svc-b");
  const up = (await real.text(path)) ?? "";
  await real.write(path, up.replace('"UP"', '"OUT_OF_SERVICE"'));
  const statuses = async () => (await young.instances("svc-b")).map(({ metadata }) => metadata["instance_status"]);
  await until("out of service", statuses, ([status]) => status === "OUT_OF_SERVICE");
  await real.write(path, up);
  await until("in service", statuses, ([status]) => status === "UP");
  await until(
    "answer",
    () => young.call({ client: "template" }),
    ({ status }) => status === 200,
  );
});

test("an application that ends takes its node away by itself, and nobody is shown it", async () => {
  await old.peer.stop();
  await until(
    "gone",
    () => young.instances("svc-b"),
    (all) => all.length === 0,
    15_000,
  );
  expect(await real.children("/services/svc-b")).toEqual([]);
});

import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Consumer, type Loop, startConsumer, startProvider } from "../support/dubbo.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { type RemoteProxy, startRemoteProxy } from "../support/remote-proxy.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// A proxy on a host of its own, configured over ADS by two control servers that share nothing but the registry and the rules.
const PLACES = [hosts.trestle, hosts.relay] as const;
const CONTROLS = PLACES.map((host) => `${host}:15011`);
const HOST = hosts.provider3;
const PROXY = `dubbo://${HOST}:20880`;
const HTTP_PORT = 8080;
const HTTP = `http://${HOST}:${HTTP_PORT}`;
const run = promisify(execFile);

let dir: string;
let zookeeper: ZooKeeper;
let controls: Trestle[];
let proxy: RemoteProxy;
let consumer: Consumer;
let loop: Loop;
let shop: HttpProvider;

beforeAll(async () => {
  requireNamespace();
  dir = await mkdtemp(join(tmpdir(), "trestle-remote-"));
  shop = await startHttpProvider(({ method, url, headers }, answer) =>
    answer.end(`${method} ${url} of ${headers.host}`),
  );
  await rule("first");
  zookeeper = await startZooKeeper();
  const service = { registry: zookeeper.address, group: "g", version: "1.0.0" };
  await startProvider("2.7", { ...service, host: hosts.provider1, label: "v1" });
});

afterAll(async () => {
  await stopAll();
  await shop.close();
  await rm(dir, { recursive: true, force: true });
});

/** Gives both control servers a rule that answers one method by itself with this text; a Sidecar with it shows one service alone. */
async function rule(text: string, shown?: string): Promise<void> {
  const file = join(dir, "rules.yaml");
  await writeFile(
    `${file}.new`,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.OrderService]
  http:
    - match: [{method: {exact: fail}}]
      directResponse: {status: 418, body: {string: "${text}"}}
    - route: [{destination: {host: com.acme.OrderService}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec: {hosts: [shop, "*.shop.example"], resolution: STATIC, ports: [{number: ${shop.port}, name: http, protocol: HTTP}, {number: 9090, name: http-admin, protocol: HTTP}], endpoints: [{address: 127.0.0.1}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
    - match: [{port: 9090}]
      directResponse: {status: 429}
    - match: [{uri: {exact: /said}}]
      directResponse: {status: 418, body: {string: "${text}"}}
    - route: [{destination: {host: shop}}]
${shown === undefined ? "" : sidecar(shown)}`,
  );
  await rename(`${file}.new`, file);
}

const sidecar = (shown: string): string => `---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: narrow}
spec: {egress: [{hosts: ["*/${shown}"]}]}
`;

async function startControl(host: string, readyStatus = 200): Promise<Trestle> {
  const file = join(dir, `${host}.yaml`);
  await writeFile(file, `outputs: [{xds: "${host}:15011"}]\n`);
  const rules = join(dir, "rules.yaml");
  return startTrestle({
    registry: zookeeper.address,
    host,
    facade: "",
    admin: `${host}:15000`,
    rules,
    extra: ["-c", file],
    readyStatus,
  });
}

/** Body and status of what the remote proxy answers to a request. */
async function curl(...args: string[]): Promise<{ readonly body: string; readonly status: number }> {
  const { stdout } = await run("curl", ["-sS", "-m", "5", "-w", "\n%{http_code}", ...args]);
  const cut = stdout.lastIndexOf("\n");
  return { body: stdout.slice(0, cut), status: Number(stdout.slice(cut + 1)) };
}

/** The HTTP service answers by its name, and the rule for it holds. */
async function serveHttp(text: string): Promise<void> {
  const served = { body: "GET /a?b=1 of shop", status: 200 };
  expect(await curl("-x", HTTP, "http://shop/a?b=1")).toEqual(served);
  expect(await curl("-H", "Host: shop", `${HTTP}/a?b=1`)).toEqual(served);
  expect(await curl("-H", "Host: shop", `${HTTP}/said`)).toEqual({ body: text, status: 418 });
}

/** The rule's text comes to whoever calls the remote proxy. */
async function comes(text: string): Promise<void> {
  const said = () => consumer.call("fail").then(String, ({ message }: Error) => message);
  await eventually(`the proxy answers ${text}`, async () => (await said()).includes(text), 30_000);
}

test("before control has answered it is not ready, and says why", async () => {
  proxy = await startRemoteProxy({
    host: HOST,
    controls: CONTROLS,
    httpPort: HTTP_PORT,
    data: join(dir, "data"),
    readyStatus: 503,
  });
  expect((await proxy.get("/ready")).body).toContain("control has not answered yet");
});

test("calls are carried as control says, and by its rules", async () => {
  controls = await Promise.all(PLACES.map((host) => startControl(host)));
  await eventually("the proxy is ready", async () => (await proxy.get("/ready")).status === 200, 30_000);
  consumer = await startConsumer("2.7", { url: PROXY, group: "g", version: "1.0.0", timeout: 3_000 });
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "v1" });
  await comes("first");
  await rule("second");
  await comes("second");
  loop = await consumer.loop({ methods: "whoAmI", threads: 2, delay: 10 });
});

test("its HTTP port leads requests to the services of the mesh by their names, as Host and as the target of a proxy", async () => {
  await serveHttp("second");
  expect(await curl("-H", "Host: SHOP.:9999", `${HTTP}/said`)).toEqual({ body: "second", status: 418 });
  for (const host of ["shop:9090", "SHOP.:9090"])
    expect(await curl("-H", `Host: ${host}`, `${HTTP}/said`)).toEqual({ body: "", status: 429 });
  expect(await curl("-x", HTTP, "http://shop:9090/said")).toEqual({ body: "", status: 429 });
  expect(await curl("-x", HTTP, "http://a.b.shop.example/c")).toEqual({
    body: "GET /c of a.b.shop.example",
    status: 200,
  });
  expect(await curl("-x", HTTP, "http://shop.example/c")).toMatchObject({ status: 404 });
  const unknown = await curl("-x", HTTP, `http://127.0.0.1:${shop.port}/`);
  expect(unknown).toMatchObject({ status: 404 });
  expect(unknown.body).toContain(`no service of the mesh has the host "127.0.0.1:${shop.port}"`);
  expect(await curl("-H", "Host: com.acme.OrderService", `${HTTP}/`)).toMatchObject({ status: 404 });
  await expect(curl("-p", "-x", HTTP, "http://shop/")).rejects.toThrow("405");
  const { body } = await proxy.get("/metrics");
  const counted = body
    .split("\n")
    .filter((line) => line.startsWith("istio_requests_total") && line.includes(`destination_service="shop"`));
  const codes = counted.map((line) => /response_code="(\d+)"/.exec(line)?.[1]);
  expect([...new Set(codes)].sort()).toEqual(["200", "400", "418"]);
});

test("one control server dies: the other says what is new, and no call is lost", async () => {
  await controls[0]!.peer.kill();
  await rule("third");
  await comes("third");
  expect((await loop.stats(true)).errors).toEqual([]);
});

test("both are gone: calls go on, also through a proxy that is started anew", async () => {
  await controls[1]!.stop();
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "v1" });
  await serveHttp("third");
  expect((await loop.stop()).errors).toEqual([]);
  await proxy.stop();
  proxy = await startRemoteProxy({ host: HOST, controls: CONTROLS, httpPort: HTTP_PORT, data: join(dir, "data") });
  const isBack = () =>
    consumer.call("whoAmI").then(
      () => true,
      () => false,
    );
  await eventually("the consumer is back", isBack, 15_000);
  await comes("third");
  await serveHttp("third");
});

test("control is back before its registry is: what it does not know takes nothing from the proxy", async () => {
  await zookeeper.kill();
  await rule("fourth");
  controls = [await startControl(PLACES[1], 503)];
  // Longer than the ten seconds after which proxies beside the registry go on without it.
  await sleep(12_000);
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "v1" });
  await comes("third");
});

test("the registry is back: what changed while it was away is in force", async () => {
  await zookeeper.restart();
  await comes("fourth");
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "v1" });
});

test("a Sidecar narrows what the proxy is told of", async () => {
  const said = () => consumer.call("whoAmI").then(JSON.stringify, ({ message }: Error) => message);
  await rule("fifth", "com.acme.OtherService");
  await eventually("calls of the service are not carried", async () => !(await said()).includes('"v1"'), 30_000);
  expect(await said()).toContain("com.acme.OrderService");
  await rule("sixth", "com.acme.OrderService");
  await comes("sixth");
  expect(await consumer.call("whoAmI")).toMatchObject({ label: "v1" });
});

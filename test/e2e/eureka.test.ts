import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseEurekaJson } from "../../src/codecs/eureka/json.ts";
import { EurekaMirror } from "../../src/codecs/eureka/mirror.ts";
import { parseEurekaXml } from "../../src/codecs/eureka/xml.ts";
import { type EurekaStage, type FakeSpring, startEurekaStage, startFakeSpring } from "../support/eureka-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";
import { type SpringClient, type SpringCloud, springClients, startSpringCloud } from "../support/spring-cloud.ts";

/** A real Eureka server behind the facade; svc-a is Spring Cloud 2021, svc-b Spring Cloud 2025 and an instance of ours, v2. */
let stage: EurekaStage;
let old: SpringCloud;
let young: SpringCloud;
let second: FakeSpring;

beforeAll(async () => {
  requireNamespace();
  stage = await startEurekaStage();
  const registry = stage.inside;
  [old, young, second] = await Promise.all([
    startSpringCloud({ stack: "eureka-2021", role: "caller", host: hosts.provider1, port: 9100, registry }),
    startSpringCloud({
      ...({ stack: "eureka-2025", role: "callee", host: hosts.provider2, port: 9001, registry } as const),
      metadata: { version: "v1", team: "blue" },
    }),
    startFakeSpring(`http://${hosts.trestle}:8761/eureka`, "svc-b", hosts.provider3, { version: "v2", team: "blue" }),
  ]);
}, 240_000);

afterAll(async () => {
  await Promise.all([old?.peer.kill(), young?.peer.kill(), second?.stop()]);
  await stage?.stop();
});

const ask = (path: string, headers: Record<string, string> = { accept: "application/json" }) =>
  fetch(`http://${hosts.trestle}:8761/eureka${path}`, { headers, signal: AbortSignal.timeout(5_000) });

async function listOf(path: string) {
  const document = parseEurekaJson(await (await ask(path)).text());
  if (document.kind !== "applications") throw new Error(document.kind);
  return document;
}

const idOf = async (client: SpringClient, call: object = {}) => (await old.echo({ client, ...call })).id;

test("both trains find each other at the proxy's port alone, by every client", async () => {
  for (const [app, service] of [
    [old, "svc-b"],
    [young, "svc-a"],
  ] as const) {
    await eventually(
      `${service} is at the proxy`,
      async () => {
        const listed = await app.instances(service);
        return listed.length === 1 && listed[0]!.host === hosts.trestle;
      },
      30_000,
    );
    for (const client of springClients) {
      const echo = await app.echo({ client, service, path: "/echo/a%20b?x=1" });
      expect([echo.path, echo.query, echo.host.split(":")[0]]).toEqual(["/echo/a%20b", "x=1", hosts.trestle]);
    }
  }
  const [one] = await old.instances("svc-b");
  expect(one).toMatchObject({ instanceId: "trestle:svc-b", secure: false, metadata: { version: "v1", team: "blue" } });
});

test("the real server has the real instances, and each application reads itself as it registered", async () => {
  const [real] = await stage.eureka.instances("svc-b");
  const { hostName, port, status, overriddenStatus } = real!;
  expect([hostName, port.$, status, overriddenStatus]).toEqual([hosts.provider2, 9001, "UP", "UNKNOWN"]);
  const own = await (await ask(`/apps/SVC-B/${real!.instanceId}`)).json();
  expect(own).toMatchObject({ instance: { hostName: hosts.provider2, port: { $: 9001 } } });
});

test("a rule shifts calls by path, header and method to the instances of a subset", async () => {
  await second.register();
  await eventually(
    "two instances behind one",
    async () => {
      const [one] = await old.instances("svc-b");
      return one !== undefined && one.metadata["version"] === undefined && one.metadata["team"] === "blue";
    },
    30_000,
  );
  await stage.rules(`apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: b, namespace: shop}
spec:
  host: svc-b
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: shop}
spec:
  hosts: [svc-b]
  http:
  - match:
    - {uri: {prefix: /echo/two}}
    - {headers: {x-gray: {exact: "yes"}}}
    - {method: {exact: POST}}
    route: [{destination: {host: svc-b, subset: v2}}]
  - route: [{destination: {host: svc-b, subset: v1}}]
`);
  await eventually(
    "the rule is in force",
    async () => {
      const ids = [];
      for (let i = 0; i < 6; i++) ids.push(await idOf("template", { path: "/echo/two" }));
      return ids.every((id) => id === second.id);
    },
    30_000,
  );
  for (const client of springClients) {
    expect(await idOf(client), client).toBe(young.id);
    expect(await idOf(client, { path: "/echo/two" }), client).toBe(second.id);
    expect(await idOf(client, { headers: { "x-gray": "yes" } }), client).toBe(second.id);
    expect(await idOf(client, { method: "POST", body: "x" }), client).toBe(second.id);
  }
});

test("calls through the port keep their connections", async () => {
  const before = { connections: second.connections(), calls: second.asked.length };
  const loop = await old.loop({ client: "template", path: "/echo/two" }, 5);
  await eventually("a hundred calls", async () => (await loop.stats()).calls >= 100, 20_000);
  const { failed } = await loop.stop();
  expect(failed).toBe(0);
  expect(second.asked.length - before.calls).toBeGreaterThanOrEqual(100);
  expect(second.connections() - before.connections).toBeLessThan(20);
});

test("a client's own hash agrees with each delta, while instances change status, come and go", async () => {
  const mirror = new EurekaMirror();
  mirror.replace(await listOf("/apps"));
  const agree = async () => {
    const delta = await listOf("/apps/delta");
    mirror.apply(delta);
    expect(mirror.hashcode()).toBe(delta.hashcode);
  };
  await agree();
  for (const status of ["OUT_OF_SERVICE", "UP"]) {
    await stage.eureka.ask("PUT", `/apps/SVC-A/${hosts.provider1}:svc-a:9100/status?value=${status}`);
    await eventually(
      `svc-a is ${status}`,
      async () => {
        await agree();
        return mirror.hashcode().includes("OUT_OF_SERVICE") === (status !== "UP");
      },
      30_000,
    );
  }
  await stage.eureka.ask("DELETE", `/apps/SVC-A/${hosts.provider1}:svc-a:9100/status?value=UP`);
  await second.register("DOWN");
  await eventually(
    "one of two is down, and one is shown",
    async () => {
      await agree();
      return (await stage.eureka.instances("svc-b")).length === 2 && mirror.hashcode() === "UP_2_";
    },
    30_000,
  );
  await second.register();
});

test("the same is answered in JSON, XML, gzip and compact, under both paths, by application, id and name", async () => {
  const json = await listOf("/apps/");
  const xml = parseEurekaXml(await (await ask("/v2/apps", {})).text());
  expect(xml).toMatchObject({ hashcode: json.hashcode });
  const gzip = await ask("/apps", { accept: "application/json", "accept-encoding": "gzip" });
  expect(gzip.headers.get("content-encoding")).toBe("gzip");
  expect(parseEurekaJson(await gzip.text())).toMatchObject({ hashcode: json.hashcode });
  expect(await (await ask("/apps", { accept: "application/json", "x-eureka-accept": "compact" })).text()).not.toContain(
    "leaseInfo",
  );
  for (const path of [
    "/apps/svc-b",
    "/vips/svc-b",
    "/svips/SVC-B/",
    "/apps/SVC-B/trestle:svc-b",
    "/instances/trestle:svc-b",
  ]) {
    const text = await (await ask(path)).text();
    expect(text, path).toContain(hosts.trestle);
    expect(text, path).not.toContain(hosts.provider2);
  }
  expect([(await ask("/apps/NOPE")).status, (await ask("/apps", { accept: "text/html" })).status]).toEqual([404, 406]);
});

test("npm's client registers, renews, reads by delta and leaves", async () => {
  const { Eureka } = createRequire(import.meta.url)("eureka-js-client") as {
    Eureka: new (
      config: object,
    ) => {
      start(done: (error?: Error) => void): void;
      stop(done: (error?: Error) => void): void;
      getInstancesByVipAddress(name: string): readonly { hostName: string; port: { $: number } }[];
      logger: { level(level: number): void };
    };
  };
  const client = new Eureka({
    instance: {
      ...{ app: "svc-n", instanceId: "n1", hostName: hosts.relay, ipAddr: hosts.relay, vipAddress: "svc-n" },
      port: { $: 9300, "@enabled": true },
      dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    },
    eureka: {
      ...{ host: hosts.trestle, port: 8761, servicePath: "/eureka/apps/" },
      ...{ heartbeatInterval: 500, registryFetchInterval: 500, shouldUseDelta: true },
    },
  });
  client.logger.level(50);
  await new Promise<void>((resolve, reject) => client.start((error) => (error ? reject(error) : resolve())));
  await eventually("it is registered", async () => (await stage.eureka.instances("svc-n")).length === 1, 10_000);
  await eventually(
    "it sees svc-b at the proxy alone",
    async () => {
      const listed = client.getInstancesByVipAddress("svc-b");
      return listed.length === 1 && listed[0]!.hostName === hosts.trestle;
    },
    10_000,
  );
  await new Promise<void>((resolve) => client.stop(() => resolve()));
  await eventually("it is gone", async () => (await stage.eureka.instances("svc-n")).length === 0, 10_000);
});

test("an instance that leaves gracefully is out of the way at once", async () => {
  await second.cancel();
  await eventually(
    "one is left",
    async () => {
      const [one] = await old.instances("svc-b");
      return one?.metadata["version"] === "v1";
    },
    10_000,
  );
  await stage.rules("");
  await eventually("calls go to it", async () => (await idOf("feign", { path: "/echo/two" })) === young.id, 10_000);
});

test("while the server is gone applications keep their lists and go on calling; they are there again after it is back", async () => {
  await stage.eureka.kill();
  await eventually("the facade says that nobody answers", async () => (await ask("/apps")).status === 503);
  const loop = await old.loop({ client: "web" }, 20);
  await eventually("calls go on", async () => (await loop.stats()).calls > 60);
  expect(await loop.stop()).toMatchObject({ failed: 0 });
  expect((await old.instances("svc-b")).map(({ host }) => host)).toEqual([hosts.trestle]);
  await stage.eureka.restart();
  // The client of 2021 cannot read how a server of 2025 says that it does not know an instance (404 with a body).
  await eventually("svc-b registered again", async () => (await stage.eureka.instances("svc-b")).length === 1, 30_000);
  await eventually(
    "it is at the proxy",
    async () => (await (await ask("/apps/SVC-B")).text()).includes("trestle:svc-b"),
    30_000,
  );
  await eventually(
    "the caller has it so",
    async () => {
      const listed = await old.instances("svc-b");
      return listed.length === 1 && listed[0]!.host === hosts.trestle;
    },
    30_000,
  );
});

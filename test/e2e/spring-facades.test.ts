import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";
import { type SpringCloud, startSpringCloud } from "../support/spring-cloud.ts";
import {
  type EchoServer,
  type Register,
  registersAtEureka,
  registersAtNacos,
  registersAtZookeeper,
  startEchoServer,
} from "../support/spring-registrations.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// Three registries behind one Trestle, whose facades show services by their names and let some clients and services pass. In each
// registry X there are svc-X (two instances, v1 and v2), raw-X (one, not led) and a real application app-X.
const registries = ["zk", "eu", "na"] as const;
type Name = (typeof registries)[number];

/** Clients at this address see what the registries have, and so does the application svc-ops. */
const OPERATOR = hosts.provider3;
const facades = { zk: `${hosts.trestle}:2181`, eu: `${hosts.trestle}:8761`, na: `${hosts.trestle}:18848` };

let zookeeper: ZooKeeper;
let znodes: Znodes;
let eureka: Eureka;
let nacos: Nacos;
let trestle: Trestle;
let folder: string;
let echoes: readonly EchoServer[];
let apps: Readonly<Record<Name, SpringCloud>>;

beforeAll(async () => {
  requireNamespace();
  [zookeeper, eureka, nacos, folder, ...echoes] = await Promise.all([
    startZooKeeper(hosts.registry),
    startEureka(),
    startNacos(),
    mkdtemp(join(tmpdir(), "trestle-spring-")),
    ...["v1", "v2", "raw"].map((id) => startEchoServer(id, hosts.provider2)),
  ]);
  znodes = await openZnodes(zookeeper.address);
  const registers: Readonly<Record<Name, Register>> = {
    zk: registersAtZookeeper(znodes),
    eu: registersAtEureka(eureka),
    na: registersAtNacos(nacos),
  };
  for (const name of registries) {
    const [one, two, raw] = echoes;
    await registers[name](`svc-${name}`, one!, { version: "v1" });
    await registers[name](`svc-${name}`, two!, { version: "v2" });
    await registers[name](`raw-${name}`, raw!, {});
  }
  const file = join(folder, "trestle.yaml");
  const urls = {
    zk: zookeeper.address,
    eu: `eureka://${eureka.host}:${eureka.port}/eureka?interval=500ms`,
    na: nacos.address,
  };
  const schemes = { zk: "zookeeper", eu: "eureka", na: "nacos" };
  await writeFile(
    file,
    `registries:
${registries.map((name) => `- {name: ${name}, url: "${urls[name]}"}`).join("\n")}
facades:
${registries
  .map(
    (name) => `- url: ${schemes[name]}://${facades[name]}
  registry: ${name}
  hosts: name
  pass: {services: [raw-*], clients: [svc-ops, ${OPERATOR}/32]}`,
  )
  .join("\n")}
rules: [${folder}/rules.yaml]
`,
  );
  await writeFile(join(folder, "rules.yaml"), "");
  trestle = await startTrestle({ facade: "", extra: ["-c", file] });
  const names = registries.flatMap((name) => [`svc-${name}`, `app-${name}`]);
  const common = {
    role: "caller",
    // Such a file is all that the JVM knows.
    resolves: {
      ...Object.fromEntries(names.map((name) => [name, hosts.trestle])),
      ...{ localhost: "127.0.0.1", [hostname()]: "127.0.0.1" },
    },
  } as const;
  const [zk, eu, na] = await Promise.all([
    startSpringCloud({
      ...{ ...common, stack: "zk-2025", name: "app-zk", host: hosts.provider1, port: 9_101 },
      registry: facades.zk,
    }),
    startSpringCloud({
      ...{ ...common, stack: "eureka-2021", name: "app-eu", host: hosts.provider1, port: 9_102 },
      registry: `http://${facades.eu}/eureka/`,
    }),
    startSpringCloud({
      ...{ ...common, stack: "nacos-2021", name: "app-na", host: hosts.provider1, port: 9_103 },
      registry: facades.na,
    }),
  ]);
  apps = { zk, eu, na };
}, 240_000);

afterAll(async () => {
  await Promise.all(Object.values(apps ?? {}).map(({ peer }) => peer.kill()));
  znodes?.close();
  await trestle?.stop();
  await Promise.all([zookeeper?.stop(), eureka?.stop(), nacos?.stop(), ...(echoes ?? []).map((one) => one.stop())]);
});

/** `host:port` of each instance that an application is shown of a service. */
const shownTo = async (app: SpringCloud, service: string) =>
  (await app.instances(service)).map(({ host, port }) => `${host}:${port}`);

/** The body of the answer to a request from an address of this machine's: a GET, or a POST of JSON. */
const get = (url: string, localAddress: string, json?: unknown): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const method = json === undefined ? "GET" : "POST";
    const asked = request(url, { localAddress, headers, method }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      resolve(Buffer.concat(chunks).toString());
    });
    asked.on("error", reject);
    asked.end(json === undefined ? undefined : JSON.stringify(json));
  });

test.each(registries)(
  "through the facade of %s services of all three registries are called by their names, which stand in Host",
  async (name) => {
    const app = apps[name];
    for (const other of registries) {
      for (const service of other === name ? [`svc-${other}`] : [`svc-${other}`, `app-${other}`]) {
        await eventually(
          `${service} is shown by its name`,
          async () => {
            const shown = await shownTo(app, service);
            return shown.length === 1 && shown[0]!.startsWith(`${service}:31`);
          },
          30_000,
        );
        for (const client of ["template", "feign"] as const) {
          const { host, id } = await app.echo({ client, service, path: "/echo/hello" });
          expect(host, `${client} ${service}`).toMatch(new RegExp(`^${service}:31\\d\\d\\d$`));
          expect(id).toMatch(service.startsWith("app") ? new RegExp(`^${service}@`) : /^v[12]$/);
        }
      }
    }
  },
);

test.each(registries)(
  "a rule sends calls by path, header and method to a subset of a service of %s, whoever calls",
  async (name) => {
    const service = `svc-${name}`;
    await writeFile(
      join(folder, "rules.new"),
      `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: b, namespace: shop}
spec:
  host: ${service}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: shop}
spec:
  hosts: [${service}]
  http:
  - match:
    - {uri: {prefix: /echo/two}}
    - {headers: {x-gray: {exact: "yes"}}}
    - {method: {exact: POST}}
    route: [{destination: {host: ${service}, subset: v2}}]
  - route: [{destination: {host: ${service}, subset: v1}}]
`,
    );
    await rename(join(folder, "rules.new"), join(folder, "rules.yaml"));
    const idOf = async (app: SpringCloud, client: "template" | "feign", call: object) =>
      (await app.echo({ client, service, ...call })).id;
    await eventually(
      "the rule is in force",
      async () => {
        const ids = [];
        for (let i = 0; i < 6; i++) ids.push(await idOf(apps.zk, "template", { path: "/echo/two" }));
        return ids.every((id) => id === "v2");
      },
      20_000,
    );
    for (const app of Object.values(apps)) {
      for (const client of ["template", "feign"] as const) {
        const ids = [];
        for (const call of [{}, { path: "/echo/two" }, { headers: { "x-gray": "yes" } }, { method: "POST", body: "x" }])
          ids.push(await idOf(app, client, call));
        expect(ids, `${app.name} ${client}`).toEqual(["v1", "v2", "v2", "v2"]);
      }
    }
  },
);

test.each(registries)("pass.services: what the configuration lets pass is shown at %s as it is", async (name) => {
  const raw = echoes[2]!;
  const shown = () => shownTo(apps[name], `raw-${name}`);
  await eventually("the real address", async () => String(await shown()) === `${raw.host}:${raw.port}`, 20_000);
  expect((await apps[name].echo({ client: "template", service: `raw-${name}` })).host).toBe(`${raw.host}:${raw.port}`);
});

test.each([
  ["Eureka", `http://${facades.eu}/eureka/apps/SVC-EU`],
  ["Nacos", `http://${facades.na}/nacos/v1/ns/instance/list?serviceName=svc-na`],
])("pass.clients: a client of %s is known by its address", async (_, url) => {
  const real = echoes[0]!.port;
  await eventually("the name", async () => (await get(url, hosts.provider2)).includes('"svc-'), 10_000);
  expect(await get(url, hosts.provider2)).not.toContain(`${real}`);
  const passed = await get(url, OPERATOR);
  expect(passed).toContain(`${real}`);
  expect(passed).not.toContain("trestle");
});

test("pass.clients: a client is known by the application that it is, at each facade", async () => {
  const real = echoes.slice(0, 2).map(({ port }) => port);
  // ZooKeeper: by what its session registers.
  const operator = await openZnodes(`zookeeper://${facades.zk}`);
  const nodes = () => operator.children("/services/svc-zk");
  expect(await nodes()).toHaveLength(1);
  await operator.make("/services/svc-ops/8f1dbb5b-8605-4132-9f4d-bd60f269ff29");
  expect(await nodes()).toHaveLength(2);
  operator.close();
  // Nacos: by what it says that it is.
  const list = `http://${facades.na}/nacos/v1/ns/instance/list?serviceName=svc-na`;
  const ports = (text: string) => (JSON.parse(text) as { hosts: { port: number }[] }).hosts.map(({ port }) => port);
  expect(ports(await get(`${list}&app=svc-ops`, hosts.provider2)).sort()).toEqual([...real].sort());
  expect(ports(await get(`${list}&app=svc-shop`, hosts.provider2))).toHaveLength(1);
  // Eureka: by what registered from its address.
  const apps = `http://${facades.eu}/eureka/apps/SVC-EU`;
  expect(await get(apps, hosts.registry)).toContain("trestle:svc-eu");
  const ops = { app: "svc-ops", host: hosts.registry, port: 9_200 };
  await get(`http://${facades.eu}/eureka/apps/SVC-OPS`, hosts.registry, { instance: rawInstance(ops) });
  const passed = await get(apps, hosts.registry);
  for (const port of real) expect(passed).toContain(`${port}`);
  expect(passed).not.toContain("trestle");
});

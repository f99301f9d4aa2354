import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openZooKeeper, registerUrl } from "../../src/cli/dubbo/registry.ts";
import { encodeName, parseDubboUrl, printNodeName } from "../../src/registry-sync/dubbo/url.ts";
import { createEmbeddedRegistry, type EmbeddedRegistry } from "../../src/registry-sync/embedded/server.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import { freePorts } from "../support/ports.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { type SampleTraffic, startSampleTraffic } from "../support/sample-traffic.ts";
import { runTrestle, startTrestle, type Trestle, type TrestleOptions } from "../support/trestle.ts";

const host = "127.0.0.1";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});

afterAll(async () => {
  await stopAll();
  await rm(folder, { recursive: true, force: true });
});

/** An `up` on ports that the system chose, or with proxies on these. */
async function start(
  options: TrestleOptions = {},
  proxyPorts?: readonly number[],
): Promise<Trestle & { readonly proxies: string[] }> {
  const [facade, admin, ...others] = await freePorts(4);
  const ports = proxyPorts ?? others;
  const trestle = await startTrestle({
    host,
    facade: `zookeeper://${host}:${facade}`,
    admin: `${host}:${admin}`,
    ...options,
    extra: ["--proxy-port", ports.join(","), ...(options.extra ?? [])],
  });
  return { ...trestle, proxies: ports.map((port) => `${host}:${port}`).sort() };
}

interface Worker {
  readonly pid: number;
  readonly state: string;
}

async function workers(trestle: Trestle): Promise<readonly Worker[]> {
  return ((await trestle.json("/api/v1/status")) as { workers: Worker[] }).workers;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const virtualService = (name: string, subset: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [com.acme.OrderService]
  http:
    - route:
        - destination: {host: com.acme.OrderService${subset}}
`;

test("demo --once shows, for a caller of each protocol, the split that the rule says and exits 0", async () => {
  const { code, stdout, stderr } = await runTrestle(["demo", "--once"], 60_000);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  for (const caller of ["Dubbo2", "Triple", "gRPC", "JSON"]) {
    expect(stdout).toMatch(new RegExp(`^  createOrder +${caller} +0 +100 +100 % +100 % +ok$`, "m"));
    expect(stdout).toMatch(new RegExp(`^  getOrder +${caller} +100 +0 +0 % +0 % +ok$`, "m"));
    expect(stdout).toMatch(new RegExp(`^  sayHello +${caller} +[0-9]+ +[0-9]+ +[0-9]+ % +30 % +ok$`, "m"));
  }
  for (const caller of ["Dubbo2", "Triple", "JSON"]) {
    expect(stdout).toMatch(new RegExp(`^  getStock +${caller} +100 +100 +ok$`, "m"));
    expect(stdout).toMatch(new RegExp(`^  reserve +${caller} +100 +100 +ok$`, "m"));
  }
  expect(stdout).toMatch(/the split was what the rule says\n$/);
});

describe("what is wrong is told in lines before anything starts", () => {
  test.each([
    [
      "an unknown flag",
      ["up", "--bogus"],
      ["trestle: unknown option '--bogus' (trestle up --help shows what it takes)"],
    ],
    ["an unknown command", ["bogus"], ["trestle: unknown command 'bogus' (trestle --help lists the commands)"]],
    [
      "a flag that is nearly right",
      ["services", "--admn", "x"],
      ["trestle: unknown option '--admn' (Did you mean --admin?) (trestle services --help shows what it takes)"],
    ],
    [
      "nobody at admin's own port, where none is named",
      ["services", "--admin", "127.0.0.9"],
      [
        "trestle: no answer from http://127.0.0.9:15000 (ECONNREFUSED); start trestle there or name its address with --admin",
      ],
    ],
    [
      "a facade of another registry",
      ["up", "--facade", "nacos://127.0.0.1:8848"],
      [
        "trestle: --facade: there is no nacos:// registry for the facade to stand before; the embedded one is ZooKeeper's and stands only where no registry is named",
      ],
    ],
    [
      "an address of another machine",
      ["up", "--proxy-host", "203.0.113.9", "--admin", "127.0.0.1:0"],
      ["trestle: proxy: 203.0.113.9 is no address of this machine"],
    ],
    [
      "nobody at the admin address",
      ["services", "--admin", "127.0.0.1:2"],
      [
        "trestle: no answer from http://127.0.0.1:2 (ECONNREFUSED); start trestle there or name its address with --admin",
      ],
    ],
    [
      "a diff with nothing to compare with",
      ["diff", "--registry", "zookeeper://127.0.0.1:1"],
      ["trestle: there is no output to compare with; name one with --output files=FOLDER"],
    ],
  ])("%s", async (_, args, lines) => {
    const { code, stdout, stderr } = await runTrestle(args);
    expect(stderr.trimEnd().split("\n")).toEqual(lines);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test.each([["--bogus"], ["--timeout", "x"], []])(
    "what call cannot make out ends with its own code: %s",
    async (...args) => {
      const { code, stdout, stderr } = await runTrestle(["call", ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^trestle: .+ \(trestle call --help shows what it takes\)\n$/);
    },
  );

  test("a reader that has had enough is no failure", async () => {
    const { stdout, stderr } = await promisify(execFile)("sh", [
      "-c",
      `${process.execPath} dist/cli.js demo --once | head -n 1`,
    ]);
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toHaveLength(2);
  });

  test("a file: all its faults with line and column", async () => {
    const file = join(folder, "bad.yaml");
    await writeFile(file, "ruels: []\nproxy: {host: 0.0.0.0, http: 80}\noutputs:\n- {mcp: here}\n");
    const { code, stderr } = await runTrestle(["up", "-c", file, "--admin", "x:y"]);
    expect(stderr.trimEnd().split("\n")).toEqual([
      'trestle: --admin: "x:y" is no host:port to listen on, such as 127.0.0.1:15000',
      `trestle: ${file}:1:1: unknown key ruels; known here: registries, facades, proxy, mesh, ca, callers, rules, credentials, credentialReaders, metadata, protos, outputs, control, admin, naming, guard, data`,
      `trestle: ${file}:2:15: proxy.host: consumers cannot connect to 0.0.0.0; give the address to show them, and listen by proxy.bind`,
      `trestle: ${file}:2:30: proxy.http must be a map`,
      `trestle: ${file}:4:4: outputs[0].mcp is not supported yet; leave it out`,
    ]);
    expect(code).toBe(1);
  });

  test("an output that is no folder", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const [a, b, admin] = await freePorts(3);
    const ports = ["--proxy-port", `${a},${b}`, "--admin", `${host}:${admin}`];
    const { code, stderr } = await runTrestle(["up", ...ports, "--output", `files=${file}/below`]);
    expect(stderr).toBe(`trestle: output files=${file}/below: ${file} is no folder\n`);
    expect(code).toBe(1);
  });

  test("Triple's ports that are in use, where they were asked for", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as { port: number };
    const [a, b, free, admin] = await freePorts(4);
    const ports = ["--proxy-port", `${a},${b}`, "--tri-port", `${free},${port}`, "--admin", `${host}:${admin}`];
    const { code, stderr } = await runTrestle(["up", ...ports]);
    expect(stderr).toBe(
      `trestle: proxy: port ${port} of ${host} is in use already; stop what listens there or choose another port\n`,
    );
    expect(code).toBe(1);
    server.close();
  });

  test("ports that are in use: each of them", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as { port: number };
    const [free, admin] = await freePorts(2);
    const taken = await runTrestle(["up", "--proxy-port", `${port},${free}`, "--admin", `${host}:${admin}`]);
    expect(taken.stderr).toBe(
      `trestle: proxy: port ${port} of ${host} is in use already; stop what listens there or choose another port\n`,
    );
    expect(taken.code).toBe(1);
    server.close();
  });
});

describe("call asks a registry for providers", () => {
  const nowhere = "zookeeper://127.0.0.1:1";
  let registry: EmbeddedRegistry;

  beforeAll(async () => {
    registry = await createEmbeddedRegistry({ host, port: 0 });
    const client = openZooKeeper(`zookeeper://${host}:${registry.port}`);
    await client.connected();
    for (const [root, port] of Object.entries({ dubbo: 2, other: 3 })) {
      const url = parseDubboUrl(`dubbo://127.0.0.1:${port}/com.acme.A?interface=com.acme.A`);
      if (url.type !== "url") throw new Error("no URL");
      const folders = [`/${root}`, `/${root}/com.acme.A`, `/${root}/com.acme.A/providers`];
      for (const path of [...folders, `${folders[2]}/${printNodeName(url.url)}`]) await client.create(path);
    }
    await client.close();
  });

  afterAll(() => registry.close());

  const found = async (url: string, ...options: string[]) =>
    runTrestle(["call", "com.acme.A.go", "[]", "--registry", url, ...options]);

  test("one that is out of reach is told in one line", async () => {
    expect(await found(`${nowhere},127.0.0.1:4`, "--timeout", "400")).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "trestle: no ZooKeeper answered within 400 ms at 127.0.0.1:1, 127.0.0.1:4; see whether --registry names the right address\n",
    });
    expect(await found("zookeeper://h?rot=/x")).toEqual({
      code: 2,
      stdout: "",
      stderr: 'trestle: --registry: unknown parameter "rot"; known here: root, group, backup, services\n',
    });
  });

  test("with several servers the one that lives is asked, each time", async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => found(`${nowhere},${host}:${registry.port}`)));
    for (const ran of all)
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching(/no connection to 127\.0\.0\.1:2: .+\n$/) });
  });

  test.each([
    ["", 2],
    ["?root=/other", 3],
    ["?group=other", 3],
    ["/other?root=/", 3],
  ])("below the root that %s says", async (query, port) => {
    const { code, stderr } = await found(`zookeeper://${host}:${registry.port}${query}`);
    expect(stderr).toContain(`no connection to 127.0.0.1:${port}: ECONNREFUSED`);
    expect(code).toBe(2);
  });
});

describe("an instance with an embedded registry under load", () => {
  let rules: string;
  let output: string;
  let config: string;
  let trestle: Awaited<ReturnType<typeof start>>;
  let traffic: SampleTraffic;
  const configText = (more = "") => `rules: [${rules}]\n${more}`;

  beforeAll(async () => {
    rules = await mkdtemp(join(folder, "rules-"));
    output = join(folder, "entries");
    config = join(folder, "trestle.yaml");
    await writeFile(join(rules, "a.yaml"), virtualService("a", ""));
    await writeFile(config, configText());
    trestle = await start({ output: `files=${output}`, extra: ["-c", config] });
    traffic = await startSampleTraffic(trestle.registry);
    await eventually("the consumer is shown the proxy", () => traffic.listed().join() === trestle.proxies.join());
  });

  afterAll(async () => {
    await traffic?.close();
  });

  afterEach(async () => {
    await traffic.outcome();
  });

  test("says in its first line where it listens", () => {
    const [first] = trestle.peer.stdout().split("\n");
    expect(first).toMatch(/^trestle \d+\.\d+\.\d+ is up: facade zookeeper:\/\/127\.0\.0\.1:\d+ \(before an embedded/);
    for (const proxy of trestle.proxies) expect(first).toContain(`dubbo://${proxy}`);
    expect(first).toMatch(/ and tri:\/\/127\.0\.0\.1:\d+ and tri:\/\/127\.0\.0\.1:\d+, admin/);
    expect(first).toContain(`admin http://${trestle.admin}`);
  });

  test("lists what it knows, and calls reach it by name", async () => {
    for (const [args, shows] of [
      [["services"], /com\.acme\.orderservice +com\.acme\.OrderService +2 +yes +- +a +- +embedded/],
      [["endpoints", "com.acme.OrderService", "-o", "json"], /"address": "127\.0\.0\.1:\d+"/],
      [["config", "-o", "yaml"], /logLevel: info/],
      [["diff"], /^files=.*: no changes\n$/],
    ] as const) {
      const ran = await trestle.command(...args);
      expect(ran.stdout).toMatch(shows);
      expect(ran.code).toBe(0);
    }
    expect(await readdir(output)).toEqual(["com.acme.orderservice.yaml"]);
    const called = await runTrestle(["call", "com.acme.OrderService.getOrder", "[7]", "--registry", trestle.registry]);
    expect(JSON.parse(called.stdout)).toMatchObject({ id: 7, status: "SHIPPED" });
  });

  test("tells what a sync would write without writing it", async () => {
    const empty = join(folder, "empty");
    const ran = await runTrestle(["diff", "--registry", trestle.registry, "--output", `files=${empty}`, "-o", "json"]);
    expect(JSON.parse(ran.stdout)).toMatchObject([
      { output: `files=${empty}`, changes: [{ action: "create", host: "com.acme.orderservice" }] },
    ]);
    await expect(readdir(empty)).rejects.toThrow("ENOENT");
  });

  test("keeps a rule file's last good state, and tells its faults in log, API and analyze", async () => {
    const file = join(rules, "a.yaml");
    await writeFile(file, virtualService("a", "").replace("route:", "rout:"));
    const fault = `${file}:7:7: unknown field`;
    await eventually("the fault is logged", () => trestle.peer.log(200).includes(fault), 3_000);
    const { findings } = (await trestle.json("/api/v1/findings")) as { findings: { code: string; at: string }[] };
    expect(findings).toContainEqual(expect.objectContaining({ code: "TR0206", severity: "error", at: `${file}:7:7` }));
    expect((await trestle.command("rules")).stdout).toMatch(/VirtualService +a +com\.acme\.OrderService +1 +last good/);
    const analyzed = await runTrestle(["analyze", rules]);
    expect(analyzed.stdout).toContain(`${file}:7:7: error TR0206`);
    expect(analyzed.code).toBe(1);
    await writeFile(file, virtualService("a", ""));
    await eventually("the file is good again", async () => (await trestle.command("rules")).stdout.includes("newest"));
    expect((await traffic.outcome()).errors).toEqual([]);
  });

  test("logs what rules mean wrongly for the services that are known", async () => {
    const file = join(rules, "b.yaml");
    await writeFile(file, virtualService("b", ", subset: nowhere"));
    await eventually("both findings are logged", () => {
      const log = trestle.peer.log(200);
      return log.includes("TR0222") && log.includes("TR0224") && log.includes(`${file}:`);
    });
    await rm(file);
  });

  test("replaces a worker that got SIGTERM while the other one serves, and loses no call", async () => {
    await traffic.outcome();
    const [first] = await workers(trestle);
    process.kill(first!.pid, "SIGTERM");
    await eventually("its address is off the list", () => traffic.listed().length === 1);
    await eventually(
      "another one serves",
      async () => {
        const [now] = await workers(trestle);
        return now!.pid !== first!.pid && now!.state === "serving" && traffic.listed().length === 2;
      },
      25_000,
    );
    const { ok, errors } = await traffic.outcome();
    expect(errors).toEqual([]);
    expect(ok).toBeGreaterThan(500);
  });

  test("replaces all workers on SIGHUP, and loses no call", async () => {
    const before = (await workers(trestle)).map(({ pid }) => pid);
    process.kill(trestle.peer.pid, "SIGHUP");
    await eventually(
      "all are new",
      async () => {
        const now = await workers(trestle);
        return now.every(({ pid, state }) => !before.includes(pid) && state === "serving");
      },
      50_000,
    );
    await eventually("both are listed", () => traffic.listed().length === 2);
    expect((await traffic.outcome()).errors).toEqual([]);
  });

  test("unlists a worker that was killed at once and starts it again", async () => {
    await traffic.outcome();
    const [first] = await workers(trestle);
    const killedMs = Date.now();
    process.kill(first!.pid, "SIGKILL");
    await eventually("its address is off the list", () => traffic.listed().length === 1, 5_000, 2);
    expect(Date.now() - killedMs).toBeLessThan(2_000);
    await eventually("both are listed", () => traffic.listed().length === 2, 5_000);
    const { ok, errors } = await traffic.outcome();
    expect(errors.every((text) => text.startsWith(`connection to ${host}`) || text.startsWith("no connection"))).toBe(
      true,
    );
    expect(errors.length).toBeLessThan(ok / 5);
    await sleep(500);
    expect((await traffic.outcome()).errors).toEqual([]);
  });

  test("takes up a changed file while running, and keeps the last good one", async () => {
    const other = await mkdtemp(join(folder, "rules-"));
    await writeFile(join(other, "c.yaml"), virtualService("c", ""));
    const text = configText('proxy: {advertise: ["127.0.0.1:1"]}\nadmin: 127.0.0.1:1\n').replace(rules, other);
    await writeFile(config, text);
    await eventually("the other rules are in force", async () => {
      const { stdout } = await trestle.command("rules");
      return / c /.test(stdout) && !/ a /.test(stdout);
    });
    await eventually("the other instance is shown", () => traffic.listed().includes("127.0.0.1:1"));
    await writeFile(config, "rules: 5\n");
    await eventually("the fault is logged", () =>
      trestle.peer.log(200).includes(`${config}:1:8: rules must be a text`),
    );
    await writeFile(config, configText());
    await eventually("the first rules are back", async () => / a /.test((await trestle.command("rules")).stdout));
    await eventually("the other instance is gone", () => !traffic.listed().includes("127.0.0.1:1"));
  });

  test("lets go of providers that leave in order at once, however many", async () => {
    const provide = async (service: string) => {
      const client = openZooKeeper(trestle.registry);
      for (let i = 1; i <= 6; i++) {
        const url = parseDubboUrl(`dubbo://10.9.9.${i}:20880/${service}?application=many&interface=${service}`);
        if (url.type === "url") await registerUrl(client, "providers", url.url);
      }
      await eventually(`6 of ${service} are known`, async () => (await endpoints(service)) === 6);
      return client;
    };
    const endpoints = async (service: string) =>
      ((await trestle.json(`/api/v1/endpoints?service=${service}`)) as { endpoints: unknown[] }).endpoints.length;
    await (await provide("com.acme.Leaving")).close();
    await eventually("all are gone", async () => (await endpoints("com.acme.Leaving")) === 0);
  });

  test("tells of a service that consumers call past the proxy, and of rules that have no effect on it", async () => {
    const client = openZooKeeper(trestle.registry);
    const url = parseDubboUrl("dubbo://10.9.9.1:20880/com.acme.Routed?interface=com.acme.Routed");
    if (url.type === "url") await registerUrl(client, "providers", url.url);
    const router = "script://0.0.0.0/com.acme.Routed?category=routers&enabled=true&name=r&rule=x";
    await client.create("/dubbo/com.acme.Routed/routers");
    await client.create(`/dubbo/com.acme.Routed/routers/${encodeURIComponent(router)}`);
    const listed = async () => (await trestle.command("services")).stdout;
    await eventually("it is not led", async () => / com\.acme\.Routed +1 +no +-/.test(await listed()));
    const file = join(rules, "routed.yaml");
    await writeFile(file, virtualService("routed", "").replaceAll("com.acme.OrderService", "com.acme.Routed"));
    const text = "VirtualService routed has no effect on com.acme.Routed: consumers are shown its real addresses (";
    await eventually("it is logged", () => trestle.peer.log(50).includes(text));
    expect((await trestle.command("analyze", file)).stdout).toContain(`${file}:5:11: warning TR0238: ${text}`);
    expect((await trestle.get("/api/v1/findings")).body).toContain(text);
    await rm(file);
    await client.close();
  });

  test("drains and ends within 8 s on SIGTERM, workers and all", async () => {
    const pids = (await workers(trestle)).map(({ pid }) => pid);
    const startMs = Date.now();
    const exit = await trestle.peer.stop(9_000);
    expect(exit).toEqual({ code: 0, signal: null });
    expect(Date.now() - startMs).toBeLessThan(8_000);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

test("Triple's default ports make way where they are in use", async () => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(50_051, host, resolve));
  const trestle = await start();
  const [first = ""] = trestle.peer.stdout().split("\n");
  const ports = [...first.matchAll(/tri:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  expect(ports).toHaveLength(2);
  expect(ports).not.toContain(50_051);
  expect(trestle.peer.log(50)).toContain(
    `${host}:50051, a default port for Triple, is in use already: ${host}:${ports[0]}`,
  );
  await trestle.stop();
  server.close();
});

test("a parent that is killed leaves no worker behind, and its ports at once", async () => {
  const [facade, ...ports] = await freePorts(3);
  const options = { facade: `zookeeper://${host}:${facade}` };
  const trestle = await start(options, ports);
  const traffic = await startSampleTraffic(trestle.registry);
  await eventually("the consumer is shown the proxy", () => traffic.listed().length === 2);
  const pids = (await workers(trestle)).map(({ pid }) => pid);
  await trestle.peer.kill();
  const again = await start(options, ports);
  expect((await again.get("/ready")).status).toBe(200);
  await eventually("the workers have ended", () => !pids.some(isAlive), 12_000);
  await again.stop();
  await traffic.close();
});

test("two instances show each other, and consumers of one go on when it ends", async () => {
  const registry = await createEmbeddedRegistry({ host, port: 0 });
  const real = `zookeeper://${registry.host}:${registry.port}`;
  const ports = await freePorts(4);
  const addresses = ports.map((port) => `${host}:${port}`);
  const [a, b] = await Promise.all(
    [0, 2].map((i) => {
      const own = ports.slice(i, i + 2);
      const others = addresses.filter((_, at) => at < i || at > i + 1);
      return start({ registry: real, extra: others.flatMap((address) => ["--advertise", address]) }, own);
    }),
  );
  const traffic = await startSampleTraffic(real, a!.registry);
  await eventually("all four are shown", () => traffic.listed().join() === [...addresses].sort().join());
  await sleep(500);
  const stopping = a!.stop();
  await eventually("the other's two are left", () => traffic.listed().join() === addresses.slice(2).sort().join());
  await stopping;
  const { ok, errors } = await traffic.outcome();
  expect(errors).toEqual([]);
  expect(ok).toBeGreaterThan(100);
  expect(((await b!.json("/api/v1/services")) as { services: unknown[] }).services).toHaveLength(1);
  await traffic.close();
  await b!.stop();
  await registry.close();
});

describe("an instance that starts on the entry files of an earlier one", () => {
  const file = "com.acme.orderservice.yaml";
  let registry: EmbeddedRegistry;
  let writer: ZooKeeperClient;
  let out = "";
  const findings = async (trestle: Trestle) =>
    ((await trestle.json("/api/v1/findings")) as { findings: { code: string; at: string }[] }).findings;

  async function startWith(password: string, options: TrestleOptions = {}): Promise<Trestle> {
    const config = join(folder, "denied.yaml");
    await writeFile(join(folder, "denied-secret"), password);
    await writeFile(
      config,
      `registries:
- name: legacy
  url: zookeeper://${registry.host}:${registry.port}?root=/sec
  auth: {username: u, passwordFile: ${join(folder, "denied-secret")}}
outputs:
- files: ${out}
`,
    );
    return start({ ...options, extra: ["-c", config] });
  }

  beforeAll(async () => {
    out = join(folder, "denied-out");
    registry = await createEmbeddedRegistry({ host, port: 0 });
    writer = createZooKeeperClient({
      servers: [{ host: registry.host, port: registry.port }],
      auth: { username: "u", password: "right" },
    });
    await writer.connected(5_000);
    const url = "dubbo://10.9.0.1:20880/com.acme.OrderService?interface=com.acme.OrderService";
    await writer.create("/sec", null, { acl: [{ perms: 31, scheme: "auth", id: "" }] });
    for (const path of ["/com.acme.OrderService", "/com.acme.OrderService/providers"])
      await writer.create(`/sec${path}`);
    await writer.create(`/sec/com.acme.OrderService/providers/${encodeName(url)}`);
    const first = await startWith("right");
    await eventually("the entry's file", async () => (await readdir(out)).includes(file));
    await first.stop();
  });

  afterAll(async () => {
    await writer?.close();
    await registry?.close();
  });

  test("deletes none, is not ready and says why where the registry denies reading", async () => {
    const trestle = await startWith("wrong", { readyStatus: 503 });
    await eventually("the finding", async () => (await findings(trestle)).some(({ code }) => code === "TR0105"));
    await eventually("its line in the log", () => trestle.peer.log(200).includes('"code":"TR0105"'));
    const ready = await trestle.get("/ready");
    expect([ready.status, ready.body]).toEqual([503, expect.stringContaining("registry legacy has not been read yet")]);
    const { code, stdout, stderr } = await trestle.command("diff");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^trestle: .*registry legacy has not been read yet.*\n$/);
    expect(await readdir(out)).toEqual([file]);
    expect(trestle.peer.log(200).split("denies reading")).toHaveLength(2);
    await trestle.stop();
  });

  test("says what stands in the way of one, in findings, log and diff", async () => {
    await writeFile(join(out, file), "- junk\n");
    const trestle = await startWith("right");
    await eventually("the finding", async () => (await findings(trestle)).some(({ code }) => code === "TR0141"));
    await eventually("its line in the log", () => trestle.peer.log(200).includes('"code":"TR0141"'));
    const shown = await trestle.command("rules", "--findings");
    expect(shown.stdout).toContain("com.acme.orderservice: error TR0141: ");
    const { code, stdout } = await trestle.command("diff");
    expect([code, stdout]).toEqual([
      0,
      `files=${out}: no changes, 1 cannot be written\n! TR0141: entry com.acme.orderservice belongs to nobody known and is not touched\n`,
    ]);
    expect(await readFile(join(out, file), "utf8")).toBe("- junk\n");
    await trestle.stop();
  });
});

test("a facade at its own registry's address is refused before anything starts", async () => {
  const [port] = await freePorts(1);
  const { code, stderr } = await runTrestle([
    ...["up", "--registry", `zookeeper://localhost:${port}`, "--facade", `zookeeper://0.0.0.0:${port}`],
    ...["--admin", `${host}:0`],
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain(`the facade 0.0.0.0:${port} would connect to itself without an end`);
});

test("a password is printed nowhere", async () => {
  const secret = join(folder, "secret");
  await writeFile(secret, "hunter2\n");
  const registry = await createEmbeddedRegistry({ host, port: 0 });
  const config = join(folder, "secret.yaml");
  await writeFile(
    config,
    `registries:\n- url: zookeeper://${registry.host}:${registry.port}\n  auth: {username: u, passwordFile: ${secret}}\n`,
  );
  const trestle = await start({ extra: ["-c", config, "--log-level", "debug"] });
  const shown = await trestle.get("/api/v1/config");
  expect(shown.body).toContain("[redacted]");
  expect(shown.body + trestle.peer.log(2_000)).not.toContain("hunter2");
  await trestle.stop();
  await registry.close();
  expect(await readFile(secret, "utf8")).toBe("hunter2\n");
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveConfig } from "../../../../src/cli/config/resolve.ts";
import { PLAIN_SHAPING } from "../../../../src/cli/config/shaping.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
  file = join(folder, "trestle.yaml");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function resolve(text: string, flags = {}) {
  await writeFile(file, text);
  return resolveConfig({ config: file, ...flags }, {});
}

async function faults(text: string, flags = {}): Promise<string[]> {
  const { errors } = await resolve(text, flags);
  return errors.map(({ path, message, position }) => `${position?.line ?? ""} ${path}: ${message}`);
}

test("nothing given is a mesh of this machine with an embedded registry", () => {
  expect(resolveConfig({}, {}).config).toEqual({
    registries: [
      {
        name: "embedded",
        scheme: "embedded",
        hosts: [],
        chroot: "",
        root: "/dubbo",
        query: {},
        username: "",
        password: "",
        shaping: PLAIN_SHAPING,
      },
    ],
    facades: [],
    proxy: {
      host: "127.0.0.1",
      bind: "127.0.0.1",
      advertise: [],
      dubbo: [20_880, 20_881],
      tri: [50_051, 50_052],
      triIsDefault: true,
      http: { from: 31_000, to: 31_999 },
      inbound: [],
      labels: {},
      serviceAccount: "default",
    },
    mesh: { namespace: "default", rootNamespace: "istio-system", trustDomain: "cluster.local", extensionProviders: [] },
    callers: [],
    rules: [],
    credentialReaders: [],
    metadata: [],
    protos: [],
    outputs: [],
    control: { servers: [] },
    admin: { host: "127.0.0.1", port: 15_000 },
    naming: "trestle",
    logLevel: "info",
  });
});

test("a file with every key", async () => {
  await writeFile(join(folder, "secret"), "pw\n");
  const { config, errors } = await resolve(`
registries:
- name: legacy
  url: zookeeper://10.77.0.1:2181,10.77.0.2:2181/?root=/dubbo
  auth: {username: u, passwordFile: ${join(folder, "secret")}}
facades:
- url: "zookeeper://0.0.0.0:2181"
  registry: legacy
  take: {services: ["com.acme.*"], applications: ["*"]}
  allow: [10.0.0.0/8]
proxy:
  host: 10.77.0.5
  bind: 0.0.0.0
  advertise: ["10.77.0.6:20880", "tri://10.77.0.6:50051"]
  dubbo: [20880, 20881]
  tri: [50061, 50071]
  http: {from: 32000, to: 32099}
  httpPort: 8080
  inbound: [{listen: "10.77.0.5:20890", to: "10.77.0.2:20880"}]
  labels: {app: gate}
  serviceAccount: trestle
  locality: cn-north/a
mesh: {namespace: shop, trustDomain: acme.example}
rules: [./rules]
metadata: [{name: meta, url: "nacos://10.0.0.8?namespace=dev"}]
protos: ./api/shop.proto
outputs:
- {files: ./out}
- {xds: "0.0.0.0:15011"}
control: {servers: [10.0.0.7]}
admin: 127.0.0.1:15000
`);
  expect(errors).toEqual([]);
  expect(config).toEqual({
    registries: [
      {
        name: "legacy",
        scheme: "zookeeper",
        hosts: ["10.77.0.1:2181", "10.77.0.2:2181"],
        chroot: "",
        root: "/dubbo",
        query: { root: "/dubbo" },
        username: "u",
        password: "pw",
        shaping: PLAIN_SHAPING,
      },
    ],
    facades: [
      {
        scheme: "zookeeper",
        host: "0.0.0.0",
        port: 2181,
        registry: "legacy",
        take: { services: ["com.acme.*"], applications: ["*"] },
        pass: { services: [], clients: [] },
        allow: ["10.0.0.0/8"],
      },
    ],
    proxy: {
      host: "10.77.0.5",
      bind: "0.0.0.0",
      advertise: ["10.77.0.6:20880", "tri://10.77.0.6:50051"],
      dubbo: [20_880, 20_881],
      tri: [50_061, 50_071],
      triIsDefault: false,
      http: { from: 32_000, to: 32_099 },
      httpPort: 8080,
      inbound: [
        {
          listen: { address: "10.77.0.5", port: 20_890 },
          to: { address: "10.77.0.2", port: 20_880 },
          protocol: "dubbo",
          labels: { app: "gate" },
          register: true,
        },
      ],
      labels: { app: "gate" },
      serviceAccount: "trestle",
      locality: { region: "cn-north", zone: "a", subZone: "" },
    },
    mesh: { namespace: "shop", rootNamespace: "istio-system", trustDomain: "acme.example", extensionProviders: [] },
    callers: [],
    rules: ["./rules"],
    credentialReaders: [],
    metadata: [
      {
        ...{ name: "meta", hosts: ["10.0.0.8:8848"], contextPath: "/nacos", namespace: "dev", group: "dubbo" },
        ...{ username: "", password: "" },
      },
    ],
    protos: ["./api/shop.proto"],
    outputs: [{ files: "./out" }],
    xds: { host: "0.0.0.0", port: 15_011 },
    control: { servers: ["10.0.0.7:15010"] },
    admin: { host: "127.0.0.1", port: 15_000 },
    naming: "trestle",
    logLevel: "info",
  });
});

test("flags win over the file, each by itself", async () => {
  const { config } = await resolve("rules: a\nadmin: 127.0.0.1:1\nproxy: {host: 10.0.0.1, dubbo: [1, 2]}\n", {
    admin: "127.0.0.1:2",
    proxyPort: ["3", "4"],
  });
  expect(config).toMatchObject({ rules: ["a"], admin: { port: 2 }, proxy: { host: "10.0.0.1", dubbo: [3, 4] } });
});

test.each<[string, string, readonly string[] | undefined, readonly number[], boolean]>([
  ["one number counts up over the workers", "tri: 6000", undefined, [6000, 6001], false],
  ["a list is taken as it is", "tri: [7000, 6000]", undefined, [7000, 6000], false],
  ["an empty list is no Triple", "tri: []", undefined, [], false],
  ["a flag's number counts up", "tri: 6000", ["8000"], [8000, 8001], false],
  ["a flag's list is taken as it is", "tri: []", ["8000", "9000"], [8000, 9000], false],
  ["a flag's none is no Triple", "tri: 6000", ["none"], [], false],
  ["the default", "bind: 10.0.0.1", undefined, [50_051, 50_052], true],
  ["the default beside a Dubbo2 port of that number", "dubbo: [50052, 50053]", undefined, [50_051, 50_054], true],
])("Triple ports: %s", async (_, proxy, triPort, tri, triIsDefault) => {
  const { config, errors } = await resolve(`proxy: {${proxy}}\n`, triPort === undefined ? {} : { triPort });
  expect(errors).toEqual([]);
  expect(config?.proxy).toMatchObject({ tri, triIsDefault });
});

test("faults of flags, of the file's shape and of what it means are all told, by their place", async () => {
  const text = `registries:
- {url: "consul://a:8848"}
facades:
- {url: "zookeeper://0.0.0.0:2181", tls: {}}
proxy: {host: 0.0.0.0, dubbo: [x], http: 80, tri: y}
ruels: []
admin: "nowhere:"
`;
  expect(await faults(text, { output: ["kubernetes=mesh"], advertise: ["b"] })).toEqual([
    " --output: an output kubernetes is not supported yet; files=FOLDER and xds=HOST:PORT are",
    ' --advertise: "b" is no host:port or tri://host:port',
    expect.stringMatching(/^2 registries\[0\]\.url: unknown registry scheme "consul"; zookeeper:\/\//),
    "4 facades[0].tls: facades[0].tls is not supported yet; leave it out",
    "5 proxy.host: consumers cannot connect to 0.0.0.0; give the address to show them, and listen by proxy.bind",
    "5 proxy.dubbo[0]: proxy.dubbo[0] must be a port number from 0 to 65535",
    "5 proxy.http: proxy.http must be a map",
    "5 proxy.tri: proxy.tri must be a port number from 0 to 65535",
    "6 ruels: unknown key ruels; known here: registries, facades, proxy, mesh, ca, callers, rules, credentials, credentialReaders, metadata, protos, outputs, control, admin, naming, guard, data",
    '7 admin: "nowhere:" is no host:port to listen on, such as 127.0.0.1:15000',
  ]);
});

test("a port alone is no address for the admin API, and a number is no time", async () => {
  expect(await faults("", { admin: "15000" })).toEqual([
    ' --admin: "15000" is no host:port to listen on, such as 127.0.0.1:15000',
  ]);
  expect(await faults("admin: 15000\nguard: {hold: 5}\n")).toEqual([
    "1 admin: admin must be host:port, such as 127.0.0.1:15000",
    "2 guard.hold: guard.hold must be a time such as 30s or 5m",
  ]);
});

test.each([
  [
    "outputs of later versions",
    "outputs:\n- {kubernetes: {namespace: mesh}}\n- {mcp: x}\n- {xds: x, files: y}\n- {xds: 15011}\n",
    [
      "2 outputs[0].kubernetes: outputs[0].kubernetes is not supported yet; leave it out",
      "3 outputs[1].mcp: outputs[1].mcp is not supported yet; leave it out",
      "4 outputs[2]: is xds and files; give each an item of its own",
    ],
  ],
  [
    "a password in the file",
    "registries:\n- url: zookeeper://a\n  auth: {username: u, password: hunter2}\n",
    [
      "3 registries[0].auth.password: registries[0].auth.password may not stand in the file; use passwordFile or passwordEnv",
    ],
  ],
])("%s", async (_, text, expected) => {
  expect((await faults(text)).slice(0, expected.length)).toEqual(expected);
});

test("of a file that is no YAML nothing else is said", async () => {
  const found = await faults("registries: [\nadmin: }");
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((line) => /^\d+ : /.test(line))).toBe(true);
});

test("a file that cannot be read is told as such", () => {
  const missing = join(folder, "none.yaml");
  expect(resolveConfig({ config: missing }, {}).errors.map(({ message }) => message)).toEqual([
    `cannot read ${missing}: there is no such file`,
  ]);
  expect(resolveConfig({ config: folder }, {}).errors.map(({ message }) => message)).toEqual([
    `cannot read ${folder}: it is a folder`,
  ]);
});

test("names, guard, filters and the data folder come from the file; --data wins", async () => {
  const text = `
registries:
- url: zookeeper://10.0.0.1:2181
  services: {exclude: ["a.*"]}
  guard: {hold: 1m}
naming: higress
guard: {least: 2}
data: ./data
`;
  const { config } = await resolve(text, { data: "./other" });
  expect(config).toMatchObject({
    naming: "higress",
    data: "./other",
    registries: [
      { shaping: { services: { exclude: ["a.*"] }, guard: { settings: { leastLost: 2, holdMs: 60_000 } } } },
    ],
  });
  expect(await faults("naming: mine\nguard: {share: 7, hold: x}\n")).toEqual([
    '1 naming: "mine" is no naming style; there are trestle, dubbo2istio, slime, higress, nacos-istio',
    "2 guard.share: 7 is no share from 0 to 1",
    '2 guard.hold: "x" is no time such as 30s or 5m, of at most 7 days',
  ]);
});

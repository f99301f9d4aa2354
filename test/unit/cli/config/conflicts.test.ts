import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { findLoops } from "../../../../src/cli/config/conflicts.ts";
import { type RoleFlags, resolveConfig } from "../../../../src/cli/config/resolve.ts";

function faults(flags: RoleFlags): string[] {
  return resolveConfig(flags, {}).errors.map(({ path, message }) => `${path}: ${message}`);
}

test.each<[string, RoleFlags]>([
  ["all defaults", {}],
  ["one port on two addresses", { facade: ["zookeeper://10.0.0.1:2181", "zookeeper://10.0.0.2:2181"] }],
  ["port 0 more than once", { facade: ["zookeeper://127.0.0.1:0"], admin: "127.0.0.1:0" }],
  ["an output beside rules", { rules: ["./rules"], output: ["files=./rules-out"] }],
  ["another instance on the same ports", { advertise: ["10.0.0.2:20880", "10.0.0.2:20881"] }],
  ["another instance's Triple", { advertise: ["10.0.0.2:20880", "tri://10.0.0.2:20880", "tri://[::1]:50051"] }],
  ["no Triple", { triPort: ["none"] }],
  ["an admin address on Triple's default port", { admin: "127.0.0.1:50051" }],
  ["an IPv6 address", { proxyHost: "[::1]" }],
  [
    "a facade beside its registry",
    { registry: ["zookeeper://127.0.0.1:2182"], facade: ["zookeeper://127.0.0.1:2181"] },
  ],
  ["a facade on its registry's port", { registry: ["zookeeper://203.0.113.9"], facade: ["zookeeper://0.0.0.0:2181"] }],
])("%s can be meant", (_, flags) => {
  expect(faults(flags)).toEqual([]);
});

test.each<[string, RoleFlags, string]>([
  [
    "a proxy that nobody can connect to",
    { proxyHost: "0.0.0.0" },
    "--proxy-host: consumers cannot connect to 0.0.0.0; give the address to show them, and listen by proxy.bind",
  ],
  [
    "a port behind the proxy's address",
    { proxyHost: "10.0.0.1:20880" },
    '--proxy-host: "10.0.0.1:20880" is no address; give an IP address or a name, without a port',
  ],
  ["a port twice", { proxyPort: ["1", "1"] }, "--proxy-port: the Dubbo2 ports must differ"],
  ["a port that is none", { proxyPort: ["x"] }, "--proxy-port: a Dubbo2 port is a number from 1 to 65535"],
  ["port 0 for the proxy", { proxyPort: ["0"] }, "--proxy-port: a Dubbo2 port is a number from 1 to 65535"],
  ["no port", { proxyPort: [] }, "--proxy-port: at least one Dubbo2 port is needed; two, so that one can restart"],
  [
    "more workers than the limit",
    { proxyPort: Array.from({ length: 65 }, (_, i) => String(i + 1)) },
    "--proxy-port: 65 Dubbo2 ports are over the limit of 64",
  ],
  [
    "a Triple port that is none",
    { triPort: ["x"] },
    "--tri-port: a Triple port is a number from 1 to 65535; none switches Triple off",
  ],
  [
    "Triple ports that count up too far",
    { triPort: ["65535"] },
    "--tri-port: a Triple port is a number from 1 to 65535; none switches Triple off",
  ],
  ["an HTTP port that is none", { httpPort: "http" }, "--http-port: an HTTP port is a number from 1 to 65535"],
  [
    "an HTTP port that is another's",
    { httpPort: "20880" },
    "--http-port: the proxy's HTTP port and the proxy would both listen on 127.0.0.1:20880",
  ],
  ["a Triple port twice", { triPort: ["1", "1"] }, "--tri-port: the Triple ports must differ"],
  [
    "a Triple port too many",
    { triPort: ["1", "2", "3"] },
    "--tri-port: 3 Triple ports for 2 workers (one for each Dubbo2 port); give each its own, or one number to count up from",
  ],
  [
    "Triple on a Dubbo2 port",
    { triPort: ["20881"] },
    "--tri-port: the proxy's Triple and the proxy would both listen on 127.0.0.1:20881",
  ],
  [
    "admin and Triple on one port",
    { triPort: ["14999"] },
    "admin: the admin API and the proxy's Triple would both listen on 127.0.0.1:15000",
  ],
  ["an instance without a port", { advertise: ["b"] }, '--advertise: "b" is no host:port or tri://host:port'],
  [
    "an instance of another protocol",
    { advertise: ["rest://b:1"] },
    '--advertise: "rest://b:1" is no host:port or tri://host:port',
  ],
  [
    "its own Triple as another instance",
    { advertise: ["tri://127.0.0.1:50052"] },
    "--advertise: tri://127.0.0.1:50052 is this instance's own or given twice; name other instances' only",
  ],
  ["an instance of all addresses", { advertise: ["0.0.0.0:1"] }, "--advertise: consumers cannot connect to 0.0.0.0:1"],
  [
    "itself as another instance",
    { advertise: ["127.0.0.1:20881"] },
    "--advertise: 127.0.0.1:20881 is this instance's own or given twice; name other instances' only",
  ],
  [
    "admin and proxy on one port",
    { admin: "127.0.0.1:20880" },
    "--admin: the admin API and the proxy would both listen on 127.0.0.1:20880",
  ],
  [
    "admin on all addresses and a facade on one",
    { admin: "0.0.0.0:2181", facade: ["zookeeper://127.0.0.1:2181"] },
    "--admin: the admin API and a facade would both listen on 0.0.0.0:2181",
  ],
  [
    "two facades on one address",
    { facade: ["zookeeper://127.0.0.1:2181", "zookeeper://127.0.0.1:2181"] },
    "--facade: a facade and a facade would both listen on 127.0.0.1:2181",
  ],
  [
    "gRPC of a Nacos facade and the admin API",
    { registry: ["nacos://10.0.0.1"], facade: ["nacos://127.0.0.1:14000"], admin: "127.0.0.1:15000" },
    "--admin: the admin API and a facade's gRPC would both listen on 127.0.0.1:15000",
  ],
  [
    "a metadata centre twice",
    { metadata: ["nacos://a", "nacos://a"] },
    'metadata[1]: two metadata centres are named "nacos-a:8848"; give one another name',
  ],
  [
    "a registry twice",
    { registry: ["zookeeper://a", "zookeeper://a"] },
    'registries[1]: two registries are named "zookeeper-a:2181"; give one another name',
  ],
  ["an output twice", { output: ["files=./o", "files=o"] }, "--output: o is written twice"],
  [
    "an output that is read as rules",
    { rules: ["./r"], output: ["files=./r/out"] },
    "--output: ./r/out is written, and read as rules (./r); keep them apart",
  ],
])("%s is refused", (_, flags, fault) => {
  expect(faults(flags)).toEqual([fault]);
});

test.each<[string, string, string, string]>([
  ["the same address", "10.77.0.6:2181", "10.77.0.6:2181", "10.77.0.6:2181"],
  ["one of several hosts", "10.0.0.1:2181,10.77.0.6:2181", "10.77.0.6:2181", "10.77.0.6:2181"],
  ["the same name", "zk.example.org", "ZK.example.org.:2181", "zk.example.org:2181"],
  ["localhost by name and by address", "localhost:2181", "127.0.0.1:2181", "localhost:2181"],
  ["IPv6 in two forms", "[2001:db8:0::1]:2181", "[2001:db8::1]:2181", "[2001:db8:0::1]:2181"],
  ["all addresses, and one of this machine's", "127.0.0.1:2181", "0.0.0.0:2181", "127.0.0.1:2181"],
  ["all addresses of IPv6, and one of this machine's", "127.0.0.1:2181", "[::]:2181", "127.0.0.1:2181"],
  ["all addresses, and this machine's name", `${hostname()}:2181`, "0.0.0.0:2181", `${hostname()}:2181`],
])("a facade that its registry turns out to be is refused: %s", (_, registry, facade, named) => {
  const found = faults({ registry: [`zookeeper://${registry}`], facade: [`zookeeper://${facade}`] });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^--facade: the facade \S+:2181 would connect to itself/);
  expect(found[0]).toContain(` is at ${named};`);
});

test("a registry's name that stands for the facade's address is a loop too", () => {
  const config = resolveConfig({ registry: ["zookeeper://zk:2181"], facade: ["zookeeper://10.0.0.5:2181"] }, {}).config;
  expect(findLoops(config!)).toEqual([]);
  expect(findLoops(config!, (host) => (host === "zk" ? ["10.0.0.5"] : [])).map(({ facade }) => facade)).toEqual([0]);
});

describe("proxies in front of providers", () => {
  const at = (listen: string, to = "10.0.0.2:20880") => ({ listen, to });
  const rows: [string, object, RoleFlags, string[]][] = [
    ["on Triple's default port", { inbound: [at("127.0.0.1:50051")] }, {}, []],
    ["on the proxy's port elsewhere", { inbound: [at("127.0.0.2:20880")] }, {}, []],
    ["of a provider on the proxy's port", { bind: "0.0.0.0", inbound: [at("127.0.0.1:20890")] }, {}, []],
    [
      "on a Triple port that is given",
      { tri: 50_051, inbound: [at("127.0.0.1:50052")] },
      {},
      ["proxy.inbound[0].listen: proxy.inbound[0] and the proxy's Triple would both listen on 127.0.0.1:50052"],
    ],
    [
      "on a Dubbo2 port",
      { inbound: [at("127.0.0.1:20890"), at("127.0.0.1:20881")] },
      {},
      ["proxy.inbound[1].listen: proxy.inbound[1] and the proxy would both listen on 127.0.0.1:20881"],
    ],
    [
      "on a Dubbo2 port of all addresses",
      { bind: "0.0.0.0", inbound: [at("10.0.0.5:20880")] },
      {},
      ["proxy.inbound[0].listen: proxy.inbound[0] and the proxy would both listen on 10.0.0.5:20880"],
    ],
    [
      "on the HTTP port",
      { httpPort: 8080, inbound: [at("127.0.0.1:8080")] },
      {},
      ["proxy.inbound[0].listen: proxy.inbound[0] and the proxy's HTTP port would both listen on 127.0.0.1:8080"],
    ],
    [
      "on a facade's address",
      { inbound: [at("127.0.0.1:2181")] },
      { facade: ["zookeeper://127.0.0.1:2181"] },
      ["proxy.inbound[0].listen: proxy.inbound[0] and a facade would both listen on 127.0.0.1:2181"],
    ],
    [
      "on the admin API's",
      { inbound: [at("127.0.0.1:15000")] },
      {},
      ["admin: the admin API and proxy.inbound[0] would both listen on 127.0.0.1:15000"],
    ],
    [
      "on one address twice",
      { inbound: [at("127.0.0.1:20890"), at("127.0.0.1:20890")] },
      {},
      ["proxy.inbound[1].listen: proxy.inbound[1] and proxy.inbound[0] would both listen on 127.0.0.1:20890"],
    ],
    [
      "of themselves",
      { inbound: [at("127.0.0.1:20890", "127.0.0.1:20890")] },
      {},
      ["proxy.inbound[0].to: 127.0.0.1:20890 is where proxy.inbound[0] itself is to listen"],
    ],
    [
      "of the proxy",
      { inbound: [at("127.0.0.1:20890", "127.0.0.1:20880")] },
      {},
      ["proxy.inbound[0].to: 127.0.0.1:20880 is where the proxy itself is to listen"],
    ],
  ];

  test.each(rows)("%s", async (_, proxy, flags, wanted) => {
    const folder = await mkdtemp(join(tmpdir(), "trestle-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const config = join(folder, "trestle.json");
    await writeFile(config, JSON.stringify({ proxy }));
    expect(faults({ ...flags, config })).toEqual(wanted);
  });
});

test("Triple's default ports are those that nothing else listens on", () => {
  const triOf = (flags: RoleFlags) => resolveConfig(flags, {}).config?.proxy.tri;
  expect(triOf({})).toEqual([50_051, 50_052]);
  expect(triOf({ admin: "127.0.0.1:50051" })).toEqual([50_052, 50_053]);
  expect(triOf({ admin: "0.0.0.0:50052" })).toEqual([50_051, 50_053]);
  expect(triOf({ admin: "10.0.0.9:50051" })).toEqual([50_051, 50_052]);
});

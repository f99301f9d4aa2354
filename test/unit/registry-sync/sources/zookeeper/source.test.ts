import { expect, test } from "vitest";
import type { Finding, World } from "../../../../../src/model/entry.ts";
import { ZooKeeperSession } from "../../../../../src/registry-sync/sources/zookeeper/session.ts";
import { createZookeeperSource } from "../../../../../src/registry-sync/sources/zookeeper/source.ts";
import { SimulatedRegistry } from "../../../../support/simulated-registry.ts";

const OPEN = [{ perms: 31, scheme: "world", id: "anyone" }];
const url = "dubbo://10.0.0.1:20880/com.acme.Order?application=p&interface=com.acme.Order&methods=a&side=provider";

test("a registry's world comes when it was read, again when it changes, and not while it is away", async () => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  const writer = new ZooKeeperSession({ servers: [{ host: "h", port: 1 }], clock, openLink });
  await home.advance(50);
  const make = async (path: string) => {
    writer.submit({ op: "create", path, data: null, acl: OPEN, flags: 0 }, () => {});
    await home.advance(50);
  };
  for (const path of ["/dubbo", "/dubbo/com.acme.Order", "/dubbo/com.acme.Order/providers"]) await make(path);
  const source = createZookeeperSource({ name: "zk", hosts: ["h:1"], clock, openLink });
  expect([source.connected(), source.status?.()]).toEqual([false, { state: "connecting", errors: 0 }]);
  const worlds: World[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    for await (const world of source.watch(ending.signal)) worlds.push(world);
  })();
  await home.advance(200);
  expect([source.connected(), source.status?.()]).toEqual([true, { state: "connected", errors: 0 }]);
  expect(worlds.map(({ name, entries }) => [name, entries.length])).toEqual([["zk", 0]]);
  await make(`/dubbo/com.acme.Order/providers/${encodeURIComponent(url)}`);
  await home.advance(200);
  expect(worlds.at(-1)?.entries.map(({ endpoints }) => endpoints.length)).toEqual([1]);
  const count = worlds.length;
  home.isUp = false;
  await home.advance(2000);
  expect([worlds.length, source.connected()]).toEqual([count, false]);
  const { state, errors = 0, lastError } = source.status?.() ?? {};
  expect([state, errors > 1, lastError]).toEqual(["lost", true, expect.stringMatching(/^h:1: ./)]);
  ending.abort();
  await home.advance(2000);
  await watching;
});

test("a registry that was never reached counts each server that was tried, and says why", async () => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  home.isUp = false;
  const source = createZookeeperSource({ name: "zk", hosts: ["h:1"], clock, openLink });
  const ending = new AbortController();
  const watching = (async () => {
    for await (const _ of source.watch(ending.signal));
  })();
  await home.advance(2000);
  const { state, errors = 0, lastError } = source.status?.() ?? {};
  expect([state, errors > 1, lastError]).toEqual(["connecting", true, expect.stringMatching(/^h:1: ./)]);
  ending.abort();
  await home.advance(2000);
  await watching;
});

test("instances of Spring Cloud below each root of services are HTTP services, and follow what their nodes say", async () => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  const writer = new ZooKeeperSession({ servers: [{ host: "h", port: 1 }], clock, openLink });
  await home.advance(50);
  const make = async (path: string, text = "") => {
    writer.submit({ op: "create", path, data: Buffer.from(text), acl: OPEN, flags: 0 }, () => {});
    await home.advance(30);
  };
  const instance = (port: number, status: string) => {
    const metadata = { instance_status: status };
    const payload = { "@class": "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance", metadata };
    return JSON.stringify({ name: "shop", id: "i", address: "10.0.0.1", port, sslPort: null, payload });
  };
  for (const path of ["/dubbo", "/services", "/services/shop", "/apps", "/apps/shop"]) await make(path);
  await make("/services/shop/i", instance(80, "UP"));
  const source = createZookeeperSource({ name: "zk", hosts: ["h:1"], springRoots: ["/apps"], clock, openLink });
  const worlds: World[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    for await (const world of source.watch(ending.signal)) worlds.push(world);
  })();
  await home.advance(300);
  const shown = () => worlds.at(-1)?.entries.map(({ endpoints }) => endpoints.map((one) => [one.port, one.disabled]));
  expect(shown()).toEqual([[[80, false]]]);
  await make("/apps/shop/j", instance(81, "UP"));
  await home.advance(600);
  expect(shown()).toEqual([[[81, false]], [[80, false]]]);
  const data = Buffer.from(instance(80, "OUT_OF_SERVICE"));
  writer.submit({ op: "setData", path: "/services/shop/i", data, version: -1 }, () => {});
  writer.submit({ op: "delete", path: "/apps/shop/j", version: -1 }, () => {});
  await home.advance(600);
  expect(shown()).toEqual([[[80, true]]]);
  ending.abort();
  await home.advance(2000);
  await watching;
});

test("a provider's report of its types comes with the world, is followed, and one that makes no sense is a finding", async () => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  const writer = new ZooKeeperSession({ servers: [{ host: "h", port: 1 }], clock, openLink });
  await home.advance(50);
  const make = async (path: string, text = "") => {
    writer.submit({ op: "create", path, data: Buffer.from(text), acl: OPEN, flags: 0 }, () => {});
    await home.advance(30);
  };
  const providers = "/dubbo/com.acme.Order/providers";
  for (const path of ["/dubbo", "/dubbo/com.acme.Order", providers]) await make(path);
  await make(`${providers}/${encodeURIComponent(url)}`);
  const source = createZookeeperSource({ name: "zk", hosts: ["h:1"], clock, openLink });
  const worlds: World[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    for await (const world of source.watch(ending.signal)) worlds.push(world);
  })();
  await home.advance(300);
  expect(worlds.at(-1)?.schemas).toBeUndefined();
  const report = "/dubbo/metadata/com.acme.Order/provider/p";
  const folders = report.split("/").slice(1);
  for (let depth = 2; depth < folders.length; depth++) await make(`/${folders.slice(0, depth).join("/")}`);
  await make(report, '{"methods":[{"name":"a","parameterTypes":["int"],"returnType":"void"}],"types":[]}');
  await home.advance(600);
  const java = { methods: [{ name: "a", parameterTypes: ["int"], returnType: "void" }], types: {} };
  expect(worlds.at(-1)?.schemas).toEqual([{ name: "com.acme.Order", java }]);
  writer.submit({ op: "setData", path: report, data: Buffer.from("no"), version: -1 }, () => {});
  await home.advance(600);
  expect(worlds.at(-1)?.findings.map(({ code, at }) => [code, at])).toEqual([["TR0160", report]]);
  expect(worlds.at(-1)?.entries).toHaveLength(1);
  ending.abort();
  await home.advance(2000);
  await watching;
});

test.each([
  ["comes with the types that providers reported before", 1, 1],
  ["waits two seconds for reports, and no longer", 3, 0],
])("the first world %s", async (_, readMs, schemas) => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  const writer = new ZooKeeperSession({ servers: [{ host: "h", port: 1 }], clock, openLink });
  await home.advance(50);
  const report = "/dubbo/metadata/com.acme.Order/provider/p";
  const text = '{"methods":[{"name":"a","parameterTypes":["int"],"returnType":"void"}],"types":[]}';
  const node = `/dubbo/com.acme.Order/providers/${encodeURIComponent(url)}`;
  for (const path of [report, node].flatMap((one) => pathsDownTo(one))) {
    const data = path === report ? Buffer.from(text) : null;
    writer.submit({ op: "create", path, data, acl: OPEN, flags: 0 }, () => {});
  }
  await home.advance(50);
  const handle = home.registry.handle.bind(home.registry);
  home.registry.handle = (peer, event, nowMs) => {
    const isRead = event.type === "request" && event.request.op === "getData" && event.request.path === report;
    if (isRead) clock.after(readMs * 1000, () => handle(peer, event, clock.now()));
    else handle(peer, event, nowMs);
  };
  const source = createZookeeperSource({ name: "zk", hosts: ["h:1"], clock, openLink });
  const worlds: World[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    for await (const world of source.watch(ending.signal)) worlds.push(world);
  })();
  await home.advance(900);
  expect(worlds).toEqual([]);
  await home.advance(1_500);
  expect(worlds.map((world) => [world.entries.length, world.schemas?.length ?? 0])).toEqual([[1, schemas]]);
  await home.advance(2_000);
  expect(worlds.at(-1)?.schemas).toHaveLength(1);
  ending.abort();
  await home.advance(2000);
  await watching;
});

/** The nodes that have to be made for a path, from the top down. */
function pathsDownTo(path: string): string[] {
  const parts = path.split("/").slice(1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

test.each([
  [{ hosts: ["h:0"] }, "is not host:port"],
  [{ hosts: ["h"], chroot: "/a//b" }, "ZooKeeper chroot /a//b"],
  [{ hosts: ["h"], root: "/" }, "root must not be /"],
])("%j is refused: %s", (options, text) => {
  expect(() => createZookeeperSource({ name: "zk", ...options })).toThrow(text);
});

test("a registry whose root may not be read yields nothing, and says so by a finding that goes when it may", async () => {
  const home = new SimulatedRegistry();
  const { clock, openLink } = home;
  const writer = new ZooKeeperSession({ servers: [{ host: "h", port: 1 }], clock, openLink });
  await home.advance(50);
  const acl = [{ perms: 4, scheme: "world", id: "anyone" }];
  for (const path of ["/a", "/a/sec"]) writer.submit({ op: "create", path, data: null, acl: OPEN, flags: 0 }, () => {});
  writer.submit({ op: "setACL", path: "/a/sec", acl, version: -1 }, () => {});
  await home.advance(50);
  const told: (readonly Finding[])[] = [];
  const source = createZookeeperSource({
    name: "zk",
    hosts: ["h:1"],
    chroot: "/a",
    root: "/sec",
    clock,
    openLink,
    onFindings: (findings) => told.push(findings),
  });
  const worlds: World[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    for await (const world of source.watch(ending.signal)) worlds.push(world);
  })();
  await home.advance(25_000);
  expect(worlds).toEqual([]);
  expect(told.map((list) => list.map(({ code, severity, at }) => [code, severity, at]))).toEqual([
    [["TR0105", "error", "/a/sec"]],
  ]);
  home.registry.tree.setAcl("/a/sec", OPEN, -1, () => {});
  await home.advance(11_000);
  expect(worlds).toHaveLength(1);
  expect(told.at(-1)).toEqual([]);
  ending.abort();
  await home.advance(2000);
  await watching;
});

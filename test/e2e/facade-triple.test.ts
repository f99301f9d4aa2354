import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type ConsumerOptions, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { openZnodes } from "../support/znodes.ts";

// What registries' clients are shown of Triple providers, and whom they call then: joined by the facade's address alone.
const run = promisify(execFile);
let mesh: Mesh;
const service = { group: "g", version: "1.0.0" };
const providersPath = "/dubbo/com.acme.OrderService/providers";
const dubbo = [`dubbo://${hosts.trestle}:20880`, `dubbo://${hosts.trestle}:20881`];
const tri = [`tri://${hosts.trestle}:50051`, `tri://${hosts.trestle}:50052`];

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
});

afterAll(async () => {
  await stopAll();
});

/** The list that a client without consumers is shown, as `protocol://host:port`, sorted. */
async function shown(path = providersPath): Promise<string[]> {
  const znodes = await openZnodes(mesh.inside);
  try {
    const names = await znodes.children(path);
    return names.map((name) => decodeURIComponent(name).split("/").slice(0, 3).join("/")).sort();
  } finally {
    znodes.close();
  }
}

/** That the provider of this label is called, all of it through the proxy, by a consumer that finds nothing wrong with what it is shown. */
async function callsThrough(line: DubboLine, options: ConsumerOptions, label: string): Promise<void> {
  const before = await mesh.carried();
  const consumer = await startConsumer(line, { ...service, registry: mesh.inside, ...options });
  onTestFinished(() => consumer.stop());
  for (let i = 0; i < 10; i++) expect(await consumer.call("whoAmI")).toMatchObject({ label });
  expect(await consumer.call("sayHi", "x")).toContain("x");
  await eventually("all calls were carried", async () => (await mesh.carried()) - before === 11, 5_000);
  // What 2.x says, as an error, of each tri:// URL that it is shown.
  expect(consumer.peer.log(1_000)).not.toContain("Unsupported protocol");
}

describe("a 3.3 provider of Triple alone, at both levels", () => {
  let provider: Peer;

  beforeAll(async () => {
    const place = { registry: mesh.inside, host: hosts.provider1, port: 50051 };
    const options = { ...service, ...place, protocol: "tri", mode: "all", streams: true, label: "tri-3.3" } as const;
    provider = await startProvider("3.3", options);
  });

  afterAll(async () => {
    await provider.stop();
  });

  test("is shown with the proxies' addresses, in both protocols", async () => {
    await eventually("the proxies are shown", async () => (await shown()).join() === [...dubbo, ...tri].join());
  });

  test.each<[string, DubboLine, ConsumerOptions]>([
    ["3.3", "3.3", {}],
    ["3.2 that asks for Triple", "3.2", { protocol: "tri" }],
    ["3.3 that asks for Dubbo2", "3.3", { protocol: "dubbo" }],
    ["2.7", "2.7", {}],
    ["2.6", "2.6", {}],
  ])("is called through the proxy by a consumer of %s", async (_, line, options) => {
    await callsThrough(line, options, "tri-3.3");
  });

  test("serves streams and protobuf through the proxy, and is shown in both protocols once its messages are known by reflection", async () => {
    await eventually(
      "Relay is shown",
      async () => (await shown("/dubbo/com.acme.Relay/providers")).join() === [...dubbo, ...tri].join(),
    );
    const consumer = await startConsumer("3.3", { ...service, registry: mesh.inside });
    onTestFinished(() => consumer.stop());
    const before = await mesh.carried();
    expect(await consumer.stream({ kind: "say", text: "hi" })).toMatchObject({ values: ["tri-3.3: hi"] });
    expect(await consumer.stream({ kind: "sum", count: 5 })).toMatchObject({ values: ["tri-3.3: 10"] });
    const orders = ["0@tri-3.3", "1@tri-3.3", "2@tri-3.3"];
    expect(await consumer.stream({ kind: "orders", count: 3 })).toEqual({ values: orders, ended: "completed" });
    await eventually("all three were carried", async () => (await mesh.carried()) - before === 3, 5_000);
  });

  test("loses no call of a Triple consumer and of a bridged one while the workers are replaced", async () => {
    const [newer, older] = await Promise.all([
      startConsumer("3.3", { ...service, registry: mesh.inside, retries: 0 }),
      startConsumer("2.7", { ...service, registry: mesh.inside, retries: 0 }),
    ]);
    onTestFinished(() => newer.stop());
    onTestFinished(() => older.stop());
    for (const consumer of [newer, older]) await consumer.call("whoAmI");
    const loops = await Promise.all([newer, older].map((consumer) => consumer.loop({ methods: "whoAmI", delay: 20 })));
    const { code, stderr } = await mesh.trestle.command("restart");
    expect([code, stderr]).toEqual([0, ""]);
    for (const loop of loops) {
      const { calls, failed, errors } = await loop.stop();
      expect(errors).toEqual([]);
      expect(failed).toBe(0);
      expect(calls).toBeGreaterThan(200);
    }
  });
});

describe("a 2.6 provider", () => {
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider("2.6", { ...service, registry: mesh.inside, host: hosts.provider2, label: "old" });
    await eventually("the proxies are shown", async () => (await shown()).join() === dubbo.join());
  });

  afterAll(async () => {
    await provider.stop();
  });

  test("is called through the proxy by a 3.3 consumer that asks for Triple", async () => {
    await callsThrough("3.3", { protocol: "tri" }, "old");
  });

  test("is called through the proxy by a 2.7 consumer", async () => {
    await callsThrough("2.7", {}, "old");
  });

  test.each(["--http1.1", "--http2-prior-knowledge"])(
    "is called through the proxies by curl with JSON, %s",
    async (flag) => {
      const before = await mesh.carried();
      const group = ["-H", "tri-service-group: g", "-H", "tri-service-version: 1.0.0"];
      const lines = [flag, "-H", "content-type: application/json", ...group, "-w", " %{http_code}"];
      const curl = async (port: number, method: string, body: string) => {
        const url = `http://${hosts.trestle}:${port}/com.acme.OrderService/${method}`;
        const { stdout } = await run("curl", ["-sS", "-m", "10", ...lines, "-d", body, url]);
        const end = stdout.lastIndexOf(" ");
        return { status: Number(stdout.slice(end)), json: JSON.parse(stdout.slice(0, end)) as unknown };
      };
      for (const port of [50051, 50052]) {
        const order = { id: "9007199254740993", servedBy: "old" };
        expect(await curl(port, "getOrder", "[9007199254740993]")).toMatchObject({ status: 200, json: order });
        expect(await curl(port, "sayHi", '["h\u00e9"]')).toEqual({ status: 200, json: "hi h\u00e9" });
        const thrown = { status: "500", message: "no such order", exception: "com.acme.OrderException" };
        expect(await curl(port, "fail", '["checked"]')).toEqual({ status: 500, json: thrown });
      }
      await eventually("all calls were carried", async () => (await mesh.carried()) - before === 6, 5_000);
    },
  );
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// A dynamic tag rule of Dubbo's config centre: consumers that go straight say what is chosen, those through Trestle must be sent to the same.
const service = { group: "g", version: "1.0.0" };
const path = "/dubbo/config/dubbo/shop.tag-router";
const rule = `scope: application
force: false
runtime: true
enabled: true
key: shop
tags:
- name: gray
  addresses: ["${hosts.provider2}:20880"]
- name: empty
  addresses: ["${hosts.provider2}:1"]
`;
let mesh: Mesh;
let real: Znodes;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const provider = (label: string, host: string, lane: string) =>
    startProvider("2.7", {
      ...service,
      registry: mesh.inside,
      application: "shop",
      host,
      label,
      warmup: 1,
      params: { lane },
    });
  await Promise.all([provider("plain", hosts.provider1, "v1"), provider("gray", hosts.provider2, "v2")]);
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

type Attach = Readonly<Record<string, string>>;
const forced = { "dubbo.force.tag": "true" };
const rows: readonly (readonly [name: string, attach: Attach, chosen: string])[] = [
  ["without a tag", {}, "plain"],
  ["with the rule's tag", { "dubbo.tag": "gray" }, "gray"],
  ["with the rule's tag, forced", { "dubbo.tag": "gray", ...forced }, "gray"],
  ["with a tag that nobody has", { "dubbo.tag": "blue" }, "plain"],
  ["with a tag that nobody has, forced", { "dubbo.tag": "blue", ...forced }, "none"],
  ["with a tag whose addresses are nobody's", { "dubbo.tag": "empty" }, "plain"],
];

/** Rules with what the first one has not: force, patterns and, for 3.3, a match of parameters. */
const others: readonly {
  readonly name: string;
  readonly text: string;
  readonly chosen: readonly string[];
  readonly line?: "3.3";
}[] = [
  {
    name: "forced",
    text: rule.replace("force: false", "force: true"),
    chosen: ["plain", "gray", "gray", "plain", "none", "none"],
  },
  {
    name: "with a pattern",
    text: rule.replace(`${hosts.provider2}:20880`, "10.77.0.3-9"),
    chosen: ["plain", "gray", "gray", "plain", "none", "plain"],
  },
  {
    name: "with a match",
    text: `configVersion: v3.0\n${rule.replace(`addresses: ["${hosts.provider2}:20880"]`, "match: [{key: lane, value: {exact: v2}}]")}`,
    chosen: ["plain", "gray", "gray", "plain", "none", "plain"],
    line: "3.3",
  },
];

async function chosenBy(consumer: Consumer, attach: Attach): Promise<string> {
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const answer = await consumer.ask({ op: "call", method: "whoAmI", attach });
    seen.add((answer["value"] as { label: string } | undefined)?.label ?? "none");
  }
  return [...seen].sort().join(" ");
}

describe.each(["2.7", "3.3"] as const)("a %s consumer is sent to whom it would choose by itself", (line) => {
  let straight: Consumer;
  let through: Consumer;

  beforeAll(async () => {
    const start = (registry: string) => startConsumer(line, { ...service, registry, retries: 0 });
    [straight, through] = await Promise.all([start(mesh.outside), start(mesh.inside)]);
  });

  afterAll(async () => {
    await Promise.all([straight?.stop(), through?.stop()]);
    if ((await real.text(path)) !== undefined) await real.remove(path);
  });

  test("by a tag rule, while the service is led through the proxy", async () => {
    await real.make(path);
    await real.write(path, rule);
    for (const one of [straight, through]) {
      await eventually("the rule acts", async () => (await chosenBy(one, { "dubbo.tag": "gray" })) === "gray", 30_000);
      await eventually("it acts without a tag", async () => (await chosenBy(one, {})) === "plain", 30_000);
    }
    for (const [name, attach, chosen] of rows) {
      expect([name, await chosenBy(straight, attach)]).toEqual([name, chosen]);
      expect([name, await chosenBy(through, attach)]).toEqual([name, chosen]);
    }
    const before = await mesh.carried();
    await chosenBy(through, {});
    expect(await mesh.carried()).toBe(before + 12);
    expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0131");
    await real.remove(path);
    for (const one of [straight, through]) {
      await eventually("it acts no more", async () => (await chosenBy(one, {})) === "gray plain", 30_000);
    }
  });

  test.each(others.filter((one) => one.line === undefined || one.line === line))("by a tag rule $name", async (one) => {
    await real.make(path);
    try {
      await real.write(path, one.text);
      for (const consumer of [straight, through]) {
        let seen: string[] = [];
        const look = async () => {
          seen = [];
          for (const [, attach] of rows) seen.push(await chosenBy(consumer, attach));
          return seen.join() === one.chosen.join();
        };
        const who = consumer === straight ? "straight" : "through";
        await eventually(who, look, 15_000).catch(() => expect([who, ...seen]).toEqual([who, ...one.chosen]));
      }
    } finally {
      await real.remove(path);
    }
  });
});

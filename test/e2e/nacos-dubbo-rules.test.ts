import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  all,
  type ConditionRow,
  chosenBy,
  conditionProviders,
  conditionRows,
  conditionText,
  expectChosen,
  ruleKeys,
} from "../support/condition-rows.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { expectTagged, type TagWorld, taggedBy, tagRows } from "../support/tag-rows.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// The condition and tag rules of dubbo-condition-rules and dubbo-tag-rules, from a real Nacos: consumers that go straight say what is
// chosen, those through Trestle must be sent to the same. 2.7 reads them by HTTP, 3.3 by gRPC.
const service = { group: "g", version: "1.0.0" };
const inside = `nacos://${hosts.trestle}:18848`;
let nacos: Nacos;
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  trestle = await startTrestle({ registry: nacos.address, facade: inside });
  await Promise.all(
    conditionProviders.map((one) =>
      startProvider("2.7", {
        ...{ ...service, registry: inside, application: "shop", warmup: 1 },
        ...one,
        params: { ...one.params, ...(one.label === "b" && { lane: "v2" }) },
      }),
    ),
  );
}, 200_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
  await nacos?.stop();
});

async function carried(): Promise<number> {
  const { body } = await trestle.get("/metrics");
  const lines = body.split("\n").filter((one) => one.startsWith("istio_requests_total{") && one.includes("whoAmI"));
  return lines.reduce((sum, one) => sum + Number(one.split(" ").at(-1)), 0);
}

const fromProxy = [`-DDUBBO_IP_TO_REGISTRY=${hosts.trestle}`];
const world: TagWorld = { host: hosts.provider2, gray: "b", plain: "a c" };

async function withRule(dataId: string, text: string, check: () => Promise<unknown>): Promise<void> {
  await nacos.publish(dataId, "dubbo", text);
  try {
    await check();
  } finally {
    await nacos.ask("DELETE", `/v1/cs/configs?${new URLSearchParams({ dataId, group: "dubbo" })}`);
  }
}

describe.each(["2.7", "3.3"] as const)("a %s consumer is sent to whom it would choose by itself", (line) => {
  let consumers: Record<"straight" | "through", Consumer>;

  beforeAll(async () => {
    const params = { site: "east", zone: "sh" };
    const start = (registry: string) =>
      startConsumer(line, { ...service, registry, application: "web", retries: 0, params }, fromProxy);
    // A client by HTTP asks for what it came to listen to when its question before is answered: after 30 s unless told.
    const often = line === "2.7" ? "?configLongPollTimeout=10000" : "";
    const [straight, through] = await Promise.all([start(nacos.address + often), start(inside + often)]);
    consumers = { straight, through };
    for (const one of [straight, through])
      await eventually("all are called", async () => (await chosenBy(one, "whoAmI", {})) === all, 30_000);
  }, 100_000);

  afterAll(async () => {
    await Promise.all(Object.values(consumers).map((one) => one.stop()));
  });

  // In Nacos nobody knows who calls: rules of applications that only do that are not read.
  const rows = conditionRows[line].filter(({ isLegacy, node }) => isLegacy !== true && node !== "consumer");
  test.each<ConditionRow>(rows)("$name", async (row) => {
    await withRule(ruleKeys[row.node ?? "service"], conditionText(row), () => expectChosen(consumers, row));
  });

  const tags = tagRows(world.host).filter((one) => one.line === undefined || one.line === line);
  test.each(tags)("by a tag rule $name", async (row) => {
    await withRule("shop.tag-router", row.text, () => expectTagged(consumers, row, world));
  });

  test("by itself, under a rule that the proxy does not apply", async () => {
    const rule = tagRows(world.host)[0]!;
    const text = rule.text.replace('20880"]', '20880", "orders.example:1"]');
    const { through } = consumers;
    const isPassed = async () => {
      const before = await carried();
      const chosen = [await taggedBy(through, {}), await taggedBy(through, { "dubbo.tag": "gray" })];
      return (await carried()) === before && chosen.join() === "a c,b";
    };
    await withRule("shop.tag-router", text, () => eventually("its own choice", isPassed, 40_000));
    await eventually(
      "the proxy again",
      async () => {
        const before = await carried();
        return (await taggedBy(through, { "dubbo.tag": "gray" })) === all && (await carried()) === before + 12;
      },
      40_000,
    );
  }, 90_000);

  test("by none when they are gone, and by the proxy", async () => {
    for (const one of Object.values(consumers))
      await eventually("it acts no more", async () => (await taggedBy(one, {})) === all, 30_000);
    const before = await carried();
    await taggedBy(consumers.through, {});
    expect(await carried()).toBe(before + 12);
    const { body } = await trestle.get("/api/v1/findings");
    expect(body).not.toContain("TR0131");
  });
});

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  all,
  type Callers,
  chosenBy,
  conditionProviders,
  conditionRows,
  conditionText,
  expectChosen,
  ofLines,
  ruleKeys,
} from "../support/condition-rows.ts";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { startNacosClient } from "../support/nacos-client.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
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
  const config = join(mkdtempSync(join(tmpdir(), "trestle-pass-")), "trestle.yaml");
  writeFileSync(config, `facades: [{url: "${inside}", pass: {clients: [web-ops]}}]\n`);
  trestle = await startTrestle({ registry: nacos.address, facade: "", extra: ["--config", config] });
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

const triedLines = ["2.7", "3.3"] as const;
let consumers: Callers;

/** Waits until each of these is sent to all of the providers, whatever it asks for. */
async function expectAll(ms: number): Promise<void> {
  const isSent = ([name, one]: readonly [string, Consumer]) =>
    eventually(`${name} calls all`, async () => (await chosenBy(one, "whoAmI", {})) === all, ms);
  await Promise.all(Object.entries(consumers).map(isSent));
}

describe("consumers of 2.7 and 3.3 are sent to whom they would choose by themselves", () => {
  beforeAll(async () => {
    const params = { site: "east", zone: "sh" };
    const start = async (line: DubboLine, way: string, address: string) => {
      // A client by HTTP asks for what it came to listen to when its question before is answered: after 30 s unless told.
      const registry = address + (line === "2.7" ? "?configLongPollTimeout=10000" : "");
      const like = { ...service, registry, application: "web", retries: 0, params };
      return [`${line} ${way}`, await startConsumer(line, like, fromProxy)] as const;
    };
    const starting = triedLines.flatMap((line) => [
      start(line, "straight", nacos.address),
      start(line, "through", inside),
    ]);
    consumers = Object.fromEntries(await Promise.all(starting));
    await expectAll(30_000);
  }, 100_000);

  // In Nacos nobody knows who calls: rules of applications that only do that are not read.
  const rows = conditionRows(triedLines, ({ isLegacy, node }) => isLegacy !== true && node !== "consumer");
  test.each(rows)("$name", async (row) => {
    const text = conditionText(row);
    await withRule(ruleKeys[row.node ?? "service"], text, () => expectChosen(ofLines(consumers, row.lines), row));
  });

  test.each(tagRows(world.host))("by a tag rule $name", async (row) => {
    const asked = row.line === undefined ? consumers : ofLines(consumers, [row.line]);
    await withRule("shop.tag-router", row.text, () => expectTagged(asked, row, world));
  });

  test("by themselves, under a rule that the proxy does not apply", async () => {
    const rule = tagRows(world.host)[0]!;
    const text = rule.text.replace('20880"]', '20880", "orders.example:1"]');
    const through = triedLines.map((line) => consumers[`${line} through`]!);
    const isPassed = async () => {
      const before = await carried();
      for (const one of through) {
        const chosen = [await taggedBy(one, {}), await taggedBy(one, { "dubbo.tag": "gray" })];
        if (chosen.join() !== "a c,b") return false;
      }
      return (await carried()) === before;
    };
    await withRule("shop.tag-router", text, () => eventually("their own choice", isPassed, 40_000));
    await eventually(
      "the proxy again",
      async () => {
        const before = await carried();
        for (const one of through) if ((await taggedBy(one, { "dubbo.tag": "gray" })) !== all) return false;
        return (await carried()) === before + 12 * through.length;
      },
      40_000,
    );
  }, 90_000);

  test("by none when they are gone, and by the proxy", async () => {
    await expectAll(30_000);
    // The workers' counts come in a moment after the calls.
    await sleep(500);
    const before = await carried();
    for (const line of triedLines) await taggedBy(consumers[`${line} through`]!, {});
    await expect.poll(carried, { timeout: 5_000 }).toBe(before + 12 * triedLines.length);
    const { body } = await trestle.get("/api/v1/findings");
    expect(body).not.toContain("TR0131");
  });
});

// The lines say their application by a header of each request, and when they connect.
test("a client that passes by its application's name finds the rules, another one does not", async () => {
  const rule = tagRows(world.host)[0]!.text;
  const starting = (["1.4", "2.4"] as const).flatMap((line) =>
    ["web-ops", "web"].map((application) => startNacosClient(line, inside, {}, application)),
  );
  const clients = await Promise.all(starting);
  const found = () => Promise.all(clients.map((one) => one.config("shop.tag-router", "dubbo")));
  await withRule("shop.tag-router", rule, async () => {
    await expect.poll(found, { timeout: 20_000 }).toEqual([rule, null, rule, null]);
  });
  await Promise.all(clients.map(({ peer }) => peer.kill()));
}, 60_000);

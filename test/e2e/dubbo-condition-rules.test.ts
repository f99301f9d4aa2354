import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  all,
  type Callers,
  type ConditionRow,
  chosenBy,
  conditionProviders,
  conditionRows,
  conditionText,
  expectChosen,
  ofLines,
  ruleKeys,
} from "../support/condition-rows.ts";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// Condition rules of Dubbo's config centre: consumers that go straight say what is chosen, those through Trestle must be sent to the same.
const service = { group: "g", version: "1.0.0" };
const face = "com.acme.OrderService";
let mesh: Mesh;
let real: Znodes;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  await Promise.all(
    conditionProviders.map((one) =>
      startProvider("2.7", { ...service, registry: mesh.inside, application: "shop", warmup: 1, ...one }),
    ),
  );
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

// Calls from inside the namespace reach the proxy from the proxy's own address: consumers register that one.
const fromProxy = [`-DDUBBO_IP_TO_REGISTRY=${hosts.trestle}`];

function placeOf(row: ConditionRow): { path: string; text: string } {
  const { node = "service", isLegacy, force = false, conditions = [] } = row;
  if (isLegacy === true) {
    const rule = encodeURIComponent(conditions[0]!);
    const url = `condition://0.0.0.0/${face}?category=routers&dynamic=false&enabled=true&force=${force}&group=g&version=1.0.0&name=r&priority=1&runtime=true&rule=${rule}`;
    return { path: `/dubbo/${face}/routers/${encodeURIComponent(url)}`, text: "" };
  }
  return { path: `/dubbo/config/dubbo/${ruleKeys[node]}`, text: conditionText(row) };
}

/** Waits until every consumer calls all providers. */
async function expectAll(consumers: Callers): Promise<void> {
  const callsAll = (one: Consumer) => async () => (await chosenBy(one, "whoAmI", {})) === all;
  await Promise.all(
    Object.entries(consumers).map(([name, one]) => eventually(`${name} calls all`, callsAll(one), 30_000)),
  );
}

const triedLines = ["2.6", "2.7", "3.3"] as const;

describe("consumers of 2.6, 2.7 and 3.3 are sent to whom they would choose by themselves", () => {
  let consumers: Callers;

  beforeAll(async () => {
    const params = { site: "east", zone: "sh" };
    const like = { ...service, application: "web", retries: 0, params };
    const start = async (line: DubboLine, way: string, registry: string) =>
      [`${line} ${way}`, await startConsumer(line, { ...like, registry }, fromProxy)] as const;
    const starting = triedLines.flatMap((line) => [
      start(line, "straight", mesh.outside),
      start(line, "through", mesh.inside),
    ]);
    consumers = Object.fromEntries(await Promise.all(starting));
    await expectAll(consumers);
  });

  test.each(conditionRows(triedLines))("$name", async (row) => {
    const { path, text } = placeOf(row);
    await real.make(path);
    try {
      if (text !== "") await real.write(path, text);
      await expectChosen(ofLines(consumers, row.lines), row);
    } finally {
      await real.remove(path);
    }
  });

  // What an override says to consumers they do themselves, and the proxy nothing of it: a call that is tried three times is not tried nine times.
  const config = `/dubbo/config/dubbo/${face}:1.0.0:g.configurators`;
  const said = (parameters: string) =>
    `configVersion: v2.7\nscope: service\nkey: ${face}\nenabled: true\nconfigs:\n- {side: consumer, addresses: ['0.0.0.0'], parameters: {${parameters}}}\n`;
  // 2.6 has no such node, and a 3.3 consumer that goes straight does not take up a time-out of a service this way.
  test("overrides for consumers of 2.7: a time-out, tries, an answer in the provider's place", async () => {
    const { straight, through } = { straight: consumers["2.7 straight"]!, through: consumers["2.7 through"]! };
    const sleep = async (one: Consumer) =>
      String((await one.ask({ op: "call", method: "sleep", arg: 800 }))["error"] ?? "");
    await real.make(config);
    try {
      await real.write(config, said("timeout: 300, retries: 2"));
      for (const one of [straight, through])
        await eventually(
          `${one === straight ? "straight" : "through"} calls time out`,
          async () => /time.?out/i.test(await sleep(one)),
          15_000,
        );
      const before = await mesh.carried();
      expect(await sleep(through)).toMatch(/time.?out/i);
      await eventually("three tries are counted", async () => (await mesh.carried()) - before >= 3, 5_000);
      expect((await mesh.carried()) - before).toBe(3);
      await real.write(config, said("mock: 'force:return null'"));
      for (const one of [straight, through]) {
        const mocked = async () => {
          const { value = null, error } = await one.ask({ op: "call", method: "whoAmI" });
          return error === undefined && value === null;
        };
        await eventually("calls are answered by the consumer", mocked, 15_000);
      }
      expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0135");
    } finally {
      await real.remove(config);
    }
    await expectAll(consumers);
  });

  test("and all of that by the proxy", async () => {
    // The workers' counts come in a moment after the calls.
    await sleep(500);
    const before = await mesh.carried();
    for (const line of triedLines) await chosenBy(consumers[`${line} through`]!, "whoAmI", {});
    await expect.poll(mesh.carried, { timeout: 5_000 }).toBe(before + 12 * triedLines.length);
    expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0131");
  });
});

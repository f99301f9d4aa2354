import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// Condition rules of Dubbo's config centre: consumers that go straight say what is chosen, those through Trestle must be sent to the same.
const service = { group: "g", version: "1.0.0" };
const face = "com.acme.OrderService";
const nodes = {
  service: `/dubbo/config/dubbo/${face}:1.0.0:g.condition-router`,
  provider: "/dubbo/config/dubbo/shop.condition-router",
  consumer: "/dubbo/config/dubbo/web.condition-router",
} as const;
const [a, b, c] = [hosts.provider1, hosts.provider2, hosts.provider3];
let mesh: Mesh;
let real: Znodes;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const provider = (label: string, host: string, params: Readonly<Record<string, string>>) =>
    startProvider("2.7", { ...service, registry: mesh.inside, application: "shop", host, label, warmup: 1, params });
  await Promise.all([
    provider("a", a, { region: "hz", level: "3" }),
    provider("b", b, { region: "sh", level: "7" }),
    provider("c", c, { region: "sh", env: "gray" }),
  ]);
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

/** Who serves calls; `none` where they fail. */
async function chosenBy(consumer: Consumer, method: string, attach: Readonly<Record<string, string>>): Promise<string> {
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const answer = await consumer.ask({ op: "call", method, arg: method === "getOrder" ? 42 : undefined, attach });
    const value = answer["value"] as { label?: string; servedBy?: string } | undefined;
    seen.add(value?.label ?? value?.servedBy ?? "none");
  }
  return [...seen].sort().join(" ");
}

interface Row {
  readonly name: string;
  /** A whole text in place of one made of `conditions`. */
  readonly text?: string;
  /** Stands under the interface's `routers`, as 2.6 and 2.7 know it. */
  readonly isLegacy?: true;
  readonly node?: keyof typeof nodes;
  readonly force?: boolean;
  readonly conditions?: readonly string[];
  /** Who is chosen by `whoAmI`, by `getOrder(42)`, and by `whoAmI` with the attachment `user=7`. */
  readonly who: string;
  readonly get?: string;
  readonly user?: string;
  /** Lines of Dubbo that understand it so; all unless said. */
  readonly line?: "2.7" | "3.3";
}

// Calls from inside the namespace reach the proxy from the proxy's own address: consumers register that one.
const fromProxy = [`-DDUBBO_IP_TO_REGISTRY=${hosts.trestle}`];
const all = "a b c";
const rows: readonly Row[] = [
  { name: "an address", conditions: [`=> host = ${b}`], who: "b" },
  { name: "without an arrow", conditions: [`host = ${b}`], who: "b" },
  { name: "true before the arrow", conditions: ["true => region = hz"], who: "a" },
  { name: "a list of values", conditions: [`=> host = ${a},${c}`], who: "a c" },
  { name: "other than", conditions: [`=> host != ${a}`], who: "b c" },
  { name: "other than a list", conditions: [`=> host != ${a},${b}`], who: "c" },
  { name: "both in one", conditions: [`=> host = 10.77.0.* & host != ${b}`], who: "a c" },
  { name: "a wildcard at the end", conditions: ["=> address = 10.77.0.3*"], who: "b" },
  { name: "a wildcard in the middle", conditions: ["=> address = 10.*.3:20880"], who: "b" },
  { name: "a port", conditions: [`=> host = ${a} & port = 20880`], who: "a" },
  { name: "a parameter", conditions: ["=> region = sh"], who: "b c" },
  { name: "two parameters", conditions: ["=> region = sh & env = gray"], who: "c" },
  { name: "a parameter that is not everywhere", conditions: ["=> env = gray"], who: "c" },
  {
    name: "consumer. and provider. before keys",
    conditions: ["consumer.method = * => provider.region = hz"],
    who: "a",
  },
  { name: "a method", conditions: ["method = getOrder => region = hz"], who: all, get: "a" },
  { name: "a method's beginning", conditions: ["method = get*,find* => region = hz"], who: all, get: "a" },
  { name: "another method", conditions: ["method != getOrder => region = hz"], who: "a", get: all },
  { name: "an argument", conditions: ["arguments[0] = 42 => region = hz"], who: all, get: "a" },
  {
    name: "another argument",
    conditions: ["method = getOrder & arguments[0] != 42 => region = hz"],
    who: all,
    get: all,
  },
  { name: "the caller's address", conditions: [`host = ${hosts.trestle} => env = gray`], who: "c" },
  { name: "another caller's address", conditions: [`host = ${hosts.relay},10.78.* => env = gray`], who: all },
  { name: "the caller's application", conditions: ["application = web => env = gray"], who: "c" },
  { name: "another application", conditions: ["application = other => env = gray"], who: all },
  { name: "what the caller registered with", conditions: ["site = east => region = hz"], who: "a" },
  { name: "as the caller", conditions: ["=> region = $site"], who: all },
  { name: "as the caller, who has it", conditions: ["=> region = $zone"], who: "b c" },
  { name: "nobody, not forced", conditions: ["=> region = nowhere"], who: all },
  { name: "nobody, forced", force: true, conditions: ["=> region = nowhere"], who: "none" },
  {
    name: "nobody for a method, forced",
    force: true,
    conditions: ["method = getOrder => region = nowhere"],
    who: all,
    get: "none",
  },
  { name: "nothing behind the arrow", conditions: ["=>"], who: "none" },
  { name: "nothing for one method", conditions: ["method = getOrder =>"], who: all, get: "none" },
  { name: "false behind the arrow", conditions: ["method = getOrder => false"], who: all, get: "none" },
  {
    name: "two conditions, one after the other",
    conditions: ["=> region = sh", "method = getOrder => env = gray"],
    who: "b c",
    get: "c",
  },
  { name: "a second that leaves nobody", conditions: ["=> region = sh", "=> region = hz"], who: "b c" },
  {
    name: "a second that leaves nobody, forced",
    force: true,
    conditions: ["=> region = sh", "=> region = hz"],
    who: "none",
  },
  { name: "an attachment", conditions: ["attachments[user] = 7 => env = gray"], who: all, user: "c", line: "3.3" },
  {
    name: "a range of an attachment",
    conditions: ["attachments[user] = 5~9 => env = gray"],
    who: all,
    user: "c",
    line: "3.3",
  },
  { name: "a range outside", conditions: ["attachments[user] = 8~9 => env = gray"], who: all, line: "3.3" },
  { name: "a range of providers", conditions: ["=> level = 1~5"], who: "a", line: "3.3" },
  { name: "a parameter other than, where one has none", conditions: ["=> level != 3"], who: "b", line: "3.3" },
  { name: "of the application that calls", node: "consumer", conditions: ["=> env = gray"], who: "c" },
  { name: "of the application that serves", node: "provider", conditions: ["=> env = gray"], who: "c", line: "3.3" },
];

const multi = (conditions: string, force = false) =>
  `configVersion: v3.1\nscope: service\nforce: ${force}\nkey: ${face}\nconditions: ${conditions}\n`;
const destinations: readonly Row[] = [
  {
    name: "destinations with weights",
    text: multi(
      "[{from: {match: 'method=getOrder'}, to: [{match: 'region=hz', weight: 100}, {match: 'env=gray', weight: 100}]}]",
    ),
    who: all,
    get: "a c",
  },
  {
    name: "destinations of which one is empty",
    text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}, {match: 'env=gray', weight: 1}]}]"),
    who: "c",
  },
  { name: "no destination", text: multi("[{from: {match: 'method=getOrder'}, to: []}]"), who: all, get: "none" },
  { name: "empty destinations", text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}]}]"), who: all },
  {
    name: "empty destinations, forced",
    text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}]}]", true),
    who: "none",
  },
];
const legacy: readonly Row[] = [
  { name: "an address of old", isLegacy: true, conditions: [`=> host = ${b}`], who: "b" },
  { name: "a method of old", isLegacy: true, conditions: ["method = get* => region = hz"], who: all, get: "a" },
  { name: "other than, of old", isLegacy: true, conditions: ["=> env != gray"], who: "a b" },
  { name: "nobody of old, forced", isLegacy: true, force: true, conditions: ["=> region = nowhere"], who: "none" },
  { name: "nobody of old", isLegacy: true, conditions: ["=> region = nowhere"], who: all },
];
const rowsOf = {
  "2.6": legacy,
  "2.7": [...rows.filter(({ line }) => line !== "3.3"), ...legacy],
  "3.3": [...rows.filter(({ line }) => line !== "2.7"), ...destinations],
} as const;

function placeOf({ node = "service", isLegacy, force = false, conditions = [], text }: Row): {
  path: string;
  text: string;
} {
  if (isLegacy === true) {
    const rule = encodeURIComponent(conditions[0]!);
    const url = `condition://0.0.0.0/${face}?category=routers&dynamic=false&enabled=true&force=${force}&group=g&version=1.0.0&name=r&priority=1&runtime=true&rule=${rule}`;
    return { path: `/dubbo/${face}/routers/${encodeURIComponent(url)}`, text: "" };
  }
  const list = conditions.map((one) => `  - '${one}'`).join("\n");
  const made = `configVersion: v3.0\nforce: ${force}\nenabled: true\nruntime: true\nconditions:\n${list}\n`;
  return { path: nodes[node], text: text ?? made };
}

describe.each(["2.6", "2.7", "3.3"] as const)("a %s consumer is sent to whom it would choose by itself", (line) => {
  let straight: Consumer;
  let through: Consumer;

  beforeAll(async () => {
    const params = { site: "east", zone: "sh" };
    const start = (registry: string) =>
      startConsumer(line, { ...service, registry, application: "web", retries: 0, params }, fromProxy);
    [straight, through] = await Promise.all([start(mesh.outside), start(mesh.inside)]);
    for (const one of [straight, through])
      await eventually("all are called", async () => (await chosenBy(one, "whoAmI", {})) === all, 30_000);
  });

  afterAll(async () => {
    await Promise.all([straight?.stop(), through?.stop()]);
  });

  test.each<Row>(rowsOf[line])("$name", async ({ who, get = who, user = who, ...row }) => {
    const { path, text } = placeOf({ who, ...row });
    await real.make(path);
    try {
      if (text !== "") await real.write(path, text);
      const expected = [who, get, user];
      for (const [name, one] of [
        ["straight", straight],
        ["through", through],
      ] as const) {
        let seen: string[] = [];
        const look = async () => {
          seen = [
            await chosenBy(one, "whoAmI", {}),
            await chosenBy(one, "getOrder", {}),
            await chosenBy(one, "whoAmI", { user: "7" }),
          ];
          return seen.join() === expected.join();
        };
        await eventually(name, look, 8_000).catch(() =>
          expect(`${name}: ${seen.join(" | ")}`).toEqual(`${name}: ${expected.join(" | ")}`),
        );
      }
    } finally {
      await real.remove(path);
    }
  });

  // What an override says to consumers they do themselves, and the proxy nothing of it: a call that is tried three times is not tried nine times.
  const config = `/dubbo/config/dubbo/${face}:1.0.0:g.configurators`;
  const said = (parameters: string) =>
    `configVersion: v2.7\nscope: service\nkey: ${face}\nenabled: true\nconfigs:\n- {side: consumer, addresses: ['0.0.0.0'], parameters: {${parameters}}}\n`;
  // 2.6 has no such node, and a 3.3 consumer that goes straight does not take up a time-out of a service this way.
  if (line === "2.7")
    test("overrides for consumers: a time-out, tries, an answer in the provider's place", async () => {
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
      for (const one of [straight, through])
        await eventually("all is as before", async () => (await chosenBy(one, "whoAmI", {})) === all, 15_000);
    });

  test("and all of that by the proxy", async () => {
    const before = await mesh.carried();
    await chosenBy(through, "whoAmI", {});
    expect(await mesh.carried()).toBe(before + 12);
    expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0131");
  });
});

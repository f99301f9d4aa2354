import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Consumer,
  type DubboLine,
  type JavaOptions,
  type ProviderOptions,
  startConsumer,
  startProvider,
} from "../support/dubbo.ts";
import { startGoConsumer, startGoProvider } from "../support/dubbo-go.ts";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// Unmodified applications of Dubbo on a Nacos 2.3.2, joined by nothing but the facade's address. The 2.7 line brings Nacos' client
// 1.4.2, which speaks HTTP, the others 2.4.3, which speaks gRPC.
const inside = `nacos://${hosts.trestle}:18848`;
const REMOTE: JavaOptions = { properties: ["-Ddubbo.application.metadata-type=remote"] };

/** What providers there are: their group, which is also their label, their line, and how they register. */
const providers = [
  { label: "27-interface", line: "2.7", port: 20880 },
  { label: "32-remote", line: "3.2", port: 20888, mode: "instance", jvm: REMOTE },
  { label: "32-interface", line: "3.2", port: 20881, mode: "interface" },
  { label: "32-instance", line: "3.2", port: 20882, mode: "instance" },
  { label: "32-all", line: "3.2", port: 20883, mode: "all" },
  { label: "33-interface", line: "3.3", port: 20884, mode: "interface" },
  { label: "33-instance", line: "3.3", port: 20885, mode: "instance" },
  { label: "33-all", line: "3.3", port: 20886, mode: "all" },
  { label: "33-remote", line: "3.3", port: 20887, mode: "instance", jvm: REMOTE },
] as const satisfies readonly {
  label: string;
  line: DubboLine;
  port: number;
  mode?: ProviderOptions["mode"];
  jvm?: JavaOptions;
}[];

let nacos: Nacos;
let trestle: Trestle;
const started: Peer[] = [];

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  trestle = await startTrestle({ registry: nacos.address, facade: inside });
  const place = { registry: inside, host: hosts.provider1, version: "1.0.0" };
  const waiting = [...providers];
  const startNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { label, line, port } = next;
      const mode = "mode" in next ? { mode: next.mode } : {};
      const options = { ...place, ...mode, port, label, group: label, application: `app-${label}` };
      started.push(await startProvider(line, options, undefined, "jvm" in next ? next.jvm : {}));
    }
  };
  // Two at a time: so many cores there may be.
  await Promise.all([startNext(), startNext()]);
}, 300_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
  await nacos?.stop();
});

/** Calls for each label that the proxies have carried. */
async function carriedTo(label: string): Promise<number> {
  const { body } = await trestle.get("/metrics");
  return body
    .split("\n")
    .filter((text) => text.startsWith("istio_requests_total{") && text.includes("whoAmI") && text.includes(label))
    .reduce((sum, text) => sum + Number(text.split(" ").at(-1)), 0);
}

/** Refers to the group of that label, and makes ten calls, which must come to its provider by way of the proxies. */
async function carries(one: Consumer, label: string, params: Readonly<Record<string, string>> = {}): Promise<void> {
  const ref = `${label}${Object.values(params).join()}`;
  await one.refer(ref, { registry: inside, group: label, version: "1.0.0", timeout: 5_000, check: false, params });
  // An application that has just come is not known to all at once.
  await eventually(`${label} answers`, () => one.call("whoAmI", undefined, undefined, ref), 30_000);
  const before = await carriedTo(label);
  for (let i = 0; i < 10; i++) expect(await one.call("whoAmI", undefined, undefined, ref)).toMatchObject({ label });
  await eventually(`ten carried calls to ${label}`, async () => (await carriedTo(label)) - before >= 10, 5_000);
}

const labels = providers.map(({ label }) => label);
/** Of those that register instances. */
const atApplicationLevel = labels.filter((label) => !label.endsWith("interface"));

describe.each(["2.7", "3.2", "3.3"] as const)("a %s consumer", (line) => {
  let one: Consumer;

  beforeAll(async () => {
    one = await startConsumer(line, {
      ...{ registry: inside, group: "27-interface", version: "1.0.0", timeout: 5_000, check: false },
      application: `till-${line}`,
    });
  }, 60_000);

  afterAll(() => one?.stop());

  // 2.7 knows no application level.
  const forced = line === "2.7" ? [] : atApplicationLevel.map((label) => [label, "FORCE_APPLICATION"] as const);
  test.each([...labels.map((label) => [label, "by default"] as const), ...forced])(
    "calls %s through the proxies, %s",
    (label, step) => carries(one, label, step === "by default" ? {} : { "migration.step": step }),
    60_000,
  );
});

describe("dubbo-go", () => {
  test("is called by Java at both levels through the proxies, and calls Java and itself", async () => {
    const go = (group: string, protocol: "dubbo" | "tri", port: number) =>
      startGoProvider({
        registry: inside,
        host: hosts.provider2,
        version: "1.0.0",
        group,
        label: group,
        protocol,
        port,
      });
    const peers = await Promise.all([go("go-dubbo", "dubbo", 20890), go("go-tri", "tri", 20891)]);
    onTestFinished(async () => void (await Promise.all(peers.map((peer) => peer.stop()))));
    for (const level of ["interface", "instance"] as const) {
      for (const [protocol, group] of [
        ["dubbo", "go-dubbo"],
        ["tri", "go-tri"],
        ["dubbo", level === "interface" ? "27-interface" : "33-instance"],
      ] as const) {
        const place = { registry: inside, version: "1.0.0", group, protocol, level, timeout: 5_000 };
        const one = await startGoConsumer(place);
        // It says that it is ready before it knows whom to call.
        await eventually(`${level} ${group} answers`, () => one.call("whoAmI"), 30_000);
        const before = await carriedTo(group);
        for (let i = 0; i < 10; i++) expect(await one.call("whoAmI")).toMatchObject({ Label: group });
        await eventually(`ten carried calls to ${group}`, async () => (await carriedTo(group)) - before >= 10, 5_000);
        await one.stop();
      }
    }
    const java = await startConsumer("3.3", { registry: inside, group: "go-dubbo", version: "1.0.0", check: false });
    onTestFinished(() => java.stop());
    for (const group of ["go-dubbo", "go-tri"]) await carries(java, group);
  }, 120_000);
});

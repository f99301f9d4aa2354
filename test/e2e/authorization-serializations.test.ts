import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { plainEndpoint } from "../../src/model/entry.ts";
import { type DubboLine, startConsumer, startProvider } from "../support/dubbo.ts";
import { startInbound } from "../support/mtls-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { configsOf, policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";

// Calls in Java's own serializations are only carried: not even their method is known. One that is denied must not be sent again nevertheless.

const DENY = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [cancelOrder]}}]}]}");
const ALLOW = policyText("a", "{rules: [{}]}");
const provider = { address: hosts.provider1, port: 20_880 };
type Inbound = Awaited<ReturnType<typeof startInbound>>;
let free: Inbound;
let denying: Inbound;

function inbound(policy: string, port: number): Promise<Inbound> {
  const known = { ...provider, protocol: "dubbo" as const, weight: 100, params: {}, origin: "test" };
  const service = { interface: "*", group: "", version: "" };
  const configs = configsOf([policy], { host: "inbound", service, endpoints: [plainEndpoint(known)] });
  const typedPerFilterConfig = configs as Readonly<Record<string, object>>;
  // Consumers refuse 127.0.0.1.
  const at = { address: hosts.provider2, port };
  return startInbound({ to: provider, protocol: "dubbo", at, typedPerFilterConfig });
}

beforeAll(async () => {
  requireNamespace();
  await startProvider("2.7", { host: provider.address, port: provider.port });
  [free, denying] = await Promise.all([inbound(ALLOW, 20_881), inbound(DENY, 20_882)]);
});
afterAll(async () => {
  await Promise.all([free, denying].map(({ proxy }) => proxy.close()));
  await stopAll();
});

const denied = () => denying.proxy.stats().counters["authzDenied"]!;

describe.each<DubboLine>(["2.6", "2.7", "3.2"])("a consumer of %s", (line) => {
  test.each(["java", "compactedjava", "nativejava"])("in %s is denied once, and told why", async (serialization) => {
    const url = ({ address, port }: Inbound) =>
      `dubbo://${address}:${port}/com.acme.OrderService?serialization=${serialization}`;
    const [one, other] = await Promise.all(
      [free, denying].map((place) => startConsumer(line, { url: url(place), retries: 2, application: "shop" })),
    );
    expect(await one!.call("sayHi", "Ann")).toBe("hi Ann");
    const before = denied();
    const answer = await other!.ask({ op: "call", method: "sayHi", arg: "Ann" });
    expect(answer).toMatchObject({ errorClass: "java.lang.RuntimeException" });
    expect(answer["error"]).toContain("trestle: RBAC: access denied");
    expect(denied() - before).toBe(1);
  });
});

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { plainEndpoint } from "../../src/model/entry.ts";
import { type DubboLine, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { knownDifferences } from "../support/known-differences.ts";
import { startInbound } from "../support/mtls-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { configsOf, policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";

// Calls in Java's own serializations are only carried: not even their method is known. One that is denied must not be sent again nevertheless.

const DENY = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [cancelOrder]}}]}]}");
const ALLOW = policyText("a", "{rules: [{}]}");
const ASKED = ["dubbo-arg-0", "dubbo-arg-1", "dubbo-arg-0.note", "dubbo-arg-0.0.sku", "user", "timeout"];
const NEVER = ASKED.map((name) => `{when: [{key: 'request.headers[${name}]', values: [never said]}]}`);
const ASKING = policyText("q", `{action: DENY, rules: [${NEVER.join(", ")}]}`);
const provider = { address: hosts.provider1, port: 20_880 };
type Inbound = Awaited<ReturnType<typeof startInbound>>;
let free: Inbound;
let denying: Inbound;
let asking: Inbound;

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
  [free, denying, asking] = await Promise.all([inbound(ALLOW, 20_881), inbound(DENY, 20_882), inbound(ASKING, 20_883)]);
});
afterAll(async () => {
  await Promise.all([free, denying, asking].map(({ proxy }) => proxy.close()));
  await stopAll();
});

const urlOf = ({ address, port }: Inbound) => `dubbo://${address}:${port}/com.acme.OrderService`;
const denied = () => denying.proxy.stats().counters["authzDenied"]!;

describe.each<DubboLine>(["2.6", "2.7", "3.2"])("a consumer of %s", (line) => {
  test.each(["java", "compactedjava", "nativejava"])("in %s is denied once, and told why", async (serialization) => {
    const [one, other] = await Promise.all(
      [free, denying].map((place) =>
        startConsumer(line, { url: `${urlOf(place)}?serialization=${serialization}`, retries: 2, application: "shop" }),
      ),
    );
    expect(await one!.call("sayHi", "Ann")).toBe("hi Ann");
    const before = denied();
    const answer = await other!.ask({ op: "call", method: "sayHi", arg: "Ann" });
    expect(answer).toMatchObject({ errorClass: "java.lang.RuntimeException" });
    expect(answer["error"]).toContain("trestle: RBAC: access denied");
    expect(denied() - before).toBe(1);
  });

  test("in Hessian2 has every kind of call taken where policies ask for arguments and attachments", async () => {
    const consumer = await startConsumer(line, { url: urlOf(asking), application: "shop" });
    onTestFinished(() => consumer.stop());
    const known = {
      ...knownDifferences(line, "2.7", true),
      "callback parameter": "without a registry consumers do not know that it is one",
      ...(line === "2.7" && { "no attachment of the call before": "2.7 without a registry keeps them" }),
    };
    expect(surprises(await consumer.suite(), known)).toEqual([]);
  });
});

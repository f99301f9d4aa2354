import { expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText } from "../../../../support/rules.ts";

const entries = [entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880?app=orders"])];
const peers = (mtls: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p}\nspec: ${mtls}\n`;
const destination = (tls: string) => destinationRuleText("d", "com.acme.OrderService", `trafficPolicy: {tls: ${tls}}`);
const found = (...texts: string[]) => analyze(texts, entries).filter((one) => one.startsWith("TR0283"));

test.each([
  ["DISABLE", "STRICT", "plain text"],
  ["SIMPLE", "STRICT", "SIMPLE"],
  ["ISTIO_MUTUAL", "DISABLE", "ISTIO_MUTUAL"],
  ["ISTIO_MUTUAL", "STRICT", undefined],
  ["DISABLE", "PERMISSIVE", undefined],
  ["ISTIO_MUTUAL", "PERMISSIVE", undefined],
  ["SIMPLE", "DISABLE", undefined],
])("a DestinationRule of %s where %s is taken", (mode, takes, speaks) => {
  const list = found(destination(`{mode: ${mode}}`), peers(`{mtls: {mode: ${takes}}}`));
  expect(list.map((one) => one.split(": ").slice(-1)[0])).toEqual(speaks === undefined ? [] : ["calls to them fail"]);
  if (speaks !== undefined) {
    expect(list[0]).toContain(`d has callers' proxies speak ${speaks} to com.acme.OrderService, whose inbound`);
    expect(list[0]).toContain(`listeners take ${takes} by p at r.yaml:`);
  }
});

test("a port's own word counts, and nothing is told where no PeerAuthentication says it", () => {
  const ofPort = peers('{selector: {matchLabels: {app: orders}}, portLevelMtls: {"20880": {mode: STRICT}}}');
  expect(found(destination("{mode: DISABLE}"), ofPort).length).toBe(1);
  expect(found(destination("{mode: DISABLE}"), ofPort.replace("20880", "20881")).length).toBe(0);
  expect(found(destination("{mode: DISABLE}"))).toEqual([]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { type GatewayStage, startGatewayStage } from "../support/gateway-stage.ts";
import { runH2spec } from "../support/h2spec.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Both kinds of ports that take HTTP/2; those of HTTP/1.1 services answer its preface 505 (http-faults.test.ts).

let stage: TripleStage;
let gateway: GatewayStage;

beforeAll(async () => {
  [stage, gateway] = await Promise.all([startTripleStage("127.0.0.1"), startGatewayStage("127.0.0.1")]);
  await gateway.apply({}, []);
});

afterAll(() => Promise.all([stage?.close(), gateway?.close()]));

const ports = { tri: () => stage.port, gateway: () => gateway.port };

test.each([
  ["tri", "plain", [] as string[], 145],
  ["tri", "strict", ["--strict"], 146],
  ["gateway", "plain", [], 145],
  ["gateway", "strict", ["--strict"], 146],
] as const)("the proxy's %s listener passes all cases of h2spec, %s", async (listener, _name, flags, cases) => {
  const summary = (await runH2spec(ports[listener](), flags)).trim().split("\n");
  expect(summary.slice(-40)).toContainEqual(
    expect.stringMatching(new RegExp(`^${cases} tests, ${cases} passed, 0 skipped, 0 failed`)),
  );
});

import type { WireProtocol } from "../../src/codecs/xds/core.ts";
import type { DubboLine } from "./dubbo.ts";
import { knownDifferences } from "./known-differences.ts";
import { hosts } from "./netns.ts";
import type { CarriedService } from "./triple-stage.ts";
import type { TestEndpoint } from "./xds-fixtures.ts";

/** The group and version of the Java services. */
export const service = { group: "g", version: "1.0.0" } as const;

/** What every Java provider here is started with: threads for 200 calls beside those whose callers have given up. */
export const provided = { ...service, host: hosts.provider1, port: 50051, params: { threads: "300" } } as const;

/** Where such a provider is, for an endpoint that speaks `protocol`. */
export function endpoint(protocol: WireProtocol): TestEndpoint {
  return { address: provided.host, port: provided.port, protocol };
}

/** The services that a Triple provider with `--streams` exports, each served by `endpoints`. */
export function javaServices(endpoints: readonly TestEndpoint[]): CarriedService[] {
  return ["OrderService", "OrderWatch", "OrderFeed", "Relay"].map((name) => ({
    key: `g/com.acme.${name}:1.0.0`,
    endpoints,
  }));
}

const thrown = ["checked", "checked-cause", "runtime", "runtime-cause", "rejected", "null-message"];

/** Each of these exceptions of the suite fails, for one reason. */
function exceptions(kinds: readonly string[], reason: string): Record<string, string> {
  return Object.fromEntries(kinds.map((kind) => [`exception ${kind}`, reason]));
}

/**
 * The checks of the suite that fail between a Triple consumer and a Triple provider without any mesh, each with its reason. A row
 * that passes fails the test.
 */
export function tripleDifferences(consumer: DubboLine, provider: DubboLine): Readonly<Record<string, string>> {
  return {
    ...knownDifferences(consumer, provider, true),
    ...(provider === "3.1" && exceptions(thrown, "3.1 answers an exception as a status without a class")),
    "callback parameter": "Triple has no callbacks",
    attachments: "Dubbo writes what is not Latin-1 as question marks",
  };
}

/** The same where one side speaks Dubbo2 and the proxy translates. */
export function bridgeDifferences(consumer: DubboLine, provider: DubboLine): Readonly<Record<string, string>> {
  const known: Record<string, string> = {
    ...knownDifferences(consumer, provider, true),
    "callback parameter": "Triple has no callbacks",
    attachments: "Dubbo reads and writes what is not Latin-1 wrongly in Triple's headers",
    ...(provider === "3.1" &&
      exceptions(["checked", "checked-cause", "runtime-cause"], "3.1 tells an exception's class and message alone")),
  };
  if (consumer === "3.1") Object.assign(known, exceptions(thrown, "3.1 knows exceptions as statuses alone"));
  if (consumer === "2.7") {
    known["no attachment of the call before"] = "2.7 sends them again where a reference has one address and no cluster";
  }
  return known;
}

import type { DubboLine } from "./dubbo.ts";
import { knownDifferences } from "./known-differences.ts";
import type { CarriedService } from "./triple-stage.ts";
import type { TestEndpoint } from "./xds-fixtures.ts";

/** The group and version of the Java services. */
export const service = { group: "g", version: "1.0.0" } as const;

/** The services that a Triple provider with `--streams` exports, each served by `endpoints`. */
export function javaServices(endpoints: readonly TestEndpoint[]): CarriedService[] {
  return ["OrderService", "OrderWatch", "OrderFeed", "Relay"].map((name) => ({
    key: `g/com.acme.${name}:1.0.0`,
    endpoints,
  }));
}

/**
 * The checks of the suite that fail between a Triple consumer and a Triple provider without any mesh, each with its reason. A row
 * that passes fails the test.
 */
export function tripleDifferences(consumer: DubboLine, provider: DubboLine): Readonly<Record<string, string>> {
  return {
    ...knownDifferences(consumer, provider, true),
    "callback parameter": "Triple has no callbacks",
    attachments: "Dubbo writes what is not Latin-1 as question marks",
  };
}

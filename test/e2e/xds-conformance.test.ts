import { afterAll, beforeAll, describe, test } from "vitest";
import type { ServedSet } from "../../src/codecs/xds/served.ts";
import { createXdsServer, type XdsServer } from "../../src/control/xds/server.ts";
import { XDS_CASES, type XdsBench } from "../conformance/xds/cases.ts";
import { PoliteClient } from "../support/xds-grpc.ts";
import { TYPES } from "../support/xds-playbook.ts";

/** Long enough for a response that should not come to have come. */
const QUIET_MS = 60;

let server: XdsServer;
let set: ServedSet = { version: "0", types: new Map() };
let sets = 0;

function publish(type: string, text: string): void {
  const list = text.split(" ").map((one) => {
    const [name, version] = [one.slice(0, -1), one.slice(-1)];
    return { name, version, resource: type === "EDS" ? { clusterName: name } : { name } };
  });
  set = { version: `${++sets}`, types: new Map([...set.types, [TYPES[type]!, list]]) };
  server.changed();
}

beforeAll(async () => {
  server = await createXdsServer({
    listen: "127.0.0.1:0",
    source: { resourcesFor: () => set },
    debounceMs: 1,
    maxDelayMs: 5,
  });
});
afterAll(() => server.close());

for (const variant of ["sotw", "delta"] as const) {
  for (const aggregated of [true, false]) {
    const rows = XDS_CASES.filter(
      (one) => (one.variant ?? variant) === variant && (aggregated || !one.aggregated),
    ).flatMap((one) => one.types.map((type) => [one.name, type, one] as const));
    describe(`${variant}, ${aggregated ? "all types on one stream" : "a stream for each type"}`, () => {
      test.each(rows)("%s: %s", async (_name, type, one) => {
        const client = new PoliteClient(server.address, variant, aggregated);
        const bench: XdsBench = {
          variant,
          client,
          set: publish,
          quiet: () => new Promise((resolve) => setTimeout(resolve, QUIET_MS)),
        };
        try {
          await one.run(bench, type);
        } finally {
          client.close();
        }
      });
    });
  }
}

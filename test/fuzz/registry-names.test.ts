import { expect, test } from "vitest";
import { encodeName, parseNodeName } from "../../src/registry-sync/dubbo/url.ts";
import { fromServiceEntry, toServiceEntry } from "../../src/registry-sync/entries/service-entry.ts";
import { checkServiceEntry } from "../../src/registry-sync/entries/service-entry-check.ts";
import type { InterfaceNodes } from "../../src/registry-sync/sources/zookeeper/tree.ts";
import { createZookeeperWorld } from "../../src/registry-sync/sources/zookeeper/world.ts";
import fc from "../support/fast-check.ts";
import { recordedTree } from "../support/recorded-tree.ts";

const NAME = "peer.api.OrderService";
const RECORDED = ["zk-2.6.12-interface", "zk-2.7.23-interface", "zk-3.2.18-all-tri", "zk-3.3.6-all-dubbo+tri"].flatMap(
  (file) => {
    const nodes = recordedTree(file).interfaces?.get(NAME);
    return nodes === undefined ? [] : [...nodes.providers, ...nodes.consumers];
  },
);
const OVERRIDE = encodeName(
  `override://0.0.0.0/${NAME}?category=configurators&group=*&version=*&weight=5&disabled=false`,
);

/** A recorded name with some characters replaced, cut out or put in, encoded or not. */
const mutated = fc
  .tuple(
    fc.constantFrom(...RECORDED, OVERRIDE),
    fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(4), fc.string({ unit: "binary", maxLength: 3 })),
      {
        maxLength: 4,
      },
    ),
    fc.boolean(),
  )
  .map(([name, edits, encode]) => {
    let text = encode ? decodeURIComponent(name) : name;
    for (const [at, cut, put] of edits) {
      const index = Math.floor(at * text.length);
      text = text.slice(0, index) + put + text.slice(index + cut);
    }
    return encode ? encodeName(text) : text;
  });

test("any node name gives a URL or a fault", () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 300 })), (name) => {
      expect(["url", "fault"]).toContain(parseNodeName(name).type);
    }),
    { numRuns: 2_000 },
  );
});

test("any directories give a world whose entries Istio takes and that read back", () => {
  const names = fc.array(mutated, { maxLength: 5 });
  const nodes: fc.Arbitrary<InterfaceNodes> = fc.record({
    providers: names,
    consumers: names,
    configurators: names,
    routers: names,
  });
  fc.assert(
    fc.property(nodes, nodes, (first, second) => {
      const state = createZookeeperWorld({ name: "legacy" });
      state.update({ interfaces: new Map([[NAME, first]]) });
      const after = state.update({ interfaces: new Map([[NAME, second]]) });
      expect(after).toEqual(createZookeeperWorld({ name: "legacy" }).update({ interfaces: new Map([[NAME, second]]) }));
      for (const entry of after.entries) {
        const document = toServiceEntry(entry, "trestle");
        expect(checkServiceEntry(document)).toEqual([]);
        expect(fromServiceEntry(document)?.entry.endpoints).toHaveLength(entry.endpoints.length);
      }
    }),
    { numRuns: 500 },
  );
});

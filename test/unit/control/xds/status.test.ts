import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/log.ts";
import { encodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";
import { XdsClient } from "../../../../src/control/xds/client.ts";
import { createXdsMetrics } from "../../../../src/control/xds/metrics.ts";
import { askedNodes, clientStatuses, clientStatusResponse } from "../../../../src/control/xds/status.ts";
import { answer, FakePipe, requestBytes } from "../../../support/xds-pipe.ts";
import { NODE, servedSet } from "../../../support/xds-playbook.ts";

function connect(id: string, identity?: string): { client: XdsClient; pipe: FakePipe } {
  const pipe = Object.assign(new FakePipe(), identity === undefined ? {} : { identity });
  const client = new XdsClient("delta", undefined, pipe, {
    source: { resourcesFor: () => servedSet({ CDS: "a1 b1", EDS: "a1" }) },
    clock: new ManualClock(5),
    log: silentLogger,
    metrics: createXdsMetrics(),
    answerMs: 1_000,
    wantsTurn: (one) => one.refresh(),
  });
  client.receive(requestBytes("CDS", { node: { ...NODE, id, userAgentName: "envoy", userAgentVersion: "1.34.1" } }));
  client.refresh();
  return { client, pipe };
}

describe("what is told of the clients", () => {
  test("each type's state follows what the client says", () => {
    const { client, pipe } = connect("n");
    const cds = () => clientStatuses([client])[0]!.types.find(({ type }) => type === "cds")!;
    expect([cds().state, cds().resources, cds().version]).toEqual(["stale", 2, ""]);
    answer(client, pipe, "a is wrong");
    expect(cds()).toMatchObject({ state: "error", refusal: { message: "a is wrong", names: ["a"], origins: [] } });
    client.receive(requestBytes("CDS", { subscribe: ["a"] }));
    answer(client, pipe);
    expect(cds().state).toBe("synced");
    expect(cds().refusal).toBeUndefined();
    client.receive(requestBytes("t/Other", { subscribe: ["x"] }));
    expect(clientStatuses([client])[0]!.types.map(({ type, state }) => `${type} ${state}`)).toEqual([
      "cds synced",
      "t/Other stale",
    ]);
  });

  test("who comes again with all that there is is synced, though nothing was sent", () => {
    const { client } = connect("n");
    client.receive(requestBytes("EDS", { subscribe: ["a"], initialVersions: { a: "1" } }));
    expect(clientStatuses([client])[0]!.types.find(({ type }) => type === "eds")).toMatchObject({ state: "synced" });
  });

  test("CSDS asks for nodes by their ids, and says so where anything else is asked for", () => {
    const taken = (...nodeMatchers: JsonObject[]) =>
      ["sidecar~1", "sidecar~2", "x"].filter(askedNodes({ nodeMatchers }));
    expect(taken()).toHaveLength(3);
    expect(taken({ nodeId: { prefix: "sidecar~" } }, { nodeId: { exact: "x" } })).toHaveLength(3);
    expect(taken({ nodeId: { safeRegex: { regex: ".*~2" } } })).toEqual(["sidecar~2"]);
    expect(taken({ nodeId: { exact: "y" } })).toEqual([]);
    expect(() => taken({ nodeId: { safeRegex: { regex: "(" } } })).toThrow("missing closing");
    expect(() => taken({ nodeMetadatas: [{}] })).toThrow("node_id alone");
    expect(() => taken(...Array.from({ length: 101 }, () => ({ nodeId: { exact: "x" } })))).toThrow("more than 100");
  });

  test("CSDS lists names and versions of the nodes that are asked for", () => {
    const [one, other] = [connect("one", "spiffe://a/ns/b/sa/c"), connect("other")];
    answer(one.client, one.pipe);
    answer(other.client, other.pipe, "b is wrong");
    const json = clientStatusResponse([one.client, other.client], askedNodes({}));
    expect(json).toMatchObject({
      config: [
        {
          node: { id: "one" },
          genericXdsConfigs: [{ name: "a", versionInfo: "1", configStatus: "SYNCED" }, { name: "b" }],
        },
        {
          node: { id: "other" },
          genericXdsConfigs: [
            { name: "a", configStatus: "SYNCED" },
            { name: "b", configStatus: "ERROR", errorState: { details: "b is wrong" } },
          ],
        },
      ],
    });
    expect(encodeMessage(xdsMessage("envoy.service.status.v3.ClientStatusResponse"), json).length).toBeGreaterThan(100);
    const named = askedNodes({ nodeMatchers: [{ nodeId: { exact: "other" } }] });
    expect(clientStatusResponse([one.client, other.client], named)["config"]).toHaveLength(1);
    expect(
      clientStatuses([other.client, one.client]).map(({ node, identity, agent }) => [node, identity, agent]),
    ).toEqual([
      ["one", "spiffe://a/ns/b/sa/c", "envoy 1.34.1"],
      ["other", undefined, "envoy 1.34.1"],
    ]);
  });
});

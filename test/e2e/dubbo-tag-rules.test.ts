import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Explanation } from "../../src/control/explain/explanation.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";
import { expectTagged, type TagWorld, taggedBy, tagRows } from "../support/tag-rows.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// A dynamic tag rule of Dubbo's config centre: consumers that go straight say what is chosen, those through Trestle must be sent to the same.
const service = { group: "g", version: "1.0.0" };
const path = "/dubbo/config/dubbo/shop.tag-router";
let mesh: Mesh;
let real: Znodes;
let gray: Peer;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const provider = (label: string, host: string, lane: string) =>
    startProvider("2.7", {
      ...service,
      registry: mesh.inside,
      application: "shop",
      host,
      label,
      warmup: 1,
      params: { lane },
    });
  [, gray] = await Promise.all([provider("plain", hosts.provider1, "v1"), provider("gray", hosts.provider2, "v2")]);
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

const world: TagWorld = { host: hosts.provider2, gray: "gray", plain: "plain" };

const ruled = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec:
  host: com.acme.OrderService
  subsets: [{name: v1, labels: {lane: v1}}, {name: gray, labels: {dubbo.tag: gray}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.OrderService]
  http:
  - {match: [{headers: {x-lane: {exact: v1}}}], route: [{destination: {host: com.acme.OrderService, subset: v1}}]}
  - {match: [{headers: {x-lane: {exact: gray}}}], route: [{destination: {host: com.acme.OrderService, subset: gray}}]}
  - {route: [{destination: {host: com.acme.OrderService}}], retries: {attempts: 2, perTryTimeout: 300ms}}
`;

/** Whom `trestle explain` says that a call with these attachments may have. */
async function explained(attach: Readonly<Record<string, string>>): Promise<string> {
  const query = new URLSearchParams({ service: "com.acme.OrderService", method: "whoAmI", ...service });
  for (const [name, value] of Object.entries(attach)) query.append("header", `${name}=${value}`);
  const { destinations } = (await mesh.trestle.json(`/api/v1/explain?${query}`)) as Explanation;
  const labels = destinations.flatMap(({ endpoints }) =>
    endpoints.map(({ address }) => (address.startsWith(`${hosts.provider2}:`) ? "gray" : "plain")),
  );
  return labels.length === 0 ? "none" : labels.sort().join(" ");
}

describe.each(["2.7", "3.3"] as const)("a %s consumer is sent to whom it would choose by itself", (line) => {
  let straight: Consumer;
  let through: Consumer;

  beforeAll(async () => {
    const start = (registry: string) => startConsumer(line, { ...service, registry, retries: 0 });
    [straight, through] = await Promise.all([start(mesh.outside), start(mesh.inside)]);
  });

  afterAll(async () => {
    await Promise.all([straight?.stop(), through?.stop()]);
    if ((await real.text(path)) !== undefined) await real.remove(path);
  });

  test.each(tagRows(world.host).filter((one) => one.line === undefined || one.line === line))(
    "by a tag rule $name",
    async (row) => {
      await real.make(path);
      try {
        await real.write(path, row.text);
        await expectTagged({ straight, through }, row, world);
        const before = await mesh.carried();
        await taggedBy(through, {});
        expect(await mesh.carried()).toBe(before + 12);
        expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0131");
      } finally {
        await real.remove(path);
      }
    },
  );

  test("under a VirtualService: by the tag rule among those that it leads to, and a subset of a tag is for all", async () => {
    await real.make(path);
    try {
      await real.write(path, tagRows(world.host).find(({ name }) => name === "forced")!.text);
      await takeUp(mesh, ruled);
      const lane = (name: string, tag = "") => ({ "x-lane": name, ...(tag !== "" && { "dubbo.tag": tag }) });
      const rows: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
        [{ "dubbo.tag": "empty" }, "none"],
        [{}, "plain"],
        [{ "dubbo.tag": "gray" }, "gray"],
        [{ "dubbo.tag": "blue" }, "plain"],
        [lane("v1"), "plain"],
        [lane("v1", "blue"), "plain"],
        [lane("v1", "gray"), "none"],
        [lane("gray"), "gray"],
        [lane("gray", "gray"), "gray"],
        [lane("gray", "blue"), "gray"],
      ];
      await eventually("the rule is in force", async () => (await taggedBy(through, rows[0]![0])) === "none", 15_000);
      for (const [attach, chosen] of rows) {
        expect([attach, await taggedBy(through, attach)]).toEqual([attach, chosen]);
        expect([attach, await explained(attach)]).toEqual([attach, chosen]);
      }
      expect((await mesh.trestle.get("/api/v1/findings")).body).not.toContain("TR0253");
      gray.suspend();
      try {
        // The VirtualService has failed calls tried again: nobody else has the tag.
        expect(await through.ask({ op: "call", method: "whoAmI", attach: { "dubbo.tag": "gray" } })).toHaveProperty(
          "error",
        );
      } finally {
        gray.resume();
      }
    } finally {
      await real.remove(path);
      await takeUp(mesh, "");
    }
  });

  test("and by none when it is gone", async () => {
    for (const one of [straight, through])
      await eventually("it acts no more", async () => (await taggedBy(one, {})) === "gray plain", 30_000);
  });
});

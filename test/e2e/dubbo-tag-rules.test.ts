import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { expectTagged, type TagWorld, taggedBy, tagRows } from "../support/tag-rows.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// A dynamic tag rule of Dubbo's config centre: consumers that go straight say what is chosen, those through Trestle must be sent to the same.
const service = { group: "g", version: "1.0.0" };
const path = "/dubbo/config/dubbo/shop.tag-router";
let mesh: Mesh;
let real: Znodes;

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
  await Promise.all([provider("plain", hosts.provider1, "v1"), provider("gray", hosts.provider2, "v2")]);
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

const world: TagWorld = { host: hosts.provider2, gray: "gray", plain: "plain" };

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

  test("and by none when it is gone", async () => {
    for (const one of [straight, through])
      await eventually("it acts no more", async () => (await taggedBy(one, {})) === "gray plain", 30_000);
  });
});

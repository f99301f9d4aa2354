import { afterAll, beforeAll, expect, test } from "vitest";
import type { SchemaView } from "../../src/control/admin/schema-views.ts";
import type { Finding } from "../../src/model/entry.ts";
import { startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { type Nacos, nacosJars, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { openZnodes } from "../support/znodes.ts";

// Providers register in ZooKeeper and report their types to a Nacos; what Trestle knows of them comes from there.
const service = "com.acme.OrderService";
const report = (group: string) => `${service}:1.0.0:${group}:provider:order-provider`;

let nacos: Nacos;
let mesh: Mesh;
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  [nacos, mesh] = await Promise.all([
    startNacos(),
    startMesh({ extra: ["--metadata", `nacos://${hosts.relay}:8848`] }),
  ]);
  trestle = mesh.trestle;
  const jvm = { jars: nacosJars(), properties: [`-Ddubbo.metadata-report.address=${nacos.address}`] };
  const place = { registry: mesh.inside, application: "order-provider", version: "1.0.0" };
  await Promise.all([
    startProvider("2.7", { ...place, host: hosts.provider1, group: "old", port: 20880 }, undefined, jvm),
    startProvider(
      "3.3",
      { ...place, host: hosts.provider2, group: "new", port: 20880, mode: "interface" },
      undefined,
      jvm,
    ),
  ]);
}, 120_000);

afterAll(async () => {
  await stopAll();
  await nacos?.stop();
});

async function methods(): Promise<readonly string[]> {
  const { schemas } = (await trestle.json(`/api/v1/schemas?service=${service}`)) as { schemas: SchemaView[] };
  if (schemas[0]?.from["java"] !== "metadata") return [];
  return schemas[0].java?.methods.map(({ name, parameterTypes }) => `${name}(${parameterTypes.join()})`) ?? [];
}

async function findings(code: string): Promise<readonly Finding[]> {
  const { findings: all } = (await trestle.json("/api/v1/findings")) as { findings: Finding[] };
  return all.filter((finding) => finding.code === code);
}

const logged = (text: string) => trestle.peer.log(2_000).split(text).length - 1;

test("the reports of 2.7 and 3.3 providers give their methods and classes", async () => {
  await eventually("both reports are there", async () => {
    const texts = await Promise.all(["old", "new"].map((group) => nacos.text(report(group), "dubbo")));
    return texts.every((text) => text !== undefined);
  });
  await eventually("the types are known", async () => (await methods()).length > 0, 10_000);
  expect(await methods()).toEqual(expect.arrayContaining(["getOrder(long)", "find(java.lang.String)", "find(long)"]));
  // Nothing of it is in ZooKeeper.
  const znodes = await openZnodes(mesh.outside);
  expect(await znodes.children(`/dubbo/metadata/${service}`)).toEqual([]);
  znodes.close();
  const { services } = (await trestle.json("/api/v1/services")) as { services: Record<string, unknown>[] };
  expect(services.find((one) => one["service"] === `old/${service}:1.0.0`)).toMatchObject({
    schema: { java: "metadata" },
  });
});

async function find(body: string): Promise<string> {
  const answer = await fetch(`http://${hosts.trestle}:50051/${service}/find`, {
    method: "POST",
    headers: { "content-type": "application/json", "tri-service-group": "old", "tri-service-version": "1.0.0" },
    body,
  });
  return answer.text();
}

test("JSON reaches the 2.7 provider by those types: an overload is told by its argument", async () => {
  await eventually("workers have them", async () => (await find("[42]")).includes('"id":42'), 10_000);
  expect(await find('["A-7"]')).toContain("A-7");
});

test("an instance that starts serves with those types from its first call on", async () => {
  await mesh.trestle.stop();
  trestle = await startTrestle({ registry: mesh.outside, extra: ["--metadata", nacos.address] });
  expect(await find("[42]")).toContain('"id":42');
  expect(await methods()).toContain("getOrder(long)");
});

test("a report that changes counts within moments; one that cannot be read is a finding", async () => {
  const text = (await nacos.text(report("old"), "dubbo"))!;
  const definition = JSON.parse(text) as { methods: unknown[] };
  const added = { name: "added", parameterTypes: ["int"], returnType: "void" };
  await nacos.publish(
    report("old"),
    "dubbo",
    JSON.stringify({ ...definition, methods: [...definition.methods, added] }),
  );
  await eventually("the new method is known", async () => (await methods()).includes("added(int)"), 5_000);
  await nacos.publish(report("old"), "dubbo", text.slice(0, 100));
  await eventually("it is told", async () => (await findings("TR0160")).length === 1, 5_000);
  expect(await findings("TR0160")).toMatchObject([{ severity: "warning", at: report("old") }]);
  expect(await methods()).toContain("added(int)");
});

test("a Nacos that is killed takes nothing along, is logged once, and is followed again when it is back", async () => {
  await nacos.kill();
  await eventually("it is told", async () => (await findings("TR0161")).length === 1, 5_000);
  expect(await methods()).toContain("added(int)");
  await nacos.restart();
  const text = (await nacos.text(report("new"), "dubbo"))!;
  await nacos.publish(report("old"), "dubbo", text);
  await eventually("it is followed", async () => !(await methods()).includes("added(int)"), 40_000);
  expect(await methods()).toContain("getOrder(long)");
  expect([await findings("TR0161"), await findings("TR0160")]).toEqual([[], []]);
  expect([logged("is out of reach; retrying"), logged("works again")]).toEqual([1, 1]);
}, 120_000);

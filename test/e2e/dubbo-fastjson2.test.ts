import { afterAll, beforeAll, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { headers, ruleRows } from "../support/dubbo-rule-rows.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { enforce, to } from "../support/rules-in-force.ts";

// Providers that offer fastjson2 alone, so that the facade cannot have their consumers talk Hessian2.
const service = { group: "g", version: "1.0.0" };
let mesh: Mesh;
let consumer: Consumer;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const provider = (label: string, host: string) =>
    startProvider("3.2", {
      ...service,
      registry: mesh.inside,
      host,
      label,
      warmup: 1,
      params: { region: label, serialization: "fastjson2", "prefer.serialization": "fastjson2" },
    });
  await Promise.all([provider("v1", hosts.provider1), provider("v2", hosts.provider2)]);
  consumer = await startConsumer("3.2", { ...service, registry: mesh.inside, application: "shop" });
  await eventually("both providers are called", async () => {
    const loop = await consumer.loop({ methods: "whoAmI", calls: 20, delay: 0 });
    await eventually("20 calls", async () => (await loop.stats()).calls === 20);
    return Object.keys((await loop.stop()).counts).length === 2;
  });
});

afterAll(async () => {
  await stopAll();
});

// fastjson2 writes an enum that is a field's value as its number, and nothing else says which constant it is.
const ENUM = "an enum in an argument";
const rows = ruleRows.map((row) =>
  row.name === ENUM ? { ...row, route: headers({ "dubbo-arg-0.status": { exact: "1" } }) } : row,
);

test("an enum's row is among the rows", () => {
  expect(ruleRows.map(({ name }) => name)).toContain(ENUM);
});

// The enum's row passes in fastjson2 alone: the others would pass in Hessian2 too.
test.each(rows)("a match by $name", async ({ route, v2, v1 }) => {
  await enforce(mesh, [route, { route: [to("v1")] }]);
  const calls = [...v2.map((call) => ({ call, label: "v2" })), ...v1.map((call) => ({ call, label: "v1" }))];
  const got: unknown[] = [];
  for (const { call } of calls) {
    const [method, arg, attach] = call;
    got.push({ call, label: ((await consumer.call(method, arg, attach)) as { servedBy: string }).servedBy });
  }
  expect(got).toEqual(calls);
});

test("an abort is a RuntimeException in fastjson2", async () => {
  const match = headers({ "dubbo-application": { exact: "shop" } });
  await enforce(mesh, [{ ...match, fault: { abort: { httpStatus: 403 } }, route: [to()] }, { route: [to("v1")] }]);
  const answer = await consumer.ask({ op: "call", method: "sayHi" });
  expect(answer["errorClass"]).toBe("java.lang.RuntimeException");
  expect(String(answer["error"])).toContain("trestle: fault injected");
});

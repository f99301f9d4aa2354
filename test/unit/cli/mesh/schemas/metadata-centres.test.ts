import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { MetadataCentres } from "../../../../../src/cli/mesh/schemas/metadata-centres.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const config = (host: string) => ({
  ...{ name: host, hosts: [`${host}:8848`], contextPath: "/nacos", namespace: "", group: "dubbo" },
  ...{ username: "", password: "" },
});
const definition = (name: string) =>
  JSON.stringify({ methods: [{ name, parameterTypes: [], returnType: "void" }], types: [] });
const provided = (name: string) => entry(name, [endpoint("10.0.0.1", { params: { application: "app" } })]);

test("of two centres that know one interface's types the first counts", async () => {
  const clock = new ManualClock();
  const servers: Readonly<Record<string, FakeNacos>> = {
    "a:8848": new FakeNacos(clock),
    "b:8848": new FakeNacos(clock),
  };
  servers["a:8848"]!.put("a.A:::provider:app", definition("first"));
  servers["b:8848"]!.put("a.A:::provider:app", definition("second"));
  servers["b:8848"]!.put("b.B:::provider:app", definition("other"));
  let changes = 0;
  const centres = new MetadataCentres({
    ...{ configs: [config("a"), config("b")], log: silentLogger, clock, onChange: () => void changes++ },
    fetch: (input, init) => servers[new URL(String(input)).host]!.fetch(input, init),
  });
  const ending = new AbortController();
  const running = centres.run(ending.signal);
  expect(centres.isRead).toBe(false);
  centres.follow([provided("a.A"), provided("b.B")]);
  await settle();
  expect(centres.isRead).toBe(true);
  expect(centres.schemas.map(({ name, java }) => [name, java?.methods[0]?.name])).toEqual([
    ["a.A", "first"],
    ["b.B", "other"],
  ]);
  expect(changes).toBeGreaterThan(0);
  servers["b:8848"]!.kill();
  await settle();
  expect(centres.findings.map(({ code, at }) => [code, at])).toEqual([["TR0161", "b:8848"]]);
  ending.abort();
  await running;
});

test("without any there is nothing to wait for", () => {
  const centres = new MetadataCentres({ configs: [], log: silentLogger, onChange: () => {} });
  expect([centres.isRead, centres.schemas, centres.findings]).toEqual([true, [], []]);
});

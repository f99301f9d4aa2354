import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { createNacosMetadata } from "../../../../../src/registry-sync/sources/nacos/metadata.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const definition = (...names: readonly string[]) =>
  JSON.stringify({ methods: names.map((name) => ({ name, parameterTypes: ["int"], returnType: "void" })), types: [] });
const provided = (name: string, application = "app") =>
  entry(name, [endpoint("10.0.0.1", { params: { application, version: "1.0.0" } })]);

function centre(namespace = "") {
  const clock = new ManualClock();
  const server = new FakeNacos(clock);
  const changes: string[] = [];
  const metadata = createNacosMetadata({
    ...{ name: "n", hosts: ["a:8848"], contextPath: "/nacos", username: "", password: "" },
    ...{ namespace, group: "dubbo", clock, log: silentLogger, fetch: server.fetch },
    onChange: () =>
      void changes.push(
        metadata.schemas.map(({ name, java }) => `${name} ${java?.methods.map((method) => method.name)}`).join("; "),
      ),
  });
  const ending = new AbortController();
  const running = metadata.run(ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await running;
  });
  return { clock, server, metadata, changes };
}

test.each(["", "public", "dev"])(
  "in namespace %j the reports of providers that are there become types, and are followed",
  async (namespace) => {
    const { server, metadata, changes } = centre(namespace);
    const put = (id: string, text: string | undefined) => server.put(id, text, namespace === "public" ? "" : namespace);
    put("a.A:1.0.0::provider:app", definition("one"));
    put("a.A:1.0.0::provider:gone", definition("old"));
    expect(metadata.isRead).toBe(false);
    metadata.follow([provided("a.A"), provided("b.B")]);
    await settle();
    expect([metadata.isRead, changes.at(-1)]).toEqual([true, "a.A one"]);
    put("b.B:1.0.0::provider:app", definition("two"));
    await settle();
    put("a.A:1.0.0::provider:app", definition("one", "more"));
    await settle();
    expect(changes.slice(-2)).toEqual(["a.A one; b.B two", "a.A one,more; b.B two"]);
  },
);

test("a report that cannot be read is a finding, and what it said before counts", async () => {
  const { server, metadata } = centre();
  server.put("a.A:1.0.0::provider:app", definition("one"));
  metadata.follow([provided("a.A")]);
  await settle();
  server.put("a.A:1.0.0::provider:app", "{");
  await settle();
  expect(metadata.findings).toMatchObject([{ code: "TR0160", at: "a.A:1.0.0::provider:app" }]);
  expect(metadata.findings[0]?.message).toContain("metadata centre n has a metadata report of a.A");
  expect(metadata.schemas).toHaveLength(1);
  server.put("a.A:1.0.0::provider:app", " ".repeat(600_000));
  await settle();
  expect(metadata.findings[0]?.message).toContain("over the limit of 524288");
});

test("a server that is lost is a finding until it is back; what was known stays", async () => {
  const { clock, server, metadata } = centre();
  server.put("a.A:1.0.0::provider:app", definition("one"));
  metadata.follow([provided("a.A")]);
  await settle();
  server.kill();
  await settle();
  expect(metadata.findings).toEqual([
    {
      code: "TR0161",
      severity: "warning",
      message:
        "metadata centre n is out of reach (nacos at a:8848: ECONNREFUSED); what was known of it stays as it was",
      at: "a:8848",
    },
  ]);
  expect(metadata.schemas).toHaveLength(1);
  server.isUp = true;
  clock.advance(30_000);
  await settle();
  expect([metadata.findings, metadata.schemas.length]).toEqual([[], 1]);
});

test("types go when other providers come that report none, and thousands of reports are taken up", async () => {
  const { server, metadata, changes } = centre();
  const names = Array.from({ length: 500 }, (_, index) => `a.S${index}`);
  for (const name of names) server.put(`${name}:1.0.0::provider:app`, definition("x"));
  metadata.follow(names.map((name) => provided(name)));
  await settle();
  await settle();
  await settle();
  expect(metadata.schemas).toHaveLength(500);
  metadata.follow(names.map((name) => provided(name, "other")));
  expect([metadata.schemas, changes.at(-1)]).toEqual([[], ""]);
});

test("a server that stays lost is told once, however often it is tried", async () => {
  const { clock, server, metadata, changes } = centre();
  server.kill();
  metadata.follow([provided("a.A")]);
  await settle();
  expect(metadata.findings).toHaveLength(1);
  expect(changes).toHaveLength(1);
  const asked = server.asked.length;
  for (let tries = 0; tries < 3; tries++) {
    clock.advance(5_000);
    await settle();
  }
  expect(server.asked.length).toBeGreaterThan(asked + 2);
  expect(changes).toHaveLength(1);
});

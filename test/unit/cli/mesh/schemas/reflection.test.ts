import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import {
  Reflection,
  type ReflectionAnswer,
  type ReflectionNeed,
} from "../../../../../src/cli/mesh/schemas/reflection.ts";
import type { ServiceSchema } from "../../../../../src/model/schema.ts";
import { turn } from "../../../../support/recording-logger.ts";

const TYPES: ReflectionAnswer = { type: "types", protobuf: "AA==" };
const FAILED: ReflectionAnswer = { type: "failed", why: "refused" };

const need = (name: string, ...hosts: string[]): ReflectionNeed => ({
  name,
  endpoints: hosts.map((address) => ({ address, port: 50051 })),
});

function start(answer: (host: string, service: string) => ReflectionAnswer) {
  const clock = new ManualClock();
  const startMs = clock.now();
  const asked: string[] = [];
  const told: (readonly ServiceSchema[])[] = [];
  let open = 0;
  const reflection = new Reflection({
    clock,
    log: silentLogger,
    onSchemas: (schemas) => told.push(schemas),
    async ask({ address: host }, service) {
      open++;
      expect(open).toBe(1);
      asked.push(`${(clock.now() - startMs) / 1000} ${host} ${service}`);
      await turn();
      open--;
      return answer(host, service);
    },
  });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await turn();
      await turn();
    }
  };
  return { reflection, asked, told, pass };
}

test("a service is asked for once, some time after it came, and one server at a time", async () => {
  const { reflection, asked, told, pass } = start(() => TYPES);
  reflection.setNeeds([need("a.A", "h1"), need("b.B", "h2")]);
  await pass(1);
  expect(asked).toEqual([]);
  await pass(20);
  expect(asked.map((one) => one.slice(one.indexOf(" ") + 1))).toEqual(["h1 a.A", "h2 b.B"]);
  expect(told.at(-1)).toEqual([
    { name: "a.A", protobuf: "AA==" },
    { name: "b.B", protobuf: "AA==" },
  ]);
  reflection.setNeeds([need("a.A", "h1"), need("b.B", "h2")]);
  await pass(100);
  expect(asked).toHaveLength(2);
});

test("servers that fail are asked soon, then after a minute, doubled, another one each time", async () => {
  const { reflection, asked, told, pass } = start(() => FAILED);
  reflection.setNeeds([need("a.A", "h1", "h2")]);
  await pass(260);
  expect(asked).toEqual(["2 h1 a.A", "7 h2 a.A", "67 h1 a.A", "187 h2 a.A"]);
  expect([told, reflection.answerOf("a.A")]).toEqual([[], FAILED]);
});

test.each<[ReflectionAnswer["type"], ReflectionAnswer]>([
  ["no_service", { type: "no_service" }],
  ["no_reflection", { type: "no_reflection" }],
])("an answer of %s is believed for an hour", async (_, answer) => {
  const { reflection, asked, pass } = start(() => answer);
  reflection.setNeeds([need("a.A", "h1")]);
  await pass(3_601);
  expect(asked).toHaveLength(1);
  await pass(2);
  expect(asked).toHaveLength(2);
  expect(reflection.answerOf("a.A")).toEqual(answer);
});

test("other endpoints are asked, though not at once again; what is known stays until they say otherwise", async () => {
  let protobuf = "AA==";
  const { reflection, asked, told, pass } = start(() => ({ type: "types", protobuf }));
  reflection.setNeeds([need("a.A", "h1")]);
  await pass(2);
  reflection.setNeeds([need("a.A", "h1", "h2")]);
  await pass(3);
  reflection.setNeeds([need("a.A", "h2")]);
  await pass(6);
  expect(asked).toHaveLength(1);
  protobuf = "AQ==";
  await pass(2);
  expect(asked).toEqual(["2 h1 a.A", "12 h2 a.A"]);
  expect(told).toEqual([[{ name: "a.A", protobuf: "AA==" }], [{ name: "a.A", protobuf: "AQ==" }]]);
});

test("a service without endpoints keeps its types and is not asked for; one that is needed no more loses them", async () => {
  const { reflection, asked, told, pass } = start(() => TYPES);
  reflection.setNeeds([need("a.A", "h1"), need("b.B")]);
  await pass(3);
  reflection.setNeeds([need("a.A"), need("b.B")]);
  await pass(20);
  reflection.setNeeds([need("a.A", "h1"), need("b.B")]);
  await pass(20);
  expect([asked.length, told.length]).toEqual([1, 1]);
  reflection.setNeeds([]);
  expect(told.at(-1)).toEqual([]);
});

test("after the end nobody is asked", async () => {
  const { reflection, asked, pass } = start(() => TYPES);
  reflection.setNeeds([need("a.A", "h1")]);
  reflection.close();
  await pass(10);
  expect(asked).toEqual([]);
});

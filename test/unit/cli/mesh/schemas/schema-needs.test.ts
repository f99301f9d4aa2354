import { expect, test } from "vitest";
import type { ReflectionAnswer } from "../../../../../src/cli/mesh/schemas/reflection.ts";
import {
  mayNeedOthers,
  needFindings,
  schemaNeeds,
  untoldFindings,
  untoldInterfaces,
} from "../../../../../src/cli/mesh/schemas/schema-needs.ts";
import type { Consumer, Endpoint } from "../../../../../src/model/entry.ts";
import type { ServiceSchema } from "../../../../../src/model/schema.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import { endpoint, entry } from "../../../../support/worlds.ts";

const tri = (address: string, params: Readonly<Record<string, string>> = {}, more: Partial<Endpoint> = {}) =>
  endpoint(`${address}:50051`, { protocol: "tri", params, ...more });
const idl = { proxy: "nativestub" };
const java = { name: "a.A", java: { methods: [], types: {} } };
const protobuf = { name: "a.A", protobuf: "AA==" };

test.each<[string, readonly (string | Endpoint)[], ServiceSchema | undefined, boolean | undefined]>([
  ["Triple alone that says nothing", [tri("h")], undefined, false],
  ["Triple beside Dubbo2 that says nothing", [tri("h"), "h"], java, false],
  ["Dubbo2 alone", ["h"], undefined, undefined],
  ["a Java interface, as Dubbo registers it", [tri("h", { interface: "a.A" })], undefined, undefined],
  ["a Java interface beside protobuf", [tri("h", { interface: "a.A" }), tri("i", idl)], undefined, true],
  ["protobuf by its URL, known as Java alone", [tri("h", idl)], java, true],
  ["protobuf by dubbo-go's URL", [tri("h", { "IDL-mode": "IDL" })], undefined, true],
  ["protobuf that is known", [tri("h", idl)], protobuf, undefined],
])("whose types are asked for: %s", (_, endpoints, schema, isProtobuf) => {
  const needs = schemaNeeds([entry("a.A", endpoints)], () => schema);
  expect(needs.map((need) => need.isProtobuf)).toEqual(isProtobuf === undefined ? [] : [isProtobuf]);
});

test("those of them that take the wrapper are not asked, and of a service whose endpoints went nobody is", () => {
  const [mixed] = schemaNeeds([entry("a.A", [tri("h", { interface: "a.A" }), tri("i", idl)])], () => undefined);
  expect(mixed?.endpoints).toEqual([{ address: "i", port: 50051 }]);
  expect(schemaNeeds([entry("a.A", [])], () => undefined)).toMatchObject([{ name: "a.A", endpoints: [] }]);
});

test("endpoints of all groups and versions are asked, each once and not those that are disabled", () => {
  const entries = [
    entry("g/a.A:1", [tri("h2"), tri("h1")]),
    entry("a.A:2", [tri("h1"), tri("h3", {}, { disabled: true })]),
  ];
  expect(schemaNeeds(entries, () => undefined)).toEqual([
    {
      name: "a.A",
      isProtobuf: false,
      endpoints: [
        { address: "h1", port: 50051 },
        { address: "h2", port: 50051 },
      ],
    },
  ]);
});

const plain = entry("b.B", ["h"]);
test.each<[string, boolean, ReturnType<typeof entry>, ReturnType<typeof entry>]>([
  ["one more of many Dubbo2 providers", false, entry("a.A", ["h"]), entry("a.A", ["h", "i"])],
  ["the last of them", true, entry("a.A", ["h"]), entry("a.A", [])],
  ["another one with a Java interface", false, entry("a.A", [tri("h", { interface: "a.A" })]), entry("a.A", ["h"])],
  ["one whose types may be asked for", true, entry("a.A", ["h"]), entry("a.A", ["h", tri("i")])],
  ["the place of one whose types may be asked for", true, entry("a.A", [tri("h")]), entry("a.A", [tri("i")])],
  ["another service", true, entry("a.A", ["h"]), entry("a.Other", ["h"])],
])("whether other types may be needed: %s", (_, may, before, after) => {
  expect(mayNeedOthers([before, plain], [after, plain])).toBe(may);
  expect(mayNeedOthers([before, plain], [before, plain])).toBe(false);
  expect(mayNeedOthers([plain], [before, plain])).toBe(true);
});

const consumer = (params: Readonly<Record<string, string>>): Consumer => ({
  ...{ service: serviceKey("a.A"), address: "h", application: "app", params },
});
const [dubbo26, dubbo27, dubbo33] = [
  consumer({ dubbo: "2.6.12" }),
  consumer({ dubbo: "2.0.2", release: "2.7.23" }),
  consumer({ dubbo: "2.0.2", release: "3.3.6" }),
];
const failed: ReflectionAnswer = { type: "failed", why: "no answer" };

test.each<[string, Readonly<Record<string, string>>, ReflectionAnswer | undefined, readonly Consumer[], string]>([
  ["protobuf, not asked yet", idl, undefined, [], ""],
  ["protobuf, told", idl, { type: "types", protobuf: "" }, [], ""],
  ["protobuf, without reflection", idl, { type: "no_reflection" }, [], "nobody tells (they have no reflection)"],
  ["protobuf, unknown there", idl, { type: "no_service" }, [], "(their reflection has no such service)"],
  ["protobuf, failed", idl, failed, [], "(reflection failed: no answer)"],
  ["anything, failed, no Dubbo2 consumer", {}, failed, [dubbo33], ""],
  ["anything, failed, a consumer of 2.7", {}, failed, [dubbo33, dubbo27], "are taken to offer a Java interface"],
  ["anything, without reflection, a consumer of 2.6", {}, { type: "no_reflection" }, [dubbo26], "by protos"],
  ["a Java interface by its server's word", {}, { type: "no_service" }, [dubbo27], ""],
])("a finding: %s", (_, params, answer, consumers, text) => {
  const needs = schemaNeeds([entry("a.A", [tri("h", params)])], () => undefined);
  const findings = needFindings(needs, () => answer, consumers);
  expect(findings.map(({ code, at }) => [code, at])).toEqual(text === "" ? [] : [["TR0310", "a.A"]]);
  expect(findings[0]?.message ?? "").toContain(text);
});

test.each<[string, readonly (string | Endpoint)[], ServiceSchema | undefined, boolean]>([
  ["Dubbo2 without a report", ["h"], undefined, true],
  ["Dubbo2, of which a .proto file is known", ["h"], protobuf, true],
  ["Dubbo2 with a report", ["h"], java, false],
  ["a Java interface by Triple", [tri("h", { interface: "a.A" })], undefined, true],
  ["protobuf by Triple", [tri("h", { interface: "a.A", ...idl })], undefined, false],
  ["Triple that says nothing", [tri("h")], undefined, false],
  ["disabled providers alone", [endpoint("h:1", { disabled: true })], undefined, false],
  ["no provider", [], undefined, false],
])("whose Java types are missed: %s", (_, endpoints, schema, isMissed) => {
  expect(untoldInterfaces([entry("a.A", endpoints)], () => schema)).toEqual(isMissed ? ["a.A"] : []);
});

test("Dubbo's own services and REST ones are not missed, and groups of one interface are one", () => {
  const names = ["org.apache.dubbo.metadata.MetadataService", "g/b.B:1", "b.B:2", "a.A"];
  const mapped = { ...entry("c.C", ["h"]), mapped: true as const };
  expect(untoldInterfaces([...names.map((name) => entry(name, ["h"])), mapped], () => undefined)).toEqual([
    "a.A",
    "b.B",
  ]);
});

test.each([
  [0, undefined],
  [1, "1 service (a.S0)"],
  [3, "3 services (a.S0, a.S1, a.S2)"],
  [40, "40 services (a.S0, a.S1, a.S2 and 37 more)"],
])("of %i whose types nobody tells one finding says %s, and what would help", (count, text) => {
  const findings = untoldFindings(Array.from({ length: count }, (_, index) => `a.S${index}`));
  expect(findings.map(({ code, severity, at }) => [code, severity, at])).toEqual(
    text === undefined ? [] : [["TR0311", "info", "a.S0"]],
  );
  if (text === undefined) return;
  expect(findings[0]?.message).toContain(`nobody tells Java's types of ${text}: `);
  expect(findings[0]?.message).toContain(
    "let providers of Dubbo 2.7 and 3 write metadata reports into their registry, or name the Nacos that they report to by metadata",
  );
});

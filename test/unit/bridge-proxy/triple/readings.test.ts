import { describe, expect, test } from "vitest";
import { isFramed, policyLookup, refuseDoubleHeads } from "../../../../src/bridge-proxy/triple/readings.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";

const { routes } = guardedConfig({ "com.acme.A": {}, "g/com.acme.A": {} });
const GRPC = ["content-type", "application/grpc"];
const JSON_TYPE = ["content-type", "application/json"];

function fault(path: string, type: readonly string[] = GRPC, ...more: string[]): string | undefined {
  const fields = [":path", path, ...type, ...more];
  const head = parseRequestHead(fields);
  try {
    refuseDoubleHeads(fields, head, routes.decide(head.interface, head.version, head.method));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("heads that can be read in several ways", () => {
  const convert = (names: object) => ["tri-header-convert", encodeURIComponent(JSON.stringify(names))];
  const rows: [string, string | undefined][] = [
    [String(fault("/com.acme.A/get")), "undefined"],
    [String(fault("/ctx/com.acme.A/get")), "undefined"],
    [String(fault("/com.acme.A/get?x=//y")), "undefined"],
    [String(fault("/com.acme.A/get~l", JSON_TYPE)), "undefined"],
    [String(fault("/com.acme.A/get", GRPC, ...convert({ userid: "userId" }))), "undefined"],
    [String(fault("/com.acme.A/get", GRPC, "tri-service-group", "g", "tri-service-group", "g")), "undefined"],
    [String(fault("//com.acme.A/get")), "can be read in several ways"],
    [String(fault("/./com.acme.A/get")), "can be read in several ways"],
    [String(fault("/x/../com.acme.A/get")), "can be read in several ways"],
    [String(fault("/com.acme.A/%67et")), "can be read in several ways"],
    [String(fault("/com.acme.A/get;x")), "can be read in several ways"],
    [String(fault("/com.acme.A/get.json", JSON_TYPE)), "is no name"],
    [String(fault("/com.acme.A:1.0/get")), "can be read in several ways"],
    [String(fault("/g/com.acme.A/get")), "names a group"],
    [String(fault("/orders/list", JSON_TYPE)), "names no interface"],
    [String(fault("/com.acme.A/get", GRPC, "tri-service-group", "g", "tri-service-group", "h")), "twice"],
    [String(fault("/com.acme.A/get", GRPC, "tri-service-group", "g", "rest-service-group", "h")), "twice"],
    [String(fault("/com.acme.A/$invoke", GRPC, "generic", "true", "generic", "nativejava")), "twice"],
    [String(fault("/com.acme.A/$invoke", GRPC, "generic", "true", "generic-bin", "bmF0aXZlamF2YQ")), "twice"],
    [String(fault("/com.acme.A/get", GRPC, ...convert({ x: "user" }))), "other names"],
    [String(fault("/com.acme.A/get", GRPC, "tri-header-convert", "{")), "other names"],
  ];
  test.each(rows.map(([is, expected], i) => [i, is, expected] as const))("row %i: %s", (_, is, expected) => {
    expect(is).toContain(expected);
  });
});

test("headers that stand there twice are not read, and arguments of gRPC's frames alone", () => {
  const fields = [":path", "/ctx/com.acme.A/get", ...GRPC, "user", "ann", "user", "eve", "one", "1", "two-bin", "Mg"];
  const head = parseRequestHead(fields);
  const lookup = policyLookup(fields, head, (name) => fieldValue(fields, name));
  expect(lookup("one")).toBe("1");
  expect(lookup("none")).toBeUndefined();
  for (const name of ["user", "two", "dubbo-group"]) expect(() => lookup(name)).toThrow("a policy asks for");
  expect(lookup("dubbo-arg-0")).toBeUndefined();
  const json = parseRequestHead([":path", "/com.acme.A/get", ...JSON_TYPE]);
  expect([isFramed(head), isFramed(json)]).toEqual([true, false]);
  expect(() => policyLookup([], json, () => undefined)("dubbo-arg-0")).toThrow("gRPC-framed");
});

test("a parameter of the query is read for tokens, the first of its name", () => {
  const fields = [":path", "/com.acme.A/get?a=%20b&a=c&d", ...JSON_TYPE];
  const lookup = policyLookup(fields, parseRequestHead(fields), () => undefined);
  expect([lookup("?a"), lookup("?d"), lookup("?e"), lookup("a")]).toEqual([" b", "", undefined, undefined]);
});

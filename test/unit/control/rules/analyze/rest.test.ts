import { describe, expect, test } from "vitest";
import { analyzeRest } from "../../../../../src/control/rules/analyze/rest.ts";
import type { Entry } from "../../../../../src/model/entry.ts";
import type { RestMappingRule } from "../../../../../src/model/rule.ts";
import { serviceKey } from "../../../../../src/model/service.ts";

const position = (line: number) => ({ file: "a.yaml", line, column: 1 });

function rule(name: string, more: Partial<RestMappingRule> = {}): RestMappingRule {
  return {
    kind: "RestMapping",
    at: { position: position(1), fields: { interface: position(2), host: position(3), methods: position(4) } },
    name,
    namespace: "shop",
    createdAtMs: undefined,
    service: serviceKey("com.acme.Order"),
    host: undefined,
    endpoints: [],
    mapping: { methods: [], types: {}, dates: "iso" },
    ...more,
  };
}

function entry(key: string, protocol: string, origin = "zk"): Entry {
  const rest = { weight: 100, startedAtMs: 0, warmupMs: 0, tag: "", disabled: false, token: "", payloadBytes: 0 };
  const endpoint = { address: "10.0.0.1", port: 1, protocol, ...rest, params: {}, origin };
  return { host: key.toLowerCase(), service: serviceKey(key), endpoints: [endpoint] };
}

describe("RestMapping rules without effect", () => {
  const named = rule("m", { host: "stock.shop" });
  test.each<[string, RestMappingRule[], Entry[] | undefined, string[]]>([
    ["none", [rule("m")], [], []],
    ["none where the registry is not known", [named], undefined, []],
    [
      "a second one",
      [rule("m"), rule("n")],
      [],
      ["2 RestMapping n: RestMapping m is for com.acme.Order already and is used"],
    ],
    [
      "a second one of another group",
      [rule("m"), rule("n", { service: serviceKey("com.acme.Order", "g") })],
      [],
      ["4 RestMapping n: the methods of RestMapping m are used for g/com.acme.Order: an interface has one mapping"],
    ],
    [
      "one that a registry has providers of",
      [rule("m")],
      [entry("com.acme.Order", "dubbo")],
      ["2 RestMapping m: a registry has providers of com.acme.Order, and they are called"],
    ],
    ["not its own entry", [rule("m")], [entry("com.acme.Order", "http", "rules")], []],
    [
      "a host that is not there",
      [named],
      [],
      ['3 RestMapping m: no service has the host "stock.shop"; calls find no provider'],
    ],
    [
      "a host without HTTP",
      [named],
      [entry("stock.shop", "tri", "rules")],
      ['3 RestMapping m: "stock.shop" has no endpoint that speaks http; calls find no provider'],
    ],
    ["not a host with HTTP", [named], [entry("stock.shop", "http", "rules")], []],
  ])("are %s", (_, rules, entries, expected) => {
    const said: string[] = [];
    analyzeRest(rules, entries, (code, { line }, message) => {
      expect(code).toBe("TR0260");
      said.push(`${line} ${message}`);
    });
    expect(said).toEqual(expected);
  });
});

test("classes of answers that a mapping does not describe are told, once a rule", () => {
  const method = { name: "m", verb: "GET", path: "/", parameters: [], notFound: "null", exceptions: {} } as const;
  const returns = (returnType: string) => ({ ...method, returnType });
  const types = {
    "com.acme.Order": { properties: { lines: "java.util.List<com.acme.Line>", state: "com.acme.State" } },
  };
  const methods = [returns("java.util.Map<java.lang.String,com.acme.Order[]>"), returns("long"), returns("T"), method];
  const said: string[] = [];
  const report = (code: string, { line }: { readonly line: number }, message: string) =>
    said.push(`${code} ${line} ${message}`);
  analyzeRest([rule("m", { mapping: { methods, types, dates: "iso" } })], undefined, report);
  expect(said).toEqual(["TR0261 4 RestMapping m does not describe com.acme.Line, com.acme.State"]);
  const all = { ...types, "com.acme.Line": { properties: {} }, "com.acme.State": { enums: ["NEW"] } };
  analyzeRest([rule("m", { mapping: { methods, types: all, dates: "iso" } })], undefined, report);
  expect(said).toHaveLength(1);
});

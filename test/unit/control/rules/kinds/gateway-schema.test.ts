import { expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { gatewayText, rulesOf, virtualServiceOf, virtualServiceText } from "../../../../support/rules.ts";

const to = "route: [{destination: {host: b}}]";
const codes = (text: string) => parseRules("r.yaml", text).findings.map(({ code }) => code);

test("a policy for other origins is read, in the older form too", () => {
  const cors = (text: string) => virtualServiceOf("[a]", `[{corsPolicy: ${text}, ${to}}]`).http[0]!.corsPolicy;
  expect(cors("{allowOrigins: [{prefix: 'https://'}], allowMethods: [POST], maxAge: 1h}")).toMatchObject({
    allowOrigins: [{ type: "prefix", value: "https://" }],
    allowMethods: ["POST"],
    maxAgeMs: 3_600_000,
  });
  expect(cors('{allowOrigin: ["https://a.example", "*"]}')?.allowOrigins).toEqual([
    { type: "exact", value: "https://a.example" },
    { type: "regex", value: ".*" },
  ]);
});

test.each([
  ["a method with a line break", '{allowMethods: ["GET\\r\\nx: y"]}', "TR0209"],
  ["a header's name with a space", "{exposeHeaders: [a b]}", "TR0209"],
  ["both forms of origins", "{allowOrigin: [a], allowOrigins: []}", "TR0213"],
  ["a negative age", "{maxAge: -1s}", "TR0210"],
])("%s is refused in a corsPolicy", (_, cors, code) => {
  expect(codes(virtualServiceText("a", "[a]", `[{corsPolicy: ${cors}, ${to}}]`))).toEqual([code]);
});

test.each([
  ["no servers", "[]", "TR0208"],
  ["a server without hosts", "[{port: {number: 1, protocol: HTTP}, hosts: []}]", "TR0208"],
  ["a host with a wildcard inside", "[{port: {number: 1, protocol: HTTP}, hosts: [a.*.b]}]", "TR0209"],
  ["a host that is a URL", "[{port: {number: 1, protocol: HTTP}, hosts: ['http://a']}]", "TR0209"],
  ["port 0", "[{port: {number: 0, protocol: HTTP}, hosts: [a]}]", "TR0209"],
  ["a name to listen on", "[{port: {number: 1, protocol: HTTP}, hosts: [a], bind: localhost}]", "TR0209"],
  ["a field that there is not", "[{port: {number: 1, protocol: HTTP}, hosts: [a], prot: 1}]", "TR0206"],
])("%s is refused in a Gateway", (_, servers, code) => {
  expect(codes(gatewayText("g", servers))).toEqual([code]);
});

test("namespaces, addresses and wildcards of a server are read", () => {
  const text = gatewayText(
    "g",
    '[{port: {number: 1, protocol: HTTP}, hosts: ["*", "*/a.b", "./*.b", prod/c.d], bind: "::1"}]',
  );
  expect(rulesOf(text)).toMatchObject([{ servers: [{ hosts: ["*", "*/a.b", "./*.b", "prod/c.d"], bind: "::1" }] }]);
});

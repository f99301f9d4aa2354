import { expect, test } from "vitest";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { virtualServiceText } from "../../../../support/rules.ts";

const read = (redirect: string) => parseRules("r.yaml", virtualServiceText("v", "[a]", `[{redirect: ${redirect}}]`));

test.each([
  ["{uri: /new, redirectCode: 308}", { uri: "/new", redirectCode: 308 }],
  ["{authority: 'shop.example.com:8443', scheme: https}", { authority: "shop.example.com:8443", scheme: "https" }],
  ["{prefixRewrite: /v2, derivePort: FROM_REQUEST_PORT}", { prefixRewrite: "/v2", derivePort: "FROM_REQUEST_PORT" }],
  ["{authority: '[::1]', port: 8080}", { authority: "[::1]", port: 8080 }],
])("%s is read", (text, redirect) => {
  const { rules, findings } = read(text);
  expect(findings).toEqual([]);
  expect(rules).toMatchObject([{ http: [{ redirect }] }]);
});

test("a status of 0 is none", () => {
  const [rule] = read("{uri: /x, redirectCode: 0}").rules;
  expect(rule).toMatchObject({ http: [{ redirect: { uri: "/x" } }] });
  expect(JSON.stringify(rule)).not.toContain('redirectCode":0');
});

test.each([
  ["{uri: /x, redirectCode: 304}", "redirectCode is 304; it must be 301, 302, 303, 307 or 308"],
  ["{scheme: ftp}", "scheme must be http or https"],
  ["{authority: 'a b'}", "authority must be a host, perhaps with a port"],
  ["{authority: a/b}", "authority must be a host, perhaps with a port"],
  ['{uri: "/x\\r\\nset-cookie: a=b"}', "uri must be a path of printable ASCII, without blanks"],
  ["{prefixRewrite: /ä}", "prefixRewrite must be a path of printable ASCII, without blanks"],
  ["{uri: /x, prefixRewrite: /y}", "has both uri and prefixRewrite; only one of them may stand"],
  ["{port: 80, derivePort: FROM_REQUEST_PORT}", "has both port and derivePort; only one of them may stand"],
])("%s is wrong", (text, message) => {
  expect(read(text).findings.map((one) => one.message)).toContainEqual(expect.stringContaining(message));
});

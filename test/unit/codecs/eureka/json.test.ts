import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { isObject, parseEurekaJson, printEurekaJson } from "../../../../src/codecs/eureka/json.ts";

const fixture = (name: string) => readFileSync(`fixtures/wire/eureka/${name}`, "utf8").trim();

test.each(["apps.json", "instance.json", "delta.json", "out-of-service.json", "empty.json"])(
  "%s comes out as it went in",
  (name) => {
    const text = fixture(name);
    expect(printEurekaJson(parseEurekaJson(text))).toBe(text);
  },
);

test("a compact answer has its version and hash behind the applications", () => {
  const document = parseEurekaJson(fixture("apps-compact.json"));
  expect(document).toMatchObject({ kind: "applications", version: "1", hashcode: "UP_2_" });
});

test("one application, and one instance, in the place of a list are read as lists of one", () => {
  const document = parseEurekaJson(
    '{"applications":{"versions__delta":3,"application":{"name":"a","instance":{"hostName":"h"}}}}',
  );
  expect(document).toEqual({
    kind: "applications",
    version: "3",
    hashcode: undefined,
    applications: [{ name: "A", instances: [{ hostName: "h" }] }],
  });
});

test.each([
  ["", "eureka answer is no json: Unexpected end of JSON input"],
  [fixture("apps.json").slice(0, -1), "eureka answer is no json"],
  ["[]", "eureka answer has no applications, application or instance"],
  ["{}", "eureka answer has no applications, application or instance"],
  ['{"applications":null}', "eureka answer has no applications, application or instance"],
  ['{"applications":{"application":"A"}}', 'eureka "application" is no list'],
  ['{"applications":{"application":[7]}}', "eureka application is no object"],
  ['{"applications":{"application":[{"instance":[]}]}}', "eureka application has no name"],
  ['{"application":{"name":"A","instance":[null]}}', "eureka instance is no object"],
  ['{"application":{"name":"A","instance":7}}', 'eureka "instance" is no list'],
])("%j is refused", (text, message) => {
  expect(() => parseEurekaJson(text)).toThrow(ProtocolError);
  expect(() => parseEurekaJson(text)).toThrow(message);
});

test("every truncation of an answer is refused", () => {
  const text = fixture("apps.json");
  for (let end = 0; end < text.length; end += 7)
    expect(() => parseEurekaJson(text.slice(0, end))).toThrow(ProtocolError);
});

test("lists and null are no objects", () => {
  expect([{}, [], null, "x", 1].map(isObject)).toEqual([true, false, false, false, false]);
});

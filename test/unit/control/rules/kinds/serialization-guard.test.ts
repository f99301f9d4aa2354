import { expect, test } from "vitest";
import { SERIALIZATION_FILTER } from "../../../../../src/codecs/xds/serialization-guard.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { configsOf } from "../../../../support/policies.ts";
import { shortFindings } from "../../../../support/rules.ts";

const text = (spec: string, name = "g") =>
  `apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

test("its fields become a typed config of the virtual host", () => {
  const spec = "{defaults: false, denyClasses: [a.B], allowClasses: [c.*], maxBodyBytes: 1000, maxDepth: 9}";
  expect(configsOf([text(spec)])?.[SERIALIZATION_FILTER]).toMatchObject({
    deny: ["a.B"],
    maxBodyBytes: 1000,
    maxDepth: 9,
  });
  expect(configsOf([text(spec)])?.[SERIALIZATION_FILTER]?.allow).toEqual(
    expect.arrayContaining(["c.*", "java.util.*"]),
  );
  expect(configsOf([text("{selector: {matchLabels: {app: none}}}")])).toBeUndefined();
});

test.each([
  ["a class that is none", "{denyClasses: ['a b']}", /^TR0209/],
  ["a star in the middle", "{denyClasses: ['a.*.b']}", /^TR0209/],
  ["a depth of none", "{maxDepth: 0}", /^TR0209/],
  ["an unknown field", "{classes: []}", /^TR0206/],
])("%s keeps the file from use", (_, spec, finding) => {
  expect(shortFindings(parseRules("g.yaml", text(spec)).findings)).toContainEqual(expect.stringMatching(finding));
});

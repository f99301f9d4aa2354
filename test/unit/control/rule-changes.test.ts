import { expect, test } from "vitest";
import { isSameSet, tellChange } from "../../../src/control/rule-changes.ts";
import { parseRules } from "../../../src/control/rules/parse.ts";
import { joinFiles, NO_RULES, takeFile } from "../../../src/control/rules/rule-set.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const good = takeFile("a.yaml", undefined, parseRules("a.yaml", ""));
const bad = takeFile("b.yaml", undefined, parseRules("b.yaml", "kind: VirtualService\n"));

test("sets are the same where their files and findings are", () => {
  expect(isSameSet(joinFiles([good], []), joinFiles([good], []))).toBe(true);
  expect(isSameSet(joinFiles([good], []), joinFiles([good, bad], []))).toBe(false);
  expect(isSameSet(joinFiles([good], []), joinFiles([{ ...good }], []))).toBe(false);
  expect(isSameSet(NO_RULES, joinFiles([], []))).toBe(false);
});

test("only what is new is told, and how many rules there are", () => {
  const { logger, lines } = recordingLogger();
  tellChange(NO_RULES, joinFiles([good, bad], []), logger);
  expect(lines.map(([level]) => level)).toContain("error");
  expect(lines.at(-1)?.slice(1)).toEqual(["rules taken up", { rules: 0, files: 2 }]);
  const told = lines.length;
  tellChange(joinFiles([bad], []), joinFiles([good, bad], []), logger);
  expect(lines.length).toBe(told + 1);
});

test("a shallow look does not ask the rules what they mean", () => {
  const text = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: d}
spec: {host: a}
`;
  const twice = takeFile("c.yaml", undefined, parseRules("c.yaml", `${text}---\n${text}`));
  const deep = recordingLogger();
  tellChange(NO_RULES, joinFiles([twice], []), deep.logger);
  const shallow = recordingLogger();
  tellChange(NO_RULES, joinFiles([twice], []), shallow.logger, true);
  expect(deep.lines.length).toBeGreaterThan(1);
  expect(shallow.lines).toHaveLength(1);
});

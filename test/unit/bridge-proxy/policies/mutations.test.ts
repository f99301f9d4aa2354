import { expect, test } from "vitest";
import { compileMutations } from "../../../../src/bridge-proxy/policies/mutations.ts";

const option = (key: string, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" | "APPEND_IF_EXISTS_OR_ADD") =>
  ({ header: { key, value: "1" }, appendAction }) as const;

test("changes of calls and of answers are told apart; what changes nothing is undefined", () => {
  expect(compileMutations({})).toEqual({ mutations: undefined, answerMutations: undefined });
  expect(
    compileMutations({
      requestHeadersToAdd: [option("a", "OVERWRITE_IF_EXISTS_OR_ADD"), option("b", "APPEND_IF_EXISTS_OR_ADD")],
      responseHeadersToRemove: ["c"],
    }),
  ).toEqual({
    mutations: { set: [["a", "1"]], add: [["b", "1"]], remove: [] },
    answerMutations: { set: [], add: [], remove: ["c"] },
  });
});

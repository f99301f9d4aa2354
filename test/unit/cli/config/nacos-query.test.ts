import { expect, test } from "vitest";
import { NACOS_QUERY, nacosList, nacosQueryFault } from "../../../../src/cli/config/nacos-query.ts";

test.each([
  ["api", "grpc", undefined],
  ["api", "v1", 'api "v1" is none of auto, grpc, http'],
  ["namespace", "", undefined],
  ["namespace", "6a3b-dev", undefined],
  ["namespace", "a b", 'namespace "a b" is no namespace\'s id: letters, digits and _.:-'],
  ["group", "G1,G2", undefined],
  ["group", "", "group is empty"],
  ["group", "G1,a@@b", 'group "a@@b" is no name of a group: letters, digits and _.:-'],
  ["cluster", " C1 , C2 ", undefined],
  ["cluster", "C/1", 'cluster "C/1" is no name of a cluster: letters, digits and _.:-'],
  ["backup", "anything", undefined],
])("%s=%s: %s", (name, value, fault) => {
  expect(NACOS_QUERY).toContain(name);
  expect(nacosQueryFault(name, value)).toBe(fault);
});

test("a list may have blanks and empty places", () => {
  expect(nacosList(" a,,b ,")).toEqual(["a", "b"]);
});

import { expect, test } from "vitest";
import { describeAction, describeLimits, describeMatch, describePath } from "../../../../src/control/explain/words.ts";
import { globalLimit, limitedHost } from "../../../support/limits.ts";

test.each([
  [{ path: "/a/b" }, "/a/b"],
  [{ path: "/a/b", caseSensitive: false }, "/a/b in any case"],
  [{ prefix: "/a/" }, "/a/*"],
  [{ prefix: "/" }, undefined],
  [{ safeRegex: { regex: "/a/.*" } }, "~ /a/.*"],
])("the path of %j is %s", (match, words) => {
  expect(describePath(match)).toBe(words);
});

test("a match without conditions is every call", () => {
  expect(describeMatch({ prefix: "/" })).toBe("every call");
  expect(describeMatch({ prefix: "/", headers: [{ name: "x", presentMatch: true, invertMatch: true }] })).toBe(
    "not (x is there)",
  );
});

test.each([
  [{ pathRedirect: "/new" }, "redirect to *://*/new"],
  [{ schemeRedirect: "https", hostRedirect: "a", portRedirect: 8443 }, "redirect to https://a:8443/*"],
  [{ prefixRewrite: "/v2/" }, "redirect to *://*/v2/*"],
])("%o is said in words", (redirect, words) => {
  expect(describeAction({ match: {}, redirect })).toBe(words);
});

test("limits are said in words: all of a service, or those of a call", () => {
  expect(describeLimits({})).toBe("");
  expect(describeLimits(limitedHost())).toBe(
    "limit 2 and 1 more each 1s where :path = /com.acme.A/create and level = gold; limit 4 and 4 more each 1s",
  );
  expect(describeLimits(limitedHost(), () => true)).toBe("limit 2 and 1 more each 1s");
  expect(describeLimits(limitedHost(), () => false)).toBe("limit 4 and 4 more each 1s");
  const asked = globalLimit([{ headerValueMatch: { descriptorValue: "match", headers: [] } }]);
  expect(describeLimits(asked)).toBe("limit of limits for orders");
  expect(describeLimits(asked, () => false)).toBe("");
});

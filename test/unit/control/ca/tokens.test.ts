import { expect, test } from "vitest";
import { ConfigError } from "../../../../src/base/errors.ts";
import { byToken, parseTokens } from "../../../../src/control/ca/tokens.ts";

const { signal } = new AbortController();
const TEXT = "# machines\n\n0123456789abcdef0 shop/orders\r\n  fedcba9876543210f\tlegacy/gate-1 \n";

test("a token proves the account that stands behind it", async () => {
  let table = parseTokens(TEXT, "cluster.local");
  const way = byToken(() => table);
  const prove = (token?: string) => way.authenticate({ address: "", ...(token !== undefined && { token }) }, signal);
  expect(await prove("0123456789abcdef0")).toEqual({
    trustDomain: "cluster.local",
    namespace: "shop",
    serviceAccount: "orders",
  });
  expect((await prove("fedcba9876543210f"))?.serviceAccount).toBe("gate-1");
  for (const token of ["0123456789abcdef", "", undefined]) expect(await prove(token)).toBeUndefined();
  table = parseTokens("", "cluster.local");
  expect(await prove("0123456789abcdef0")).toBeUndefined();
});

const WRONG: readonly (readonly [string, string])[] = [
  ["0123456789abcdef0", "line 1 must be a token and NAMESPACE/ACCOUNT with a space between"],
  ["0123456789abcdef0 orders", "line 1 must be a token and NAMESPACE/ACCOUNT with a space between"],
  ["0123456789abcdef0 shop/orders x", "line 1 must be a token and NAMESPACE/ACCOUNT with a space between"],
  ["0123456789abcdef0 shop/orders/x", "line 1 must be a token and NAMESPACE/ACCOUNT with a space between"],
  ["0123456789abcdef0 ../orders", "line 1 must be a token and NAMESPACE/ACCOUNT with a space between"],
  ["short shop/orders", "line 1 has a token of less than 16 characters"],
  [`${TEXT}0123456789abcdef0 shop/other`, "line 5 has a token that stands above already"],
];

test.each(WRONG)("%j is refused without any text of it", (text, message) => {
  expect(() => parseTokens(text, "cluster.local")).toThrow(new ConfigError("ca.tokens", message));
});

import { expect, test } from "vitest";
import { compileCors } from "../../../../src/bridge-proxy/gateway/cors.ts";

const shop = "https://shop.example";

test("an allowed origin is named in answers, with what scripts may read of them", () => {
  const cors = compileCors({
    allowOriginStringMatch: [{ exact: shop }],
    exposeHeaders: "x-trace",
    allowCredentials: true,
  });
  expect(cors.answer(shop)).toEqual([
    ...["access-control-allow-origin", shop, "vary", "origin", "access-control-allow-credentials", "true"],
    ...["access-control-expose-headers", "grpc-status,grpc-message,x-trace"],
  ]);
});

test("a preflight request of another origin goes on as any request does, unless the rule says otherwise", () => {
  for (const forwardNotMatchingPreflights of [undefined, true]) {
    const cors = compileCors({
      allowOriginStringMatch: [{ exact: shop }],
      ...(forwardNotMatchingPreflights !== undefined && { forwardNotMatchingPreflights }),
    });
    expect(cors.preflight("https://evil.example")).toBeUndefined();
  }
});

test("another origin is told nothing but that the answer depends on it", () => {
  const cors = compileCors({ allowOriginStringMatch: [{ exact: shop }], forwardNotMatchingPreflights: false });
  for (const origin of ["https://evil.example", `${shop}.evil.example`, "null", ""]) {
    expect([cors.answer(origin), cors.preflight(origin)]).toEqual([
      ["vary", "origin"],
      ["vary", "origin"],
    ]);
  }
});

test("a preflight request is told methods, headers and for how long", () => {
  const cors = compileCors({
    allowOriginStringMatch: [{ safeRegex: { regex: "https://.*\\.example" } }],
    allowMethods: "POST,GET",
    allowHeaders: "content-type,x-user",
    maxAge: "60",
  });
  expect(cors.preflight(shop)).toEqual([
    ...["access-control-allow-origin", shop, "vary", "origin"],
    ...["access-control-allow-methods", "POST,GET", "access-control-allow-headers", "content-type,x-user"],
    ...["access-control-max-age", "60"],
  ]);
});

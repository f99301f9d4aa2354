import { expect, test } from "vitest";
import { carriedBy, type TakenRequest } from "../../../../src/bridge-proxy/gateway/carried.ts";
import { Refused } from "../../../../src/bridge-proxy/gateway/own-answer.ts";
import type { GatewayHost, GatewayRoute } from "../../../../src/bridge-proxy/gateway/table.ts";
import type { HostDecision } from "../../../../src/bridge-proxy/route.ts";

const route = { cors: undefined, decisionFor: (method: string) => ({ method }) as HostDecision } as GatewayRoute;
const closed = { ...route };
/** Takes everything to `route`, but for `/admin` and what begins so. */
const host = {
  choosesByPath: true,
  find: ({ path }: { readonly path: string }) => (/^\/admin(\/|$)|:delete$/.test(path) ? closed : route),
} as unknown as GatewayHost;

const asked = (more: readonly string[] = []) => ({
  fields: [":method", "GET", ":authority", "a", ":path", "/", ...more],
  never: [],
  end: true,
});
const taken = (path: string, more: Partial<TakenRequest> = {}): TakenRequest => ({
  ...{ path, query: "?q", verb: "BREW", scheme: "https", host, route, hasWaited: false, lookup: () => undefined },
  ...more,
});
const refusal = (run: () => unknown): number | undefined => {
  try {
    run();
  } catch (error) {
    return (error as Refused).answer.http;
  }
  return undefined;
};

test("a request is carried to its path, and counted by its method's name", () => {
  const { head, decision, added } = carriedBy(asked(), taken("/a/b"), ["vary", "origin"]);
  expect([head.target, head.method, decision.method, added]).toEqual(["/a/b?q", "GET", "OTHER", undefined]);
});

test("only a rule's own policy changes who may read the answer", () => {
  const ruled = { ...route, cors: { answer: () => [], preflight: () => [] } };
  expect(carriedBy(asked(), taken("/", { route: ruled }), ["vary", "origin"]).added).toEqual(["vary", "origin"]);
});

test.each(["/a//b", "/a/../admin", "/a/%2e%2e/admin", "/a%2fb", "/a\\b", "/admin;x", "/x%3adelete", "/%20admin"])(
  "%s could get round a route",
  (path) => {
    expect(refusal(() => carriedBy(asked(), taken(path), []))).toBe(400);
  },
);

test.each(["/a;b=c/d", "/a%3ab", "/a%20b", "/a/", "/ä".normalize().replace("ä", "%C3%A4")])("%s could not", (path) => {
  expect(refusal(() => carriedBy(asked(), taken(path), []))).toBeUndefined();
});

test("where every route takes every path there is nothing to get round", () => {
  const open = { ...host, choosesByPath: false };
  expect(refusal(() => carriedBy(asked(), taken("/a%2fb//c", { host: open }), []))).toBeUndefined();
});

test("gRPC is nothing that these services speak, and what HTTP/1.1 has no form for is refused", () => {
  expect(refusal(() => carriedBy(asked(["content-type", "application/grpc+proto"]), taken("/"), []))).toBe(404);
  expect(refusal(() => carriedBy(asked(["expect", "tea"]), taken("/"), []))).toBe(417);
  expect(() => carriedBy(asked(["a", "b\n"]), taken("/"), [])).not.toThrow(Refused);
});

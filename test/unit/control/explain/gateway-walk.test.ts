import { expect, test } from "vitest";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { walk } from "../../../../src/control/explain/gateway-walk.ts";

const call = (name: string, match: Route["match"]): Route => ({ name, match, route: { cluster: "c" } });

function walked(routes: readonly Route[], path: string, verb = "POST", isEmpty = false) {
  const header = (name: string) => (name === ":method" ? verb : undefined);
  const at = { verb, path, header, claims: undefined, isEmpty: () => isEmpty, interfaceOf: () => "com.acme.A" };
  return walk({ ...at, domain: { name: "*", domains: ["*"], routes } });
}

test("the first route that takes a request says what it becomes; those before it say what it lacks", () => {
  const routes = [call("a", { path: "/x" }), call("b", { prefix: "/" })];
  expect(walked(routes, "/get~l")).toEqual({
    lacks: [["path /get~l is not /x"], []],
    taken: 1,
    isVerb: false,
    method: "get",
  });
});

test("a route of calls without a method of HTTP takes POST, unless nobody is there", () => {
  const routes = [call("a", { prefix: "/" })];
  expect(walked(routes, "/get", "GET")).toMatchObject({
    taken: -1,
    lacks: [["it leads to calls and names no method of HTTP: it takes POST, not GET"]],
    answer: { status: 405 },
  });
  expect(walked(routes, "/get", "GET", true)).toMatchObject({ taken: 0, answer: { status: 503 } });
  const verb = { name: ":method", stringMatch: { exact: "PUT" } };
  expect(walked([call("a", { prefix: "/", headers: [verb] })], "/get")).toMatchObject({ answer: { status: 405 } });
});

test("what is answered behind a route that a request's method was wrong for answers no other", () => {
  const direct: Route = { name: "d", match: { prefix: "/" }, directResponse: { status: 200 } };
  expect(walked([direct], "/x", "GET")).toMatchObject({ taken: 0, answer: { status: 200 } });
  expect(walked([call("a", { prefix: "/" }), direct], "/x", "GET")).toMatchObject({ answer: { status: 405 } });
});

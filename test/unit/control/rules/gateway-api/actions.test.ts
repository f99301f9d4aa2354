import { describe, expect, test } from "vitest";
import { readAction, type WrittenAction } from "../../../../../src/control/rules/gateway-api/actions.ts";

const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };
const backendRefs = [{ at, name: "a" }];

function read(rule: Omit<WrittenAction, "at">) {
  const found: string[] = [];
  const action = readAction({ at, ...rule }, "shop", (code, _, message) => found.push(`${code} ${message}`));
  return { action, found };
}

test("backends are destinations; weights are 1 unless told", () => {
  const { action } = read({
    backendRefs: [
      { at, name: "a" },
      { at, name: "b", weight: 3 },
    ],
  });
  expect(action.route).toMatchObject([
    { destination: { host: "a.shop.svc.cluster.local" }, weight: 1 },
    { destination: { host: "b.shop.svc.cluster.local" }, weight: 3 },
  ]);
});

test.each([
  ["no backend", []],
  ["backends of weight 0 alone", [{ at, name: "a", weight: 0 }]],
])("with %s calls are answered 500", (_, refs) => {
  expect(read({ backendRefs: refs }).action).toMatchObject({ directResponse: { status: 500 } });
});

test("a backend of another kind is told and gets no calls", () => {
  const { action, found } = read({ backendRefs: [...backendRefs, { at, kind: "Bucket", name: "b" }] });
  expect(action.route).toHaveLength(1);
  expect(found).toEqual(["TR0228 backend b is left out: a /Bucket is not called, Service and ServiceEntry are"]);
});

describe("filters", () => {
  test("headers of requests and answers change", () => {
    const modifier = { at, set: [{ at, name: "x", value: "1" }], add: [{ at, name: "y", value: "2" }], remove: ["z"] };
    const { action } = read({
      backendRefs,
      filters: [
        { at, type: "RequestHeaderModifier", requestHeaderModifier: modifier },
        { at, type: "ResponseHeaderModifier", responseHeaderModifier: { at, remove: ["w"] } },
      ],
    });
    expect(action.headers).toMatchObject({
      request: { set: { x: "1" }, add: { y: "2" }, remove: ["z"] },
      response: { remove: ["w"] },
    });
  });

  test.each([
    ["all calls", {}, undefined],
    ["a percentage", { percent: 25 }, 25],
    ["a fraction", { fraction: { numerator: 1, denominator: 8 } }, 12.5],
    ["a fraction of a hundred", { fraction: { numerator: 7 } }, 7],
  ])("a mirror is of %s", (_, share, value) => {
    const { action } = read({
      backendRefs,
      filters: [{ at, type: "RequestMirror", requestMirror: { at, backendRef: { at, name: "m" }, ...share } }],
    });
    expect(action.mirrors![0]!.destination.host).toBe("m.shop.svc.cluster.local");
    expect(action.mirrors![0]!.percentage?.value).toBe(value);
  });

  test.each([
    [{ replacePrefixMatch: "/b" }, { uri: "/b" }],
    [{ replacePrefixMatch: "" }, { uri: "/" }],
    [{ replaceFullPath: "/a\\1" }, { uriRegexRewrite: { at, match: "^.*$", rewrite: "/a\\\\1" } }],
  ])("a path is rewritten by %j", (path, rewrite) => {
    const { action } = read({
      backendRefs,
      filters: [{ at, type: "URLRewrite", urlRewrite: { at, hostname: "h", path: { at, ...path } } }],
    });
    expect(action.rewrite).toMatchObject({ authority: "h", ...rewrite });
  });
});

describe("filters of a backend", () => {
  const mirror = { at, type: "RequestMirror", requestMirror: { at, backendRef: { at, name: "m" } } };
  const rewrite = { at, type: "URLRewrite", urlRewrite: { at, hostname: "h" } };

  test("are the rule's where no other backend gets calls", () => {
    const { action, found } = read({
      backendRefs: [
        { at, name: "a", filters: [mirror, rewrite] },
        { at, name: "b", weight: 0, filters: [mirror] },
      ],
    });
    expect(action).toMatchObject({ mirrors: [{}], rewrite: { authority: "h" } });
    expect([action.mirrors!.length, found]).toEqual([1, []]);
  });

  test("are told where it is one among several", () => {
    const { action, found } = read({
      backendRefs: [
        { at, name: "a", filters: [mirror, rewrite] },
        { at, name: "b" },
      ],
    });
    expect([action.mirrors, action.rewrite]).toEqual([undefined, undefined]);
    expect(found.map((text) => text.slice(0, 55))).toEqual([
      "TR0228 RequestMirror of one backend among several is le",
      "TR0228 URLRewrite of one backend among several is left ",
    ]);
  });
});

test.each(["ExtensionRef", "ExternalAuth"])("a filter %s closes its rule, of a backend too", (type) => {
  for (const rule of [
    { backendRefs, filters: [{ at, type }] },
    { backendRefs: [...backendRefs, { at, name: "b", filters: [{ at, type }] }] },
  ]) {
    const { action, found } = read({ name: "n", ...rule });
    expect(action).toEqual({ name: "n", directResponse: { at, status: 500 } });
    expect(found).toEqual([expect.stringContaining(`TR0256 filter ${type} is not known here`)]);
  }
});

test.each<[requestRedirect: object, redirect: object]>([
  [
    { hostname: "a", statusCode: 301 },
    { authority: "a", derivePort: "FROM_REQUEST_PORT", redirectCode: 301 },
  ],
  [{ scheme: "https" }, { scheme: "https", derivePort: "FROM_PROTOCOL_DEFAULT", redirectCode: 302 }],
  [
    { scheme: "https", port: 8443 },
    { scheme: "https", port: 8443, redirectCode: 302 },
  ],
  [{ path: { at, replaceFullPath: "/x" } }, { uri: "/x", derivePort: "FROM_REQUEST_PORT", redirectCode: 302 }],
  [
    { path: { at, replacePrefixMatch: "" } },
    { prefixRewrite: "/", derivePort: "FROM_REQUEST_PORT", redirectCode: 302 },
  ],
])("a redirect %o stands in the place of backends", (requestRedirect, redirect) => {
  const { action, found } = read({
    name: "n",
    filters: [{ at, type: "RequestRedirect", requestRedirect: { at, ...requestRedirect } }],
  });
  expect(action).toEqual({ name: "n", redirect: { at, ...redirect } });
  expect(found).toEqual([]);
});

describe("times", () => {
  test("a try's own limit is that of a retry, or without retries of the call", () => {
    const timeouts = { requestMs: 2_000, backendRequestMs: 500 };
    expect(read({ backendRefs, timeouts }).action).toMatchObject({ timeoutMs: 500 });
    const { action } = read({ backendRefs, timeouts, retry: { at, codes: [503], attempts: 2, backoffMs: 10 } });
    expect(action).toMatchObject({
      timeoutMs: 2_000,
      retries: {
        attempts: 2,
        perTryTimeoutMs: 500,
        backoffMs: 10,
        retryOn: "connect-failure,refused-stream,reset-before-request,503",
      },
    });
  });
});

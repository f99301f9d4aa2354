import { expect, test } from "vitest";
import {
  authorityOf,
  cutTarget,
  decideHttp,
  forwardHead,
  matchHttp,
  upgradeOf,
} from "../../../../src/bridge-proxy/http/head.ts";
import { type CompiledRoute, RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { Cluster } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { Http1Client } from "../../../../src/codecs/http1/client.ts";
import { parseRequestHead, type RequestHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";

function headOf(text: string): RequestHead {
  const bytes = Buffer.from(`${text.replaceAll("\n", "\r\n")}\r\n\r\n`, "latin1");
  return parseRequestHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)!.head;
}

const cluster = { service: { host: "shop.host" } } as Cluster;

function hostWith(...routes: Route[]) {
  const table = new RouteTable(
    { name: "dubbo", virtualHosts: [{ name: "shop.host", domains: ["shop.host", "shop"], routes }] },
    () => cluster,
  );
  return table.hostOf("shop")!;
}

const ALL: Route = { name: "all", match: { prefix: "/" }, route: { cluster: "c" } };

test.each([
  { target: "/a/b?x=1", cut: { path: "/a/b", query: "?x=1", authority: undefined } },
  { target: "/a", cut: { path: "/a", query: "", authority: undefined } },
  { target: "http://h:80/a?b", cut: { path: "/a", query: "?b", authority: "h:80" } },
  { target: "http://h", cut: { path: "/", query: "", authority: "h" } },
  { target: "http://h?q", cut: { path: "/", query: "?q", authority: "h" } },
  { target: "*", cut: { path: "*", query: "", authority: undefined } },
])("target $target is cut into its parts", ({ target, cut }) => {
  expect(cutTarget({ target })).toEqual(cut);
});

test("a route for every request is known by the method alone", () => {
  const host = hostWith(ALL);
  const decision = decideHttp(host, "GET");
  expect(decision).toMatchObject({ method: "GET", protocol: "http", fixed: { name: "all" } });
  expect(decideHttp(host, "GET")).toBe(decision);
  expect(decideHttp(host, "BREW").method).toBe("OTHER");
});

test.each<{ name: string; match: Route["match"]; yes: string; no: string }>([
  {
    name: "an exact path, whatever the query",
    match: { path: "/a" },
    yes: "GET /a?x HTTP/1.1\nHost: h",
    no: "GET /a/ HTTP/1.1\nHost: h",
  },
  { name: "a prefix", match: { prefix: "/a" }, yes: "GET /ab HTTP/1.1\nHost: h", no: "GET /b HTTP/1.1\nHost: h" },
  {
    name: "a regular expression of the full path",
    match: { safeRegex: { regex: "/\\d+" } },
    yes: "GET /12?x HTTP/1.1\nHost: h",
    no: "GET /12x HTTP/1.1\nHost: h",
  },
  {
    name: "the method",
    match: { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "PUT" } }] },
    yes: "PUT / HTTP/1.1\nHost: h",
    no: "GET / HTTP/1.1\nHost: h",
  },
  {
    name: "Host",
    match: { prefix: "/", headers: [{ name: ":authority", stringMatch: { exact: "h" } }] },
    yes: "GET / HTTP/1.1\nHost: h",
    no: "GET / HTTP/1.1\nHost: x",
  },
  {
    name: "a target's own authority before Host",
    match: { prefix: "/", headers: [{ name: ":authority", stringMatch: { exact: "h" } }] },
    yes: "GET http://h/ HTTP/1.1\nHost: x",
    no: "GET http://x/ HTTP/1.1\nHost: h",
  },
  {
    name: "one of several lines of a name",
    match: { prefix: "/", headers: [{ name: "x-a", stringMatch: { exact: "2" } }] },
    yes: "GET / HTTP/1.1\nHost: h\nX-A: 1\nx-a: 2",
    no: "GET / HTTP/1.1\nHost: h\nX-A: 1,2",
  },
  {
    name: "lines of a list's name as one",
    match: { prefix: "/", headers: [{ name: "accept", stringMatch: { exact: "1,2" } }] },
    yes: "GET / HTTP/1.1\nHost: h\nAccept: 1\naccept: 2",
    no: "GET / HTTP/1.1\nHost: h\nAccept: 1",
  },
  {
    name: "text that is no ASCII, as UTF-8",
    match: { prefix: "/", headers: [{ name: "x-a", stringMatch: { exact: "bö" } }] },
    yes: "GET / HTTP/1.1\nHost: h\nX-A: b\u00c3\u00b6",
    no: "GET / HTTP/1.1\nHost: h\nX-A: b\u00c3",
  },
  {
    name: "a header that is not there",
    match: { prefix: "/", headers: [{ name: "x-a", presentMatch: true, invertMatch: true }] },
    yes: "GET / HTTP/1.1\nHost: h",
    no: "GET / HTTP/1.1\nHost: h\nx-a:",
  },
  {
    name: "a query parameter",
    match: { prefix: "/", queryParameters: [{ name: "v", stringMatch: { exact: "a+b" } }] },
    yes: "GET /?u=1&v=a+b&v=c HTTP/1.1\nHost: h",
    no: "GET /?v=a%2Bb HTTP/1.1\nHost: h",
  },
  {
    name: "a query parameter that is there",
    match: { prefix: "/", queryParameters: [{ name: "v", presentMatch: true }] },
    yes: "GET /?v HTTP/1.1\nHost: h",
    no: "GET /?%76 HTTP/1.1\nHost: h",
  },
  {
    name: "the scheme",
    match: { prefix: "/", headers: [{ name: ":scheme", stringMatch: { exact: "http" } }] },
    yes: "GET / HTTP/1.1\nHost: h",
    no: "",
  },
])("a route takes requests by $name", ({ match, yes, no }) => {
  const host = hostWith({ name: "some", match, route: { cluster: "c" } });
  const routeOf = (text: string) => {
    const head = headOf(text);
    return matchHttp(decideHttp(host, head.method), head)?.name;
  };
  expect(routeOf(yes)).toBe("some");
  if (no !== "") expect(routeOf(no)).toBeUndefined();
});

/** The head as a provider gets it, line by line. */
function sent(text: string, route: Route = ALL): string[] {
  const compiled: CompiledRoute = hostWith(route).routes[0]!;
  const client = new Http1Client();
  const send = forwardHead(headOf(text), { route: compiled, target: compiled.targets[0]!, callerAddress: "10.0.0.9" });
  client.send({ type: "head", id: 1, ...send }, 0);
  return client.takeOutput().toString("latin1").trimEnd().split("\r\n");
}

test("a head goes on with its lines as they were, and the caller's address", () => {
  expect(sent("GET /a?b HTTP/1.1\nHost: h\nX-Own:  v \nConnection: x-hop\nX-Hop: 1\nKeep-Alive: 5")).toEqual([
    "GET /a?b HTTP/1.1",
    "Host: h",
    "X-Own:  v ",
    "x-forwarded-for: 10.0.0.9",
    "x-forwarded-proto: http",
  ]);
});

test("what is set may have any letters: what no line can carry goes as UTF-8", () => {
  const set = { header: { key: "x-name", value: "张三 é" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;
  const lines = sent("GET / HTTP/1.1\nHost: h\nX-Name: me", { ...ALL, requestHeadersToAdd: [set] });
  expect(Buffer.from(lines.at(-1)!, "latin1").toString("utf8")).toBe("x-name: 张三 é");
  expect(lines.filter((one) => /x-name/i.test(one)).length).toBe(1);
});

test("the address is added to those that are there; a scheme that is there stays", () => {
  expect(
    sent("GET / HTTP/1.1\nHost: h\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-For: 2.2.2.2\nX-Forwarded-Proto: https"),
  ).toEqual(["GET / HTTP/1.1", "Host: h", "X-Forwarded-Proto: https", "x-forwarded-for: 1.1.1.1, 2.2.2.2, 10.0.0.9"]);
});

test.each([
  { name: "HTTP/1.0 without Host", text: "GET / HTTP/1.0", lines: ["GET / HTTP/1.1", "host: shop.host"] },
  {
    name: "an absolute target",
    text: "GET http://other:8/a HTTP/1.1\nHost: h",
    lines: ["GET /a HTTP/1.1", "host: other:8"],
  },
])("$name gets the Host that it means", ({ text, lines }) => {
  expect(sent(text).filter((line) => /^(GET|host)/i.test(line))).toEqual(lines);
});

test.each([
  { name: "a prefix", match: { prefix: "/old/" }, to: "/new/", target: "/old/7?q", becomes: "/new/7?q" },
  { name: "a prefix that becomes nothing", match: { prefix: "/old" }, to: "/", target: "/old/7", becomes: "/7" },
  { name: "a whole path", match: { path: "/old" }, to: "/new", target: "/old?q", becomes: "/new?q" },
])("$name is rewritten", ({ match, to, target, becomes }) => {
  const lines = sent(`GET ${target} HTTP/1.1\nHost: h`, {
    name: "r",
    match,
    route: { cluster: "c", prefixRewrite: to, hostRewriteLiteral: "inner" },
  });
  expect(lines[0]).toBe(`GET ${becomes} HTTP/1.1`);
  expect(lines.filter((line) => /^host:/i.test(line))).toEqual(["host: inner"]);
});

test("a parameter that is taken out is gone from the target", () => {
  const [first] = sent("GET /a?b=1&t=x HTTP/1.1\nHost: h", { ...ALL, requestHeadersToRemove: ["?t"] });
  expect(first).toBe("GET /a?b=1 HTTP/1.1");
});

test("rules set, add and remove lines", () => {
  const lines = sent("GET / HTTP/1.1\nHost: h\nA: 1\nB: 2\nC: 3", {
    ...ALL,
    requestHeadersToAdd: [
      { header: { key: "a", value: "new" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
      { header: { key: "B", value: "more" }, appendAction: "APPEND_IF_EXISTS_OR_ADD" },
    ],
    requestHeadersToRemove: ["C", "x-forwarded-proto"],
  });
  expect(lines).toEqual(["GET / HTTP/1.1", "Host: h", "B: 2", "x-forwarded-for: 10.0.0.9", "a: new", "B: more"]);
});

test.each([
  { name: "websocket", text: "GET / HTTP/1.1\nHost: h\nConnection: upgrade\nUpgrade: websocket", upgrade: "websocket" },
  { name: "h2c", text: "GET / HTTP/1.1\nHost: h\nConnection: upgrade\nUpgrade: h2c", upgrade: undefined },
  { name: "TLS", text: "GET / HTTP/1.1\nHost: h\nConnection: upgrade\nUpgrade: TLS/1.0", upgrade: undefined },
  {
    name: "a request with content",
    text: "POST / HTTP/1.1\nHost: h\nConnection: upgrade\nUpgrade: websocket\nContent-Length: 1",
    upgrade: undefined,
  },
  { name: "none", text: "GET / HTTP/1.1\nHost: h", upgrade: undefined },
])("the upgrade to $name is asked for: $upgrade", ({ text, upgrade }) => {
  expect(upgradeOf(headOf(text))).toBe(upgrade);
});

test.each([
  ["GET / HTTP/1.1\nHost: a:1", "a:1"],
  ["GET http://b:2/ HTTP/1.1\nHost: a:1", "b:2"],
  ["GET / HTTP/1.0", ""],
])("%j is for the Host %j", (text, authority) => {
  expect(authorityOf(headOf(text))).toBe(authority);
});

import { expect, test } from "vitest";
import { readTarget, readWanted } from "../../../../../src/registry-sync/facades/eureka/request.ts";

test.each([
  ["/eureka/apps", { kind: "apps" }],
  ["/eureka/apps/", { kind: "apps" }],
  ["/eureka/v2/apps?regions=r", { kind: "apps" }],
  ["/eureka//apps//", { kind: "apps" }],
  ["http://h:1/eureka/apps", { kind: "apps" }],
  ["/eureka/apps/delta", { kind: "delta" }],
  ["/eureka/apps/svc-b", { kind: "app", app: "SVC-B" }],
  ["/eureka/apps/SVC%2DB/10.77.0.3:svc-b:9001/", { kind: "instance", app: "SVC-B", id: "10.77.0.3:svc-b:9001" }],
  ["/eureka/apps/A/i/status", { kind: "other" }],
  ["/eureka/instances/i", { kind: "instanceOf", id: "i" }],
  ["/eureka/vips/Order", { kind: "vip", name: "Order" }],
  ["/eureka/svips/Order/", { kind: "svip", name: "Order" }],
  ["/eureka/vips", { kind: "other" }],
  ["/eureka/peerreplication/batch/", { kind: "other" }],
  ["/eureka/apps/%zz", { kind: "other" }],
  ["/eureka", { kind: "other" }],
])("%s", (url, question) => {
  expect(readTarget(url)?.question).toEqual(question);
});

test.each(["/", "/eurekas/apps", "/v2/apps", "/other/eureka/apps", "*", ""])("%j is not for Eureka", (url) => {
  expect(readTarget(url)).toBeUndefined();
});

test.each([
  "/eureka/../actuator/env",
  "/eureka/v2/../../actuator/env",
  "/eureka/apps/..",
  "/eureka/./apps",
  "/eureka/%2e%2E/actuator",
  "/eureka/.%2e/actuator",
  "/eureka/apps/..;a=b/x",
  "/eureka/apps/..%3ba/x",
  "/eureka/apps/x%2f..%2f../actuator",
  "/eureka/..\\actuator",
  "/eureka/..%5Cactuator",
  "/eureka/%zz/../actuator",
])("%s, which may lead elsewhere, is not for Eureka", (url) => {
  expect(readTarget(url)).toBeUndefined();
});

test("parameters behind a semicolon ask for nothing else; an encoded one is a part of the name", () => {
  expect(readTarget("/eureka/apps;x=1")?.question).toEqual({ kind: "apps" });
  expect(readTarget("/eureka/apps;x/delta;y=2?regions=")?.question).toEqual({ kind: "delta" });
  expect(readTarget("/eureka/apps/a;x/i%3B1;y")?.names).toEqual(["A", "i;1"]);
  expect(readTarget("/eureka/apps/a;x/i%3B1;y")?.rest).toBe("/apps/a;x/i%3B1;y");
});

test("dots within names lead nowhere", () => {
  expect(readTarget("/eureka/apps/A/..b...:c")?.question).toEqual({ kind: "instance", app: "A", id: "..b...:c" });
  expect(readTarget("/eureka/apps/A/i/metadata?path=/../x")?.names).toEqual(["A", "i", "metadata"]);
});

test("path and query are kept as they came, names are read", () => {
  expect(readTarget("/eureka/v2/apps/a/h:b%20:1/status?value=DOWN")).toEqual({
    rest: "/apps/a/h:b%20:1/status?value=DOWN",
    version: "/v2",
    question: { kind: "other" },
    names: ["A", "h:b :1", "status"],
    query: new URLSearchParams("value=DOWN"),
    regions: "",
  });
  expect(readTarget("/eureka/apps?regions=a,b")).toMatchObject({ names: [], regions: "a,b", version: "" });
});

test.each([
  [{}, "xml", false],
  [{ accept: "*/*" }, "xml", false],
  [{ accept: "application/xml" }, "xml", false],
  [{ accept: "application/json, application/*+json", "accept-encoding": "gzip, x-gzip, deflate" }, "json", true],
  [{ accept: "Application/JSON;charset=UTF-8", "accept-encoding": "deflate" }, "json", false],
  [{ accept: "application/json", "accept-encoding": "gzip;q=0" }, "json", false],
])("%j is wanted as %s, gzip %s", (headers, format, gzip) => {
  expect(readWanted(headers)).toEqual({ format, gzip, compact: false });
});

test("compact is asked for by its header; a page is no answer", () => {
  expect(readWanted({ "x-eureka-accept": "compact" })).toMatchObject({ compact: true });
  expect(readWanted({ accept: "text/html" })).toBeUndefined();
});

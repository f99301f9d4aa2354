import { expect, test } from "vitest";
import { type ExplainOptions, explainQuery } from "../../../src/cli/explain-query.ts";

const options = (more: Partial<ExplainOptions> = {}): ExplainOptions => ({
  attachment: [],
  admin: "a",
  output: "table",
  ...more,
});

test("a call is asked for by its service, method, arguments and headers", () => {
  const query = explainQuery(
    "com.acme.A.get",
    '[{"a": 1}]',
    options({ group: "g", application: "shop", attachment: [["x", "y"]] }),
  );
  expect([...query]).toEqual([
    ["service", "com.acme.A"],
    ["method", "get"],
    ["group", "g"],
    ["header", "dubbo-arg-0.a=1"],
    ["header", "dubbo-application=shop"],
    ["header", "x=y"],
  ]);
});

test("a request is asked for by its URL, gateway and port; JSON makes it a POST", () => {
  const query = explainQuery(
    "http://a/b",
    "[1]",
    options({ gateway: "default/edge", port: "8080", caller: "10.0.0.1" }),
  );
  expect(Object.fromEntries(query)).toEqual({
    url: "http://a/b",
    gateway: "default/edge",
    port: "8080",
    method: "POST",
    caller: "10.0.0.1",
    header: "content-type=application/json",
  });
  expect([...explainQuery("http://a/b", undefined, options())]).toEqual([["url", "http://a/b"]]);
  const own = options({ method: "PUT", attachment: [["Content-Type", "text/plain"]] });
  expect(explainQuery("http://a/b", "x", own).getAll("header")).toEqual(["Content-Type=text/plain"]);
});

test("options that do not fit are errors", () => {
  expect(() => explainQuery("com.acme.A.get", undefined, options({ port: "1" }))).toThrow("--port is for requests");
  expect(() => explainQuery("http://a", undefined, options({ group: "g" }))).toThrow("--group is for calls");
});

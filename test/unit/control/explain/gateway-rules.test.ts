import { expect, test } from "vitest";
import { findPort } from "../../../../src/control/explain/gateway-port.ts";
import { passedOverAt } from "../../../../src/control/explain/gateway-rules.ts";
import { openRuleBook } from "../../../../src/control/explain/rule-book.ts";
import { gatewayCase } from "../../../support/gateway-cases.ts";

const { snapshot, resources } = gatewayCase();

test("rules that name the Host and are not in force are told with why, and matches that nobody can meet", () => {
  const port = findPort(
    resources,
    openRuleBook(snapshot),
    { port: 8080 },
    { scheme: "http", authority: "api.example.com" },
  );
  const found = passedOverAt({ port, host: "api.example.com:8080", domain: "api.example.com" }, openRuleBook(snapshot));
  expect(found.map(({ rule, why }) => [rule, why])).toEqual([
    ["route api/7", "no request at this port can meet its port"],
    ["VirtualService default/mesh", "it names no gateway: it is for calls in the mesh"],
    ["VirtualService default/other", "it is for calls that come in by other/edge, which have no server at this port"],
    [
      "VirtualService default/wide",
      "the routes of api.example.com count, which names the Host more narrowly than *.example.com",
    ],
    ["VirtualService default/away", "its exportTo (elsewhere) leaves out namespace default, which the proxy is of"],
  ]);
  expect(found.every(({ at }) => /^r\.yaml:\d+$/.test(at))).toBe(true);
});

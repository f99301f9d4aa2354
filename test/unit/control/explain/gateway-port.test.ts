import { expect, test } from "vitest";
import {
  describeEntry,
  enter,
  findPort,
  serverFor,
  serverNameOf,
} from "../../../../src/control/explain/gateway-port.ts";
import type { Known } from "../../../../src/control/explain/known.ts";
import { openRuleBook } from "../../../../src/control/explain/rule-book.ts";
import { gatewayCase } from "../../../support/gateway-cases.ts";

const { snapshot, resources } = gatewayCase();
const find = (
  asked: Parameters<typeof findPort>[2],
  url = "http://api.example.com",
  known: Known | undefined = snapshot,
) => {
  const [scheme, authority] = url.split("://") as ["http" | "https", string];
  return findPort(resources, openRuleBook(known), asked, { scheme, authority });
};

test.each([
  [{ port: 8081 }, undefined, "10.0.0.5:8081"],
  [{ gateway: "edge" }, "http://api.example.com:8081", "10.0.0.5:8081"],
  [{ gateway: "default/edge", port: 8443 }, "http://x:1", "10.0.0.5:8443"],
  [{ gateway: "edge" }, "http://api.example.com", "10.0.0.5:8080"],
])("%o of %s is %s", (asked, url, address) => {
  expect(find(asked, url).address).toBe(address);
});

test.each([
  [{ port: 1 }, undefined, "port 1 is none of a gateway; there are: 10.0.0.5:8080 (plain text), 10.0.0.5:8081"],
  [{ gateway: "edge" }, "https://api.example.com", "several ports may be meant, say --port"],
  [{ gateway: "none" }, undefined, "there is no Gateway none; there are: default/edge"],
])("%o of %s is an error", (asked, url, message) => {
  expect(() => find(asked, url)).toThrow(message);
});

test("of a proxy elsewhere Gateways with its labels are open", () => {
  const selecting = snapshot.rules.map((rule) =>
    rule.kind === "Gateway" ? { ...rule, selector: { app: "edge" } } : rule,
  );
  const from = (app: string) => ({ ...snapshot, rules: selecting, from: { namespace: "web", labels: { app } } });
  expect(find({ gateway: "edge", port: 8080 }, undefined, from("edge")).served).toHaveLength(1);
  expect(() => find({ gateway: "edge" }, undefined, from("other"))).toThrow(
    "is open here: its selector is for other proxies",
  );
});

test("without rules a port is all that is known; without gateways nothing is", () => {
  expect(find({ port: 8080 }, undefined, { ...snapshot, rules: [] }).served).toEqual([]);
  expect(() => find({ gateway: "edge" }, undefined, { ...snapshot, rules: [] })).toThrow(
    "knows no Gateways by their names; say --port",
  );
  const none = { listeners: [] };
  expect(() => findPort(none, openRuleBook(undefined), {}, { scheme: "http", authority: "a" })).toThrow(
    "no gateway is open here",
  );
});

test("connections come in as the port says, and by the name that they ask TLS for", () => {
  const words = (port: number, url: string) => {
    const [scheme, authority] = url.split("://") as ["http" | "https", string];
    const entry = enter(find({ port }), { scheme, authority });
    return "ended" in entry ? entry.ended : describeEntry(entry);
  };
  expect(words(8080, "http://a")).toBe("plain text");
  expect(words(8443, "https://a")).toBe("TLS by c for all names that no other server has");
  expect(words(8444, "https://api.example.com")).toBe("TLS by c for api.example.com");
  expect(words(8444, "https://a.pass.org")).toBe("TLS that is not ended, for a.pass.org");
  expect(words(8444, "https://other.org")).toContain("no server of the port has the name other.org");
  expect(words(8444, "https://10.0.0.1")).toContain("callers who ask for no name");
});

test("names and servers of Hosts", () => {
  expect(["a.b:80", "10.0.0.1:80", "[::1]:80"].map(serverNameOf)).toEqual(["a.b", undefined, undefined]);
  expect(serverFor(find({ port: 8444 }), "a.pass.org")?.server.port.protocol).toBe("TLS");
  expect(serverFor(find({ port: 8444 }), "a.org")).toBeUndefined();
});

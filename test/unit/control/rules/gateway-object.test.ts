import { expect, test } from "vitest";
import { EXPOSE } from "../../../../src/control/rules/gateway-object.ts";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import { gatewayText, rulesOf, shortFindings } from "../../../support/rules.ts";

const plain = "[{port: {number: 8080, protocol: HTTP}, hosts: [api.example.com]}]";

test("a Gateway is read: its ports, hosts, and what it exposes by itself", () => {
  const text = gatewayText("edge", plain, `{${EXPOSE}: "com.acme.*, com.shop.Cart"}`);
  expect(rulesOf(text)).toMatchObject([
    {
      kind: "Gateway",
      name: "edge",
      namespace: "default",
      servers: [{ port: { number: 8080, protocol: "HTTP" }, hosts: ["api.example.com"] }],
      expose: ["com.acme.*", "com.shop.Cart"],
    },
  ]);
});

test.each(["HTTP", "HTTP2", "GRPC", "GRPC-Web", "grpc"])("protocol %s is served", (protocol) => {
  expect(rulesOf(gatewayText("edge", `[{port: {number: 1, protocol: ${protocol}}, hosts: ["*"]}]`))).toMatchObject([
    { servers: [{}] },
  ]);
});

test.each([
  {
    name: "TLS by its protocol",
    servers: "[{port: {number: 443, protocol: HTTPS}, hosts: [a]}]",
    findings: ["TR0240 6:34 TLS is not supported yet: port 443 is not opened"],
  },
  {
    name: "TLS by its settings",
    servers: "[{port: {number: 443, protocol: HTTP}, hosts: [a], tls: {mode: SIMPLE, credentialName: c}}]",
    findings: ["TR0240 6:63 TLS is not supported yet: port 443 is not opened"],
  },
  {
    name: "another protocol",
    servers: "[{port: {number: 27, protocol: MONGO}, hosts: [a]}]",
    findings: [
      "TR0240 6:33 protocol MONGO is not served: port 27 is not opened; it must be one of HTTP, HTTP2, GRPC, GRPC-WEB",
    ],
  },
])("$name closes that server alone", ({ servers, findings }) => {
  const { rules, ...parsed } = parseRules("r.yaml", gatewayText("edge", servers));
  expect([shortFindings(parsed.findings), parsed.valid]).toEqual([findings, true]);
  expect(rules).toMatchObject([{ servers: [] }]);
});

test.each([
  ["{istio: ingressgateway}", []],
  ["{}", []],
  ["{app: edge}", ["TR0227 6:3 selector app chooses nothing here: one proxy serves every Gateway"]],
])("of selector %s is said", (selector, findings) => {
  const text = gatewayText("edge", plain).replace("  servers:", `  selector: ${selector}\n  servers:`);
  expect(shortFindings(parseRules("r.yaml", text).findings)).toEqual(findings);
});

test.each(["com acme", "com.*.acme", "a,,../b", "<script>"])("a pattern %j keeps the file from use", (pattern) => {
  const parsed = parseRules("r.yaml", gatewayText("edge", plain, `{${EXPOSE}: ${JSON.stringify(pattern)}}`));
  expect([parsed.valid, parsed.findings.map(({ code }) => code)]).toEqual([false, ["TR0209"]]);
});

test("a hundred patterns are taken, one more is not", () => {
  const text = (count: number) => gatewayText("edge", plain, `{${EXPOSE}: "${Array(count).fill("a.B").join()}"}`);
  expect(parseRules("r.yaml", text(100)).valid).toBe(true);
  expect(parseRules("r.yaml", text(101)).findings.map(({ message }) => message)).toEqual([
    expect.stringContaining("more than 100 parts"),
  ]);
});

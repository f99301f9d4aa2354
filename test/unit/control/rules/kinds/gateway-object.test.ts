import { expect, test } from "vitest";
import { EXPOSE } from "../../../../../src/control/rules/kinds/gateway-object.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { gatewayText, rulesOf, shortFindings } from "../../../../support/rules.ts";

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
    name: "HTTPS without tls",
    servers: "[{port: {number: 443, protocol: HTTPS}, hosts: [a]}]",
    findings: ["TR0240 6:34 HTTPS needs tls: port 443 is not opened"],
  },
  {
    name: "tls of plain HTTP",
    servers: "[{port: {number: 443, protocol: HTTP}, hosts: [a], tls: {mode: SIMPLE, credentialName: c}}]",
    findings: ["TR0240 6:63 tls is for protocol HTTPS, but for httpsRedirect: port 443 is not opened"],
  },
  ...[
    [
      "{mode: ISTIO_MUTUAL}",
      "tls.mode ISTIO_MUTUAL is not served; it must be one of SIMPLE, MUTUAL, OPTIONAL_MUTUAL, PASSTHROUGH",
    ],
    ["{credentialName: ../a}", 'tls.credentialName "../a" is no name of a credential'],
    ["{serverCertificate: a}", "tls has neither credentialName nor serverCertificate and privateKey"],
    ["{mode: MUTUAL, serverCertificate: a, privateKey: b}", "tls.mode MUTUAL needs caCertificates"],
    ["{credentialName: c, subjectAltNames: [x]}", "tls.subjectAltNames is for mode MUTUAL or OPTIONAL_MUTUAL"],
  ].map(([tls, why]) => ({
    name: `tls ${tls}`,
    servers: `[{port: {number: 443, protocol: HTTPS}, hosts: [a], tls: ${tls}}]`,
    findings: [`TR0240 6:64 ${why}: port 443 is not opened`],
  })),
  {
    name: "another protocol",
    servers: "[{port: {number: 27, protocol: MONGO}, hosts: [a]}]",
    findings: [
      "TR0240 6:33 protocol MONGO is not served: port 27 is not opened; it must be one of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS",
    ],
  },
])("$name closes that server alone", ({ servers, findings }) => {
  const { rules, ...parsed } = parseRules("r.yaml", gatewayText("edge", servers));
  expect([shortFindings(parsed.findings), parsed.valid]).toEqual([findings, true]);
  expect(rules).toMatchObject([{ servers: [] }]);
});

test("requests in plain text are sent to https, where the server says so", () => {
  const read = (tls: string, protocol = "HTTP") =>
    parseRules("r.yaml", gatewayText("edge", `[{port: {number: 80, protocol: ${protocol}}, hosts: [a], tls: ${tls}}]`));
  expect(read("{httpsRedirect: true}")).toMatchObject({ findings: [], rules: [{ servers: [{ sendsToHttps: true }] }] });
  expect(read("{httpsRedirect: false}").rules).toMatchObject([{ servers: [{ port: { number: 80 } }] }]);
  expect(shortFindings(read("{credentialName: c, httpsRedirect: true}", "HTTPS").findings)).toEqual([
    "TR0227 6:88 tls.httpsRedirect does nothing: it is for protocol HTTP",
  ]);
});

test.each([
  ["{mode: SIMPLE, credentialName: site}", { mode: "SIMPLE", credentialName: "site" }],
  ["{credentialName: site, serverCertificate: x}", { mode: "SIMPLE", credentialName: "site" }],
  [
    "{mode: MUTUAL, serverCertificate: a, privateKey: b, caCertificates: c, minProtocolVersion: TLSV1_3}",
    { mode: "MUTUAL", serverCertificate: "a", privateKey: "b", caCertificates: "c", minProtocolVersion: "TLSV1_3" },
  ],
])("tls %s is served", (tls, expected) => {
  const [rule] = rulesOf(gatewayText("edge", `[{port: {number: 443, protocol: HTTPS}, hosts: [a], tls: ${tls}}]`));
  expect(rule).toMatchObject({ servers: [{ tls: expected }] });
});

test.each([
  ["{istio: ingressgateway, app: edge}", { istio: "ingressgateway", app: "edge" }],
  ["{}", undefined],
])("selector %s is kept for proxies elsewhere", (written, selector) => {
  const text = gatewayText("edge", plain).replace("  servers:", `  selector: ${written}\n  servers:`);
  expect(rulesOf(text)[0]).toHaveProperty("servers");
  expect((rulesOf(text)[0] as { selector?: object }).selector).toEqual(selector);
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

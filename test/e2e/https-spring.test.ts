import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestLeaf, createTestRoot } from "../support/certificates.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startSpring } from "../support/spring.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// A Spring Boot application that speaks HTTPS alone, behind a DestinationRule with `tls: {mode: SIMPLE}`: callers speak plain HTTP to the proxy.
const PORT = 8443;
let folder: string;
let trestle: Trestle;

const root = createTestRoot();
const leaf = createTestLeaf(root, { uri: "", dns: ["orders.example.com"] });

const rules = (tls: string): Promise<void> =>
  writeFile(
    join(folder, "rules", "orders.yaml"),
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders}
spec: {hosts: [orders.example.com], location: MESH_EXTERNAL, resolution: STATIC, ports: [{number: ${PORT}, name: http, protocol: HTTP}], endpoints: [{address: ${hosts.provider1}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders}
spec: {host: orders.example.com, trafficPolicy: {${tls}}}
`,
  );

beforeAll(async () => {
  requireNamespace();
  folder = await mkdtemp(join(tmpdir(), "trestle-https-"));
  await mkdir(join(folder, "rules"));
  const [certificate, key, ca, other] = ["leaf.pem", "key.pem", "ca.pem", "other.pem"].map((name) =>
    join(folder, name),
  );
  await writeFile(certificate!, leaf.chain);
  await writeFile(key!, leaf.key);
  await writeFile(ca!, leaf.root);
  await writeFile(other!, createTestLeaf(createTestRoot("Another root")).root);
  await rules(`tls: {mode: SIMPLE, caCertificates: ${ca}}`);
  [trestle] = await Promise.all([
    startTrestle({ rules: join(folder, "rules") }),
    startSpring({ host: hosts.provider1, port: PORT, label: "https", tls: { certificate: certificate!, key: key! } }),
  ]);
});

afterAll(async () => {
  await stopAll();
  await rm(folder, { recursive: true, force: true });
});

async function ask(): Promise<{ status: number; text: string }> {
  const { services } = (await trestle.json("/api/v1/services")) as { services: { service: string; http: string }[] };
  const address = services.find(({ service }) => service === "orders.example.com")!.http;
  const answer = await fetch(`http://${address}/shop/hi/Bo`, { signal: AbortSignal.timeout(4_000) });
  return { status: answer.status, text: await answer.text() };
}

test("its requests are carried over TLS, and its certificate must be of the rule's authority and for the rule's name", async () => {
  await eventually("an answer", async () => (await ask()).status === 200, 20_000);
  expect((await ask()).text).toContain("Bo");
  const findings = (await trestle.json("/api/v1/findings")) as { findings: { code: string }[] };
  expect(findings.findings.map(({ code }) => code)).not.toContain("TR0236");
  await rules(`tls: {mode: SIMPLE, caCertificates: ${join(folder, "other.pem")}}`);
  await eventually("another authority is refused", async () => (await ask()).status === 503);
  await rules(`tls: {mode: SIMPLE, caCertificates: ${join(folder, "ca.pem")}, subjectAltNames: [other.example.com]}`);
  await eventually("the rule", async () => (await ask()).status === 503);
  await rules(
    `tls: {mode: SIMPLE, caCertificates: ${join(folder, "ca.pem")}, sni: orders.example.com, subjectAltNames: [orders.example.com]}`,
  );
  await eventually("an answer again", async () => (await ask()).status === 200);
  await rules("loadBalancer: {simple: RANDOM}");
  await eventually("plain text is refused by it", async () => (await ask()).status === 400);
});

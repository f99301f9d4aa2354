import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withCredentials } from "../../src/control/ca/served-secrets.ts";
import { secretsOf } from "../../src/control/credentials.ts";
import { createTestLeaf, createTestRoot, revoke, type TestCertificate } from "../support/certificates.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";
import { startXdsEnvoy, startXdsStage, type XdsEnvoy, type XdsStage } from "../support/xds-stage.ts";

// Gateways that end TLS, asked by curl: Trestle's own with a folder of credentials, and a stock Envoy that has them by SDS.
const run = promisify(execFile);
const SITE = "shop.example.com";
const ADMIN = "admin.example.com";
const PASSED = "a.pass.org";
const ENVOY = hosts.relay;
let dir: string;
let trestle: Trestle;
let stage: XdsStage;
let envoy: XdsEnvoy;
let backend: Server;

const root = createTestRoot("Root of a site");
const site = createTestLeaf(root, { uri: "", dns: [SITE] });
const own = createTestLeaf(root, { uri: "", dns: [ADMIN, "b.example.org"] });
const client = createTestLeaf(root, { uri: "", dns: ["a-client"] });
const another = createTestLeaf(root, { uri: "", dns: ["b-client"] });
const rsa = createTestLeaf(root, { uri: "", dns: [SITE], keyType: "rsa" });
const stranger = createTestLeaf(createTestRoot("Root of others"), { uri: "", dns: ["a-client"] });

const server = (port: number, protocol: string, tls = "", hosts = "*.example.com") =>
  `- {port: {number: ${port}, name: p${port}, protocol: ${protocol}}, hosts: ["${hosts}"]${tls && `, tls: {${tls}}`}}`;

/** Leads preflight requests to nobody, where they are of an origin that has no permission and not kept back. */
const preflights = (unmatched: string) =>
  `- {match: [{uri: {prefix: /${unmatched}}, method: {regex: "POST|OPTIONS"}}], corsPolicy: {allowOrigins: [{exact: "https://a.example"}], unmatchedPreflights: ${unmatched}}, route: [{destination: {host: nobody.example.org}}]}`;

const rules = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {app: edge}
  servers:
  ${server(8443, "HTTPS", "mode: SIMPLE, credentialName: site")}
  ${server(8444, "HTTPS", "mode: MUTUAL, credentialName: site")}
  ${server(8445, "HTTPS", "mode: SIMPLE, serverCertificate: DIR/site/tls.crt, privateKey: DIR/site/tls.key")}
  ${server(8080, "HTTP")}
  ${server(8446, "HTTPS", "mode: SIMPLE, credentialName: site")}
  ${server(8446, "HTTPS", "mode: MUTUAL, credentialName: own", ADMIN)}
  ${server(8446, "HTTPS", "mode: OPTIONAL_MUTUAL, credentialName: own", "b.example.org")}
  ${server(8446, "TLS", "mode: PASSTHROUGH", "*.pass.org")}
  ${server(8447, "HTTPS", "credentialNames: [site, rsa], maxProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES128-GCM-SHA256, RC4-MD5]")}
  ${server(8448, "HTTPS", "mode: MUTUAL, credentialName: site, insecureSkipVerify: true")}
  ${server(8449, "HTTPS", "mode: MUTUAL, credentialName: site, subjectAltNames: [a-client]")}
  ${server(8450, "HTTPS", "mode: MUTUAL, credentialName: rsa, caCertCredentialName: own, verifyCertificateHash: [HASH], verifyCertificateSpki: [SPKI]")}
  ${server(8451, "HTTPS", "credentialName: site, minProtocolVersion: TLSV1_0, maxProtocolVersion: TLSV1_1, cipherSuites: [ECDHE-ECDSA-AES128-SHA]")}
  ${server(8082, "HTTP", "httpsRedirect: true")}
  ${server(8082, "HTTP", "", ADMIN)}
  ${server(8452, "HTTPS", "mode: MUTUAL, serverCertificate: DIR/site/tls.crt, privateKey: DIR/site/tls.key, caCertificates: DIR/own/ca.crt, caCrl: DIR/revoked.pem")}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: backend}
spec:
  hosts: [backend.example.org]
  ports: [{number: 9443, name: tls, protocol: TLS}]
  resolution: STATIC
  endpoints: [{address: ${hosts.registry}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pass}
spec:
  hosts: ["*.pass.org"]
  gateways: [edge]
  tls:
  - match: [{sniHosts: [${PASSED}]}]
    route: [{destination: {host: backend.example.org, port: {number: 9443}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: other}
spec:
  selector: {app: other}
  servers:
  ${server(8081, "HTTP")}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: site}
spec:
  hosts: [${SITE}, ${ADMIN}, b.example.org]
  gateways: [edge, other]
  http:
  - {match: [{uri: {prefix: /a}}], delegate: {name: hello}}
  - {match: [{uri: {prefix: /b}}], delegate: {name: hello}}
  ${["IGNORE", "FORWARD"].map(preflights).join("\n  ")}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hello}
spec:
  http: [{name: hello, directResponse: {status: 200, body: {string: "hello\\n"}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hidden, namespace: private}
spec:
  hosts: [hidden.example.com]
  gateways: [default/edge]
  exportTo: ["."]
  http: [{directResponse: {status: 200, body: {string: "hidden\\n"}}}]
`;

/** What curl is answered with: `hello` where that is in the text, status and version of HTTP; what it says of TLS where there is no answer. */
async function curl(
  at: string,
  port: number,
  more: readonly string[] = [],
  host = SITE,
  path = "/a/b",
): Promise<string> {
  const scheme = [8080, 8081].includes(port) ? "http" : "https";
  const name = ["--connect-to", `${host}:${port}:${at}:${port}`, "--cacert", join(dir, "root.pem")];
  const what = ["-sS", "-m", "10", "-X", "POST", "-w", "\\n%{http_code} %{http_version}", ...name, ...more];
  try {
    const { stdout } = await run("curl", [...what, `${scheme}://${host}:${port}${path}`]);
    const status = stdout.slice(stdout.lastIndexOf("\n") + 1);
    return stdout.includes("hello") ? `hello ${status}` : status;
  } catch (error) {
    return String((error as { stderr?: string }).stderr).trim();
  }
}

const shown = (name: string) => ["--cert", join(dir, `${name}.crt`), "--key", join(dir, `${name}.key`)];

beforeAll(async () => {
  requireNamespace();
  dir = await mkdtemp(join(tmpdir(), "trestle-gateway-tls-"));
  for (const [name, leaf] of Object.entries({ site, own, rsa })) {
    await mkdir(join(dir, "credentials", name), { recursive: true });
    await put(`credentials/${name}/tls`, leaf);
    if (name !== "rsa") await writeFile(join(dir, "credentials", name, "ca.crt"), root.root);
  }
  await writeFile(join(dir, "root.pem"), root.root);
  await put("client", client);
  await put("another", another);
  await put("stranger", stranger);
  await writeFile(join(dir, "credentials", "revoked.pem"), revoke(root, another.serial));
  const shownFirst = new X509Certificate(client.chain);
  const spki = new X509Certificate(another.chain).publicKey.export({ type: "spki", format: "der" });
  const text = rules
    .replaceAll("DIR", join(dir, "credentials"))
    .replace("HASH", JSON.stringify(shownFirst.fingerprint256))
    .replace("SPKI", JSON.stringify(createHash("sha256").update(spki).digest("base64")));
  await writeFile(join(dir, "rules.yaml"), text);
  await writeFile(join(dir, "trestle.yaml"), `credentials: ${join(dir, "credentials")}\n`);
  const passed = createTestLeaf(root, { uri: "", dns: [PASSED] });
  backend = createServer({ cert: passed.chain, key: passed.key }, (_, answer) => answer.end("hello of the backend"));
  await new Promise<void>((resolve) => backend.listen(9_443, hosts.registry, resolve));
  trestle = await startTrestle({
    facade: "",
    rules: join(dir, "rules.yaml"),
    extra: ["-c", join(dir, "trestle.yaml")],
  });
  stage = await startXdsStage(ENVOY, { services: {}, rules: text });
  const secrets = Object.entries({ site, own, rsa }).flatMap(([name, leaf]) =>
    secretsOf(name, { certificate: leaf.chain, key: leaf.key, ...(name !== "rsa" && { roots: root.root }) }),
  );
  stage.identity = "spiffe://cluster.local/ns/default/sa/edge";
  stage.spoil = (set) => withCredentials(set, secrets, () => true);
  envoy = await startXdsEnvoy({ nodeId: `router~${ENVOY}~gateway~e2e`, server: stage, labels: { app: "edge" } });
  await eventually("the Envoy listens", async () => (await curl(ENVOY, 8443)).includes("200"));
});

async function put(name: string, { chain, key }: TestCertificate): Promise<void> {
  await writeFile(join(dir, `${name}.crt`), chain);
  await writeFile(join(dir, `${name}.key`), key);
}

afterAll(async () => {
  backend?.close();
  await envoy?.stop();
  await trestle?.stop();
  await stage?.close();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
});

const gateways = [
  ["Trestle", hosts.trestle],
  ["Envoy", ENVOY],
] as const;

test.each(gateways)("%s: SIMPLE by a credential and by files, HTTP/2 and HTTP/1.1", async (_, at) => {
  expect(await curl(at, 8443)).toBe("hello 200 2");
  expect(await curl(at, 8443, ["--http1.1"])).toBe("hello 200 1.1");
  expect(await curl(at, 8445)).toBe("hello 200 2");
  expect(await curl(at, 8443, ["--cacert", "/etc/ssl/certs/ca-certificates.crt"])).toMatch(/certificate/);
});

test.each(gateways)("%s: MUTUAL asks for a certificate of the credential's roots", async (_, at) => {
  expect(await curl(at, 8444, shown("client"))).toBe("hello 200 2");
  expect(await curl(at, 8444)).not.toContain("hello");
  expect(await curl(at, 8444, shown("stranger"))).not.toContain("hello");
});

test.each(gateways)("%s: certificates, and what is asked of callers, by the name that they ask for", async (_, at) => {
  expect(await curl(at, 8446)).toBe("hello 200 2");
  expect(await curl(at, 8446, shown("client"), ADMIN)).toBe("hello 200 2");
  expect(await curl(at, 8446, [], ADMIN)).not.toContain("hello");
  // Who came in by another name reaches nothing of it.
  const asked = ["-H", `host: ${ADMIN}`];
  expect(await curl(at, 8446, asked)).toBe("421 2");
  expect(await curl(at, 8446, [...asked, "--http1.1"])).toBe("421 1.1");
  expect(await curl(at, 8446, [], "c.example.org")).not.toMatch(/hello|200|404/);
});

test.each(gateways)(
  "%s: OPTIONAL_MUTUAL takes callers without a certificate, and none with a wrong one",
  async (_, at) => {
    expect(await curl(at, 8446, [], "b.example.org")).toBe("hello 200 2");
    expect(await curl(at, 8446, shown("client"), "b.example.org")).toBe("hello 200 2");
    expect(await curl(at, 8446, shown("stranger"), "b.example.org")).not.toContain("hello");
  },
);

test.each(gateways)("%s: the versions, suites and certificates that a port says", async (_, at) => {
  const suite = (name: string) => ["--tls-max", "1.2", "--ciphers", name];
  expect(await curl(at, 8447)).toBe("hello 200 2");
  expect(await curl(at, 8447, ["--tlsv1.3"])).toMatch(/protocol version/);
  expect(await curl(at, 8447, suite("ECDHE-ECDSA-AES256-GCM-SHA384"))).toBe("hello 200 2");
  expect(await curl(at, 8447, suite("ECDHE-RSA-AES128-GCM-SHA256"))).toBe("hello 200 2");
  expect(await curl(at, 8447, suite("ECDHE-ECDSA-AES128-GCM-SHA256"))).toMatch(/handshake failure/);
  const old = (name: string) => ["--tls-max", name, "--tlsv1.0", "--ciphers", "DEFAULT@SECLEVEL=0"];
  expect(await curl(at, 8451, old("1.1"))).toContain("hello 200");
  expect(await curl(at, 8443, old("1.1"))).toMatch(/protocol version/);
});

test.each(gateways)("%s: callers' certificates by name, key, list, and unchecked", async (_, at) => {
  const answers = async (port: number) =>
    Promise.all(
      ["client", "another", "stranger"].map(async (name) => (await curl(at, port, shown(name))).includes("hello")),
    );
  expect(await answers(8448)).toEqual([true, true, true]);
  expect(await curl(at, 8448)).not.toContain("hello");
  expect(await answers(8449)).toEqual([true, false, false]);
  expect(await answers(8450)).toEqual([true, true, false]);
  expect(await answers(8452)).toEqual([true, false, false]);
});

test.each(gateways)(
  "%s: a port in plain text sends all requests to https but those of another server",
  async (_, at) => {
    const sent = ["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"];
    const name = ["--connect-to", `::${at}:8082`];
    for (const path of ["/a/b?c=%20d", "/none"]) {
      const { stdout } = await run("curl", ["-sS", "-m", "10", ...sent, ...name, `http://${SITE}${path}`]);
      expect(stdout).toBe(`301 https://${SITE}${path}`);
    }
    const { stdout } = await run("curl", ["-sS", "-m", "10", "-X", "POST", ...name, `http://${ADMIN}/a/b`]);
    expect(stdout).toContain("hello");
  },
);

test.each(gateways)("%s: preflight requests of other origins go on, or do not", async (_, at) => {
  const ask = (path: string, origin: string) =>
    curl(
      at,
      8080,
      ["-X", "OPTIONS", "-H", `origin: ${origin}`, "-H", "access-control-request-method: POST"],
      SITE,
      path,
    );
  expect(await ask("/IGNORE/x", "https://b.example")).toMatch(/^20[04] /);
  expect(await ask("/FORWARD/x", "https://b.example")).toBe("503 1.1");
  expect(await ask("/FORWARD/x", "https://a.example")).toMatch(/^20[04] /);
});

test.each(gateways)(
  "%s: a delegate that is named twice is reached by both; what is not exported is not there",
  async (_, at) => {
    expect(await curl(at, 8080)).toBe("hello 200 1.1");
    expect(await curl(at, 8080, [], SITE, "/b/c")).toBe("hello 200 1.1");
    expect(await curl(at, 8080, [], "hidden.example.com")).toContain("404");
  },
);

test.each(gateways)("%s: PASSTHROUGH carries TLS to where tls routes say, and to nowhere else", async (_, at) => {
  expect(await curl(at, 8446, [], PASSED)).toBe("hello 200 1.1");
  expect(await curl(at, 8446, [], "b.pass.org")).not.toMatch(/hello|200|404/);
});

test("trestle explain names the server, how it ends TLS, and who answers, as it is", async () => {
  const explain = async (...args: string[]) => (await trestle.command("explain", ...args)).stdout;
  const told = await explain(`https://${SITE}/a/b`, "--gateway", "default/edge", "--port", "8443", "--method", "POST");
  expect(told).toMatch(
    /^gateway: +default\/edge \(.+rules\.yaml:\d+\), .+:8443, TLS by site for all names that no other server has$/m,
  );
  expect(told).toMatch(/^ {2}site\/hello \(.+:\d+\): taken$/m);
  expect(told).toMatch(/^answer: +200 hello/m);
  expect(await curl(hosts.trestle, 8443)).toBe("hello 200 2");
  // Another name's server: by SNI, by Host alone, and by nobody.
  expect(await explain(`https://${ADMIN}/a`, "--port", "8446")).toContain("; callers show a certificate");
  const elsewhere = await explain(`https://${SITE}/a`, "--port", "8446", "--attachment", `host=${ADMIN}`);
  expect(elsewhere).toMatch(/^answer: +421 /m);
  expect(await curl(hosts.trestle, 8446, ["-H", `host: ${ADMIN}`])).toMatch(/^421 /);
  expect(await explain(`http://${SITE}/a?b=1`, "--port", "8082")).toContain(
    `answer:      301 redirect to https://${SITE}/a?b=1`,
  );
  expect(await explain(`http://${SITE}/a`, "--port", "8443")).toContain("plain text is not answered");
  const passed = await explain(`tls://${PASSED}`, "--port", "8446");
  expect(passed).toContain(`destination: ${hosts.registry}:9443, 100% of calls`);
  expect(await explain("tls://b.pass.org", "--port", "8446")).toContain(
    "no server of the port has the name b.pass.org",
  );
  expect((await trestle.command("explain", `http://${SITE}/`, "--port", "1")).stderr).toContain(
    "port 1 is none of a gateway",
  );
});

test("plain text at a port of TLS is not answered", async () => {
  const { stderr } = await run("curl", ["-sS", "-m", "5", `http://${hosts.trestle}:8443/`]).catch((error) => error);
  expect(stderr).toMatch(/Empty reply|reset/);
});

test("a Gateway is served by Envoys with the labels that it asks for, and by the proxy beside the facades in any case", async () => {
  expect(await curl(ENVOY, 8081)).toMatch(/refused|connect/i);
  expect(await curl(hosts.trestle, 8081)).toBe("hello 200 1.1");
  expect(await envoy.rejected()).toEqual({});
});

test("a credential that is renewed is shown to new connections", async () => {
  const next = createTestLeaf(root, { uri: "", dns: [SITE] });
  await put("credentials/site/tls", next);
  const serial = async () => {
    const { stdout } = await run("sh", [
      "-c",
      `openssl s_client -connect ${hosts.trestle}:8443 -servername ${SITE} </dev/null 2>/dev/null | openssl x509 -noout -serial`,
    ]);
    return stdout
      .trim()
      .toLowerCase()
      .replace(/^serial=0*/, "");
  };
  await eventually("the new certificate", async () => (await serial()) === next.serial.replace(/^0*/, ""));
  expect(await curl(hosts.trestle, 8443)).toBe("hello 200 2");
});

import { execFile } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as createApi } from "node:http";
import { type AddressInfo, createServer as createPlainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { resolveCa } from "../../../src/cli/config/ca.ts";
import { Certificates } from "../../../src/cli/mesh/certificates.ts";
import { decodeMessage, encodeMessage } from "../../../src/codecs/xds/resource-bytes.ts";
import type { NamedResource } from "../../../src/codecs/xds/resources.ts";
import type { Secret } from "../../../src/codecs/xds/secret.ts";
import { xdsMessage } from "../../../src/codecs/xds/types.ts";
import { CREATE_CERTIFICATE } from "../../../src/control/ca/certificate-service.ts";
import { makeRoot, writeAuthority } from "../../../src/control/ca/own-root.ts";
import { DEFAULT_MESH } from "../../../src/model/mesh.ts";
import {
  createExpiredLeaf,
  createTestIntermediate,
  createTestLeaf,
  createTestRoot,
  type TestCertificate,
} from "../../support/certificates.ts";
import { builtGoTool } from "../../support/go-peers.ts";
import { eventually } from "../../support/process.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const run = promisify(execFile);
const TOKEN = "token-of-the-orders-service";
const ORDERS = "spiffe://cluster.local/ns/shop/sa/orders";
const { logger, lines } = recordingLogger();

let folder: string;
let csr: string;
const opened: Certificates[] = [];
const at = (name: string) => join(folder, name);
const openssl = async (...args: string[]) => (await run("openssl", args, { cwd: folder })).stdout;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trestle-certificates-"));
  writeFileSync(at("tokens"), `${TOKEN} shop/orders\n`);
  // As Dubbo's signer makes it: RSA, and the token where the account should be.
  await openssl(
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    "key.pem",
    "-subj",
    "/",
    "-addext",
    `subjectAltName=URI:spiffe://cluster.local/ns/shop/sa/${TOKEN}`,
    "-out",
    "csr.pem",
  );
  csr = readFileSync(at("csr.pem"), "utf8");
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const said = (text: string) => lines.some(([, line]) => line.includes(text));

/** An authority whose service listens, of these settings. */
async function open(raw: NonNullable<Parameters<typeof resolveCa>[0]>, data?: string): Promise<Certificates> {
  const { ca } = resolveCa({ listen: "127.0.0.1:0", tokens: at("tokens"), ...raw }, (path, message) => {
    throw new Error(`${path}: ${message}`);
  });
  const proxy = { serviceAccount: "trestle" } as never;
  const certificates = new Certificates(
    { mesh: DEFAULT_MESH, proxy, ...(data !== undefined && { data }) },
    ca!,
    logger,
  );
  opened.push(certificates);
  await certificates.start();
  await certificates.serve([]);
  return certificates;
}

/** A folder with an intermediate below a root of a test, and that root. */
function pluggedIn(name: string) {
  const root = createTestRoot();
  const between = createTestIntermediate(root);
  const key = between.key.export({ format: "pem", type: "pkcs8" }) as string;
  writeAuthority(at(name), { certificate: between.pem, key, chain: "", roots: root.pem, revocations: "" });
  return { root, between, path: at(name) };
}

const channel = (certificates: Certificates, own?: TestCertificate) =>
  new Client(
    certificates.address!,
    credentials.createSsl(
      Buffer.from(certificates.authority.validation.get()!.trustedCa.inlineString),
      own === undefined ? null : Buffer.from(own.key),
      own === undefined ? null : Buffer.from(own.chain),
      { checkServerIdentity: () => undefined },
    ),
  );

/** One call of CreateCertificate; the chain, or the name of the status and its text. */
function ask(
  client: Client,
  token: string | undefined,
  request = csr,
  seconds = 0,
): Promise<readonly string[] | string> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  metadata.set("ClusterID", "Kubernetes");
  const bytes = encodeMessage(xdsMessage("istio.v1.auth.IstioCertificateRequest"), {
    csr: request,
    validityDuration: String(seconds),
  });
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      CREATE_CERTIFICATE,
      (value: Uint8Array) => Buffer.from(value),
      (value: Buffer) =>
        decodeMessage(xdsMessage("istio.v1.auth.IstioCertificateResponse"), value)["certChain"] as string[],
      bytes,
      metadata,
      { deadline: Date.now() + 20_000 },
      (error: ServiceError | null, chain?: string[]) => {
        client.close();
        resolve(error === null ? chain! : `${error.code} ${error.details}`);
      },
    );
  });
}

test("grpcurl has a request signed by an own root, and OpenSSL verifies what it gets", async () => {
  const data = at("data");
  const certificates = await open({}, data);
  expect(statSync(join(data, "ca/ca-key.pem")).mode & 0o777).toBe(0o600);
  const { stdout } = await run(builtGoTool("grpcurl"), [
    ...["-cacert", join(data, "ca/root-cert.pem"), "-servername", "istiod.istio-system.svc"],
    ...[
      "-import-path",
      "src/codecs/xds/proto",
      "-proto",
      "istio/v1/auth/ca.proto",
      "-H",
      `authorization: Bearer ${TOKEN}`,
    ],
    ...["-d", JSON.stringify({ csr, validity_duration: 3_600 }), certificates.address!],
    "istio.v1.auth.IstioCertificateService/CreateCertificate",
  ]);
  const { certChain } = JSON.parse(stdout) as { certChain: string[] };
  expect(certChain).toHaveLength(2);
  writeFileSync(at("leaf.pem"), certChain[0]!);
  writeFileSync(at("root.pem"), certChain[1]!);
  expect(await openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "root.pem", "leaf.pem")).toBe(
    "leaf.pem: OK\n",
  );
  const shown = await openssl("x509", "-in", "leaf.pem", "-noout", "-ext", "subjectAltName");
  expect(shown.trim().split("\n").at(-1)!.trim()).toBe(`URI:${ORDERS}`);
  const again = await open({ listen: "127.0.0.1:0" }, data);
  expect(again.authority.trust!.signing.roots).toEqual(certificates.authority.trust!.signing.roots);
});

test("a client with Dubbo's faults gets its account's certificate, as often as it comes, and its token stands nowhere", async () => {
  const certificates = await open({ certificates: pluggedIn("dubbo").path });
  for (let i = 0; i < 5; i++) {
    const chain = (await ask(channel(certificates), TOKEN, csr, 86_400)) as readonly string[];
    expect(chain).toHaveLength(3);
    expect(new X509Certificate(chain[0]!).subjectAltName).toBe(`URI:${ORDERS}`);
    writeFileSync(at("leaf.pem"), chain[0]!);
    writeFileSync(at("between.pem"), chain[1]!);
    writeFileSync(at("root.pem"), chain[2]!);
    expect(
      await openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "between.pem", "leaf.pem"),
    ).toBe("leaf.pem: OK\n");
  }
  expect(JSON.stringify(lines)).not.toContain(TOKEN);
  expect(certificates.metrics.expose()).toContain("citadel_server_success_cert_issuance_count 5\n");
});

test("callers are refused by what is wrong with them", async () => {
  const { between, path } = pluggedIn("refusals");
  const good = createTestLeaf(between, { uri: ORDERS });
  const revoked = createTestLeaf(between, { uri: ORDERS });
  writeFileSync(at("revoked"), `${revoked.serial} # a lost key\n`);
  const certificates = await open({ certificates: path, revoked: at("revoked") });
  const chain = (await ask(channel(certificates, good), undefined)) as readonly string[];
  expect(new X509Certificate(chain[0]!).subjectAltName).toBe(`URI:${ORDERS}`);
  const refusals = {
    "no certificate and no token": await ask(channel(certificates), undefined),
    "another token": await ask(channel(certificates), `${TOKEN}x`),
    "no request": await ask(channel(certificates), TOKEN, "text"),
    "another trust domain": await ask(
      channel(certificates, createTestLeaf(between, { uri: "spiffe://other.org/ns/shop/sa/orders" })),
      undefined,
    ),
    "no identity": await ask(
      channel(certificates, createTestLeaf(between, { uri: "", dns: ["orders.shop"] })),
      undefined,
    ),
  };
  expect(refusals).toEqual({
    "no certificate and no token": "16 request authenticate failure",
    "another token": "16 request authenticate failure",
    "no request": "3 certificate request is not one block of PEM",
    "another trust domain": "16 request authenticate failure",
    "no identity": "16 request authenticate failure",
  });
  const wrongs = [
    createExpiredLeaf(between, { uri: ORDERS }),
    createTestLeaf(createTestRoot(), { uri: ORDERS }),
    revoked,
  ];
  for (const wrong of wrongs) expect(await ask(channel(certificates, wrong), undefined)).toMatch(/^14 /);
  const reasons = lines
    .filter(([, text]) => text === "a client's certificate is refused")
    .map(([, , fields]) => fields["reason"]);
  expect(new Set(reasons)).toEqual(new Set(["CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "it is revoked"]));
});

test("without the list of revoked ones there is no start; one that goes later leaves the last in force, and is told of", async () => {
  const { between, path } = pluggedIn("revocations");
  const list = at("revocations.txt");
  await expect(open({ certificates: path, revoked: list })).rejects.toThrow(/is missing/);
  const leaf = createTestLeaf(between, { uri: ORDERS });
  writeFileSync(list, "");
  const certificates = await open({ certificates: path, revoked: list });
  expect(certificates.findings()).toEqual([]);
  const socket = await handshake(certificates, leaf);
  expect(socket.destroyed).toBe(false);
  // Revoked while it is connected: cut at once.
  writeFileSync(list, `${leaf.serial}\n`);
  await eventually("the connection ends", () => socket.destroyed, 5_000);
  expect(await ask(channel(certificates, leaf), undefined)).toMatch(/^14 /);
  rmSync(list);
  await eventually("a finding", () => certificates.findings().length === 1, 5_000);
  expect(certificates.findings()).toMatchObject([{ code: "TR0801", severity: "error", at: list }]);
  expect(await ask(channel(certificates, leaf), undefined)).toMatch(/^14 /);
  writeFileSync(list, `${leaf.serial}\nno serial\n`);
  await eventually("another reason", () => /line 2/.test(certificates.findings()[0]?.message ?? ""), 5_000);
  writeFileSync(list, "");
  await eventually("no finding", () => certificates.findings().length === 0, 5_000);
  expect(await ask(channel(certificates, leaf), undefined)).toEqual(expect.any(Array));
});

/** A connection to the certificate service that stays. */
async function handshake(certificates: Certificates, leaf: TestCertificate): Promise<TLSSocket> {
  const [host, port] = certificates.address!.split(":");
  const socket = connect({
    ...{ host, port: Number(port), cert: leaf.chain, key: leaf.key, ALPNProtocols: ["h2"] },
    rejectUnauthorized: false,
  });
  socket.on("error", () => {});
  socket.resume();
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  return socket;
}

test("tokens are reviewed at the API that a kubeconfig names, and its silence is no refusal", async () => {
  const asked: string[] = [];
  let status = 201;
  const api = createApi((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const { spec } = JSON.parse(body) as { spec: { token: string; audiences: string[] } };
      asked.push(`${request.method} ${request.url} ${spec.audiences.join()}`);
      const user = { username: "system:serviceaccount:shop:orders" };
      response.writeHead(status, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ status: { authenticated: spec.token === "a.good.token", audiences: ["istio-ca"], user } }),
      );
    });
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  const server = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "c", user: {} }],
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
  };
  writeFileSync(at("kubeconfig"), JSON.stringify(config));
  const certificates = await open({
    certificates: pluggedIn("reviews").path,
    kubernetes: { kubeconfig: at("kubeconfig") },
  });
  const chain = (await ask(channel(certificates), "a.good.token")) as readonly string[];
  expect(new X509Certificate(chain[0]!).subjectAltName).toBe(`URI:${ORDERS}`);
  expect(await ask(channel(certificates), "a.bad.token")).toBe("16 request authenticate failure");
  expect(asked).toEqual(Array.from({ length: 2 }, () => "POST /apis/authentication.k8s.io/v1/tokenreviews istio-ca"));
  status = 500;
  expect(await ask(channel(certificates), "a.good.token")).toBe("14 the caller can't be identified now");
  expect(JSON.stringify(lines)).not.toContain("a.good.token");
  api.close();
});

test("plain text is refused", async () => {
  const certificates = await open({ certificates: pluggedIn("plain").path });
  expect(await ask(new Client(certificates.address!, credentials.createInsecure()), TOKEN)).toMatch(/^14 /);
});

/** What a secret says, as Node's TLS takes it. */
function contextOf(secrets: readonly NamedResource<Secret>[]) {
  const [roots, own] = secrets.map(({ resource }) => resource);
  const { certificateChain, privateKey } = own!.tlsCertificate!;
  return {
    cert: certificateChain.inlineString,
    key: privateKey.inlineString,
    ca: roots!.validationContext!.trustedCa.inlineString,
  };
}

test("while the root changes no connection is refused and none that stands ends", async () => {
  const path = at("rotation");
  const own = () => makeRoot({ trustDomain: "cluster.local", key: "ec", random: randomBytes, nowMs: Date.now() });
  writeAuthority(path, own());
  const certificates = await open({ certificates: path, overlap: "2s" });
  const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "orders" };
  const secrets = () => certificates.secrets.secretsOf(identity);
  const server = createServer({ ...contextOf(secrets()), requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // Each end hears of a change at its own time: the client's secrets are a second older than the server's.
  let clientSecrets = contextOf(secrets());
  const timers = new Set<NodeJS.Timeout>();
  void (async () => {
    for await (const _ of certificates.secrets.changes.watch()) {
      const now = contextOf(secrets());
      server.setSecureContext(now);
      timers.add(setTimeout(() => (clientSecrets = now), 1_000));
    }
  })();
  const roots = new Set<string>();
  const dial = () =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", ...clientSecrets, checkServerIdentity: () => undefined });
      socket.on("error", reject);
      // With TLS 1.3 the client's certificate is judged after its own handshake: an answer says that it was taken.
      socket.once("data", () => {
        roots.add(socket.getPeerX509Certificate()!.issuer);
        resolve(socket);
      });
      socket.write("?");
    });
  const standing = await dial();
  let calls = 0;
  const failures: string[] = [];
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await dial().then(
        (socket) => socket.destroy(),
        (error: Error) => failures.push(error.message),
      );
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await rounds(10);
  writeAuthority(path, own());
  const isNew = () => certificates.authority.trust!.retired.length > 0;
  while (!isNew() || certificates.authority.trust!.next !== undefined) await rounds(5);
  // Leaves of the new root are given out when the old ones are due; here they are asked for at once.
  const other = () => certificates.secrets.secretsOf({ ...identity, serviceAccount: "second" });
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  server.setSecureContext(contextOf(other()));
  await rounds(10);
  clientSecrets = contextOf(other());
  server.setSecureContext(contextOf(secrets()));
  await rounds(10);
  expect(failures).toEqual([]);
  expect(roots.size).toBe(2);
  expect(calls).toBeGreaterThan(30);
  const echoed = new Promise((resolve) => standing.once("data", (bytes) => resolve(bytes.toString())));
  standing.write("still");
  expect(await echoed).toBe("still");
  standing.destroy();
  for (const timer of timers) clearTimeout(timer);
  await new Promise((resolve) => server.close(resolve));
});

test("files that are half changed, wrong or gone leave the last good authority", async () => {
  const { path } = pluggedIn("broken");
  const certificates = await open({ certificates: path });
  const { roots } = certificates.authority.trust!.signing;
  const key = readFileSync(join(path, "ca-key.pem"), "utf8");
  writeFileSync(
    join(path, "ca-key.pem"),
    makeRoot({ trustDomain: "cluster.local", key: "ec", random: randomBytes, nowMs: Date.now() }).key,
  );
  await eventually("the wrong key is told", () => said(`${path} can't be used`), 20_000);
  expect(certificates.authority.trust!.signing.roots).toEqual(roots);
  expect(((await ask(channel(certificates), TOKEN)) as readonly string[]).length).toBe(3);
  writeFileSync(join(path, "ca-key.pem"), key);
  await eventually("the mended key is told", () => said(`${path} can be used again`), 20_000);
  expect(JSON.stringify(lines)).not.toContain("PRIVATE KEY");
});

test("an address that is in use and an authority that is wrong end the start", async () => {
  const blocker = createPlainServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  const { port } = blocker.address() as AddressInfo;
  await expect(open({ certificates: pluggedIn("blocked").path, listen: `127.0.0.1:${port}` })).rejects.toThrow(
    /^cannot listen on 127\.0\.0\.1:/,
  );
  blocker.close();
  await expect(open({ certificates: at("nowhere") })).rejects.toThrow(
    "the certificate authority has no key: nothing can be signed",
  );
});

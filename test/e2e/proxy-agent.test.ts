import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestLeaf } from "../support/certificates.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { type ConfiguredTrestle, newFolder, startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import { type RemoteProxy, startRemoteProxy } from "../support/remote-proxy.ts";

// `trestle proxy` with an identity of its own: certificate by CSR and token, xDS over TLS, roots by SDS, an inbound listener by control's rules.

const TOKEN = "token-of-the-orders-proxy";
const CONTROL = `${hosts.trestle}:15012`;
const PORT = 20_890;
const WEB = 8_081;
// The key of the gateway's port comes by SDS; the account may have it.
const GATEWAY = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {app: orders}
  servers:
  - {port: {number: 8443, name: https, protocol: HTTPS}, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: site}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hello}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
  - {match: [{uri: {prefix: /web}}], route: [{destination: {host: web}}]}
  - {match: [{method: {exact: GET}}], directResponse: {status: 200, body: {string: hello}}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web}
spec: {hosts: [web], resolution: STATIC, ports: [{number: ${WEB}, name: http, protocol: HTTP}], endpoints: [{address: ${hosts.relay}}]}
`;
const peers = (mode: string) =>
  `${GATEWAY}---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: orders, namespace: shop}\nspec: {selector: {matchLabels: {app: orders}}, mtls: {mode: ${mode}}}\n`;

let folder: string;
let authority: Awaited<ReturnType<typeof startAuthority>>;
let control: ConfiguredTrestle;
let provider: FakeProvider;
let web: Server;
let proxy: RemoteProxy;

const controlConfig = () => ({
  ca: {
    certificates: authority.folder,
    listen: CONTROL,
    names: [hosts.trestle],
    tokens: join(folder, "tokens"),
    revoked: join(folder, "revoked"),
  },
  outputs: [{ xds: `${hosts.trestle}:15011` }],
  credentials: join(folder, "credentials"),
  credentialReaders: ["shop/orders"],
});
const startControl = () => startConfigured(controlConfig(), { facade: "" }, peers("STRICT"));

function proxyFile(namespace = "shop"): Promise<void> {
  const config = {
    control: { tls: { roots: join(authority.folder, "root-cert.pem"), token: join(folder, "token") } },
    mesh: { namespace },
    proxy: {
      labels: { app: "orders" },
      inbound: [{ listen: `${hosts.relay}:${PORT}`, to: `127.0.0.1:${provider.port}` }],
    },
  };
  return writeFile(join(folder, "proxy.json"), JSON.stringify(config));
}

const startProxy = (data = "data", readyStatus = 200) =>
  startRemoteProxy({
    ...{ host: hosts.relay, controls: [CONTROL], data: join(folder, data) },
    ...{ config: join(folder, "proxy.json"), readyStatus },
  });

beforeAll(async () => {
  requireNamespace();
  folder = await newFolder("agent");
  for (const name of ["data", "other", "credentials/site"]) await mkdir(join(folder, name), { recursive: true });
  authority = await startAuthority();
  await writeFile(join(folder, "token"), `${TOKEN}\n`);
  await writeFile(join(folder, "tokens"), `${TOKEN} shop/orders\n`);
  await writeFile(join(folder, "revoked"), "");
  const site = createTestLeaf(authority.root, { uri: "", dns: ["shop.example.com"] });
  await writeFile(join(folder, "credentials/site/tls.crt"), site.chain);
  await writeFile(join(folder, "credentials/site/tls.key"), site.key);
  provider = await startFakeProvider();
  web = createServer((request, response) => {
    response.end(`web ${request.url} ${request.headers["x-forwarded-proto"]}`);
  });
  await once(web.listen(WEB, hosts.relay), "listening");
  control = await startControl();
  await proxyFile();
  proxy = await startProxy();
});

afterAll(async () => {
  await stopAll();
  await provider?.close();
  web?.close();
});

/** A connection to the inbound listener with a certificate of that account. */
async function connected(account: string): Promise<TLSSocket> {
  const own = createTestLeaf(authority.root, { uri: `spiffe://cluster.local/ns/default/sa/${account}` });
  const socket = connectTls({
    ...{ host: hosts.relay, port: PORT, ca: authority.root.pem, cert: own.chain, key: own.key },
    ALPNProtocols: ["istio"],
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  return socket;
}

/** What a call by mutual TLS is answered, as text. */
async function called(account: string): Promise<string> {
  const socket = await connected(account);
  socket.write(request({ service: "com.acme.Orders", method: "get", id: 1n }));
  const [bytes] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return bytes.toString("latin1");
}

async function inPlain(): Promise<string> {
  const caller = await openRaw(hosts.relay, PORT);
  caller.write(request({ service: "com.acme.Orders", method: "get", id: 1n }));
  const { body } = await caller.answer(10_000);
  caller.destroy();
  return body.toString("latin1");
}

test("its inbound listener shows the identity that its token stands for, and serves by control's rules", async () => {
  const socket = await connected("shop");
  expect(socket.getPeerCertificate().subjectaltname).toBe("URI:spiffe://cluster.local/ns/shop/sa/orders");
  socket.destroy();
  expect(await called("shop")).toContain("ok");
  expect(await inPlain()).toMatch(/takes mutual TLS only/);
  const only = policyText("a", '{rules: [{from: [{source: {principals: ["cluster.local/ns/default/sa/shop"]}}]}]}', {
    namespace: "shop",
  });
  await control.write(`${peers("PERMISSIVE")}---\n${only}`);
  await expect.poll(inPlain, { timeout: 5_000 }).toMatch(/RBAC: access denied/);
  expect(await called("shop")).toContain("ok");
  expect(await called("other")).toMatch(/RBAC: access denied/);
  await control.write(peers("PERMISSIVE"));
  await expect.poll(inPlain, { timeout: 5_000 }).toMatch(/ok/);
});

/** What a caller outside is answered at the gateway's port. */
function atGateway(path = "/"): Promise<string> {
  const options = { host: hosts.relay, port: 8443, servername: "shop.example.com", ca: authority.root.pem };
  return new Promise((resolve) => {
    const headers = { host: "shop.example.com" };
    const sent = get({ ...options, path, headers, agent: false }, (answer) => {
      answer.setEncoding("utf8").on("data", resolve);
    });
    sent.on("error", (error) => resolve(error.message));
  });
}

test("a Gateway's key comes by SDS, for an account that may have it", async () => {
  await expect.poll(() => atGateway(), { timeout: 5_000 }).toContain("hello");
});

test("its Gateway leads to a service that speaks HTTP alone, which is told that the caller came by TLS", async () => {
  await expect.poll(() => atGateway("/web/a?b"), { timeout: 5_000 }).toBe("web /web/a?b https");
});

test("without control it goes on, also after a restart, with the certificate that it kept", async () => {
  await control.trestle.stop();
  expect(await called("shop")).toContain("ok");
  await proxy.stop();
  proxy = await startProxy();
  expect(await called("shop")).toContain("ok");
  expect(await atGateway()).toContain("hello");
});

test("it finds control again, and takes new rules", async () => {
  control = await startControl();
  await expect.poll(inPlain, { timeout: 20_000 }).toMatch(/takes mutual TLS only/);
});

test("a proxy that says another namespace than that of its certificate is given nothing", async () => {
  await proxy.stop();
  await proxyFile("other");
  proxy = await startProxy("other", 503);
  const reason = async () => (await proxy.get("/ready")).body;
  await expect
    .poll(reason, { timeout: 10_000 })
    .toMatch(/the node says that it is of namespace .+other.+, and its certificate is of shop/);
});

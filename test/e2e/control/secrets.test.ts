import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import { resolveCa } from "../../../src/cli/config/ca.ts";
import { Certificates } from "../../../src/cli/mesh/certificates.ts";
import { XdsOutput } from "../../../src/cli/mesh/xds-output.ts";
import type { XdsResponse } from "../../../src/codecs/xds/discovery.ts";
import { SECRET_TYPE } from "../../../src/codecs/xds/resources.ts";
import type { Secret } from "../../../src/codecs/xds/secret.ts";
import { readAuthority } from "../../../src/control/ca/authority.ts";
import { authorityPaths, textsOf } from "../../../src/control/ca/files.ts";
import { makeRoot, writeAuthority } from "../../../src/control/ca/own-root.ts";
import { DEFAULT_MESH } from "../../../src/model/mesh.ts";
import { emptySnapshot } from "../../../src/model/snapshot.ts";
import { createTestLeaf, type TestCertificate } from "../../support/certificates.ts";
import { methodPath, openChannel, XdsStream } from "../../support/xds-grpc.ts";

const ORDERS = "spiffe://cluster.local/ns/shop/sa/orders";
const own = () => makeRoot({ trustDomain: "cluster.local", key: "ec", random: randomBytes, nowMs: Date.now() });

let folder: string;
let certificates: Certificates;
let xds: XdsOutput;
const clients: Client[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trestle-secrets-"));
  writeAuthority(folder, own());
  const { ca } = resolveCa({ certificates: folder, listen: "127.0.0.1:0", overlap: "1h" }, (path, message) => {
    throw new Error(`${path}: ${message}`);
  });
  certificates = new Certificates({ mesh: DEFAULT_MESH, proxy: { serviceAccount: "x" } as never }, ca!, silentLogger);
  await certificates.start();
  xds = new XdsOutput(silentLogger, certificates);
  await xds.start({ host: "127.0.0.1", port: 0 });
  xds.update(emptySnapshot, {});
  await certificates.serve(xds.services);
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  await xds?.close();
  await certificates?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A leaf of the authority itself, as its service would give. */
function leafOf(uri: string): TestCertificate {
  const texts = textsOf(
    authorityPaths(folder).map((path) =>
      path.endsWith("chain.pem") || path.endsWith("crl.pem") ? "" : readFileSync(path, "utf8"),
    ),
  );
  const { issuer, roots } = readAuthority(texts, Date.now());
  return createTestLeaf(
    {
      ...issuer,
      name: Buffer.from(issuer.name),
      keyId: Buffer.from(issuer.keyId),
      pem: roots[0]!,
      chain: "",
      root: roots[0]!,
    },
    { uri },
  );
}

function secure(leaf?: TestCertificate): Client {
  const roots = Buffer.from(certificates.authority.validation.get()!.trustedCa.inlineString);
  const pair = leaf === undefined ? [null, null] : [Buffer.from(leaf.key), Buffer.from(leaf.chain)];
  const client = new Client(
    certificates.address!,
    credentials.createSsl(roots, pair[0]!, pair[1]!, { checkServerIdentity: () => undefined }),
  );
  clients.push(client);
  return client;
}

function subscribed(client: Client, variant: "delta" | "sotw" = "delta"): XdsStream {
  const stream = new XdsStream(client, variant, methodPath(variant, "SDS"));
  const names = ["default", "ROOTCA"];
  stream.send(SECRET_TYPE, variant === "delta" ? { subscribe: names } : { names });
  return stream;
}

const secretsIn = (response: XdsResponse): Record<string, Secret> =>
  Object.fromEntries(response.resources.map(({ name, resource }) => [name, resource as Secret]));

test("a connection is given the secrets of its own certificate's identity, in both kinds of stream", async () => {
  const client = secure(leafOf(ORDERS));
  for (const variant of ["delta", "sotw"] as const) {
    const secrets = secretsIn(await subscribed(client, variant).take(SECRET_TYPE));
    const chain = secrets["default"]!.tlsCertificate!.certificateChain.inlineString;
    expect(new X509Certificate(chain).subjectAltName).toBe(`URI:${ORDERS}`);
    expect(secrets["ROOTCA"]!.validationContext!.trustedCa.inlineString).toBe(
      certificates.authority.trust!.signing.roots[0],
    );
  }
  const [one] = xds.clients().filter(({ identity }) => identity === ORDERS);
  expect(one).toBeDefined();
});

test("nobody is given a secret without a certificate, or with one of another trust domain, over TLS or without", async () => {
  const others = [secure(), secure(leafOf("spiffe://other.org/ns/shop/sa/orders")), openChannel(xds.address!)];
  clients.push(others[2]!);
  for (const client of others) {
    const response = await subscribed(client).take(SECRET_TYPE);
    expect(response.resources).toEqual([]);
  }
});

test("a new root is pushed at once, and the certificate stays", async () => {
  const stream = subscribed(secure(leafOf(ORDERS)));
  const first = await stream.take(SECRET_TYPE);
  stream.send(SECRET_TYPE, { nonce: first.nonce });
  const before = certificates.authority.trust!.signing.roots[0]!;
  writeAuthority(folder, own());
  const second = secretsIn(await stream.take(SECRET_TYPE));
  expect(Object.keys(second)).toEqual(["ROOTCA"]);
  const roots = second["ROOTCA"]!.validationContext!.trustedCa.inlineString;
  expect(roots).toContain(before);
  expect(roots.split("BEGIN CERTIFICATE")).toHaveLength(3);
});

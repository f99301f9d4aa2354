/**
 * One process that signs certificates as the service does: the request is read from PEM and checked, the leaf is signed and printed.
 * Prints rows as JSON. Argument: slices of each kind.
 */
import { randomBytes } from "node:crypto";
import { parsePem, printPem } from "../../src/codecs/x509/pem.ts";
import { decodeRequest, encodeRequest } from "../../src/codecs/x509/request.ts";
import { createKey, type KeyType, readAuthority } from "../../src/control/ca/authority.ts";
import { CertificateAuthority } from "../../src/control/ca/certificate-authority.ts";
import { makeRoot } from "../../src/control/ca/own-root.ts";
import type { SigningRow } from "./signing-numbers.ts";

const slices = Number(process.argv[2]);
const PER_SLICE = 100;

function measure(root: KeyType, leaf: KeyType): SigningRow {
  const nowMs = Date.now();
  const authority = new CertificateAuthority({ random: randomBytes });
  authority.take(
    readAuthority(makeRoot({ trustDomain: "cluster.local", key: root, random: randomBytes, nowMs }), nowMs),
  );
  const requests = Array.from({ length: 20 }, () => printPem("CERTIFICATE REQUEST", encodeRequest(createKey(leaf))));
  const names = { uris: ["spiffe://cluster.local/ns/shop/sa/orders"] };
  const times: number[] = [];
  for (let slice = 0; slice < slices; slice++) {
    const before = process.cpuUsage();
    for (let i = 0; i < PER_SLICE; i++)
      authority.sign(decodeRequest(parsePem("CERTIFICATE REQUEST", requests[i % requests.length]!)[0]!), names);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / PER_SLICE);
  }
  times.sort((a, b) => a - b);
  return { root, leaf, cpuUs: times[Math.floor(times.length / 2)]! };
}

const rows = (["ec", "rsa"] as const).flatMap((root) => (["ec", "rsa"] as const).map((leaf) => measure(root, leaf)));
process.stdout.write(JSON.stringify(rows));

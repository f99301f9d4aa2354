import { createTestLeaf, createTestRoot, secretsOf } from "../support/certificates.ts";
import { startInbound, startOutbound } from "../support/mtls-stage.ts";

/*
 * Two proxies in one process, callers -> one -> the other -> the provider at `--to=PORT`, in plain text between them or, with `--mtls`, by
 * mutual TLS. Prints {"port": N} once the one listens. Certificates have keys of P-256.
 */
const to = { address: "127.0.0.1", port: Number(process.argv.find((arg) => arg.startsWith("--to="))?.slice(5)) };
const isMutual = process.argv.includes("--mtls");
const root = createTestRoot();
const uri = "spiffe://cluster.local/ns/default/sa/orders";
const secrets = () => secretsOf(createTestLeaf(root, { uri }));
const inbound = await startInbound({ to, mtls: isMutual ? "STRICT" : "PERMISSIVE", secrets: secrets() });
const outbound = await startOutbound({
  service: { key: "o.Orders:1.0.0", to: [inbound], names: [uri], mtls: isMutual },
  secrets: secrets(),
});
console.log(JSON.stringify({ port: outbound.port }));

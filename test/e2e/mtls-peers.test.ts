import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DOWNSTREAM_TLS_TYPE, TLS_SOCKET, UPSTREAM_TLS_TYPE } from "../../src/codecs/xds/tls.ts";
import { createTestIntermediate, createTestLeaf, createTestRoot, secretsOf } from "../support/certificates.ts";
import { type Consumer, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { startEnvoy } from "../support/envoy.ts";
import { type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { knownDifferences } from "../support/known-differences.ts";
import {
  type InboundOptions,
  type OutboundService,
  type StagedProxy,
  startInbound,
  startOutbound,
} from "../support/mtls-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { tripleDifferences } from "../support/triple-services.ts";

// Real peers, mutual TLS between: caller -> Trestle -> mTLS -> Trestle -> provider, and with a stock Envoy in place of either Trestle.

const root = createTestRoot();
const below = createTestIntermediate(root);
const ORDERS = "spiffe://cluster.local/ns/default/sa/orders";
const SHOP = "spiffe://cluster.local/ns/default/sa/shop";
const orders = createTestLeaf(below, { uri: ORDERS });
const shop = createTestLeaf(below, { uri: SHOP });
const RELAY = "com.acme.Relay";

/** A service that no proxy of this test leads. */
const NOT_HERE = { "callback parameter": "of another service, which is not led here" };

const proxies: StagedProxy[] = [];

async function inboundOf(options: Omit<InboundOptions, "secrets">): Promise<StagedProxy> {
  const staged = await startInbound({ secrets: secretsOf(orders), ...options });
  proxies.push(staged);
  return staged;
}

async function outboundOf(service: OutboundService, port: number): Promise<StagedProxy> {
  const at = { address: hosts.trestle, port };
  const staged = await startOutbound({ service: { names: [ORDERS], ...service }, secrets: secretsOf(shop), at });
  proxies.push(staged);
  return staged;
}

beforeAll(() => requireNamespace());
afterAll(async () => {
  for (const { proxy } of proxies) await proxy.close();
  await stopAll();
});

describe("Dubbo Java", () => {
  const KEY = "com.acme.OrderService";
  let consumer: Consumer;
  let strict: StagedProxy;
  let permissive: StagedProxy;
  beforeAll(async () => {
    const to = { address: hosts.provider1, port: 21_880 };
    const tri = { address: hosts.provider1, port: 21_881 };
    [consumer] = await Promise.all([
      startConsumer("3.2", { url: `dubbo://${hosts.trestle}:21890`, check: false, retries: 2, timeout: 10_000 }),
      startProvider("3.2", { host: to.address, port: to.port, protocol: "dubbo,tri", label: "one" }),
    ]);
    strict = await inboundOf({ to, at: { address: hosts.relay, port: 20_890 }, mtls: "STRICT" });
    permissive = await inboundOf({ to, at: { address: hosts.relay, port: 20_891 } });
    const strictTri = await inboundOf({
      to: tri,
      protocol: "tri",
      at: { address: hosts.relay, port: 20_892 },
      mtls: "STRICT",
    });
    await outboundOf({ key: KEY, to: [strict] }, 21_890);
    await outboundOf({ key: KEY, to: [strictTri], protocol: "tri" }, 50_051);
    await consumer.refer("tri", { url: `tri://${hosts.trestle}:50051`, check: false, timeout: 10_000 });
  });

  test("Dubbo2 calls reach the provider by mutual TLS, every kind of value and exception", async () => {
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "one" });
    expect(surprises(await consumer.suite(), { ...knownDifferences("3.2", "3.2", true), ...NOT_HERE })).toEqual([]);
    expect(strict.counter("tlsHandshakes")).toBeGreaterThan(0);
    expect(strict.counter("tlsPlainRefused")).toBe(0);
  });

  test("Triple calls do", async () => {
    expect(await consumer.call("whoAmI", undefined, {}, "tri")).toMatchObject({ label: "one" });
    expect(surprises(await consumer.suite("tri"), { ...tripleDifferences("3.2", "3.2"), ...NOT_HERE })).toEqual([]);
  });

  test("a Triple consumer of a provider that speaks Dubbo2 alone is translated by the inbound proxy", async () => {
    await consumer.refer("across", { url: `tri://${hosts.relay}:20891`, check: false, timeout: 10_000 });
    expect(await consumer.call("whoAmI", undefined, {}, "across")).toMatchObject({ label: "one" });
  });

  test("a consumer in plain text is served where that is let, and refused with an exception that it does not send again", async () => {
    await consumer.refer("plain", { url: `dubbo://${hosts.relay}:20891`, check: false, retries: 2 });
    expect(await consumer.call("whoAmI", undefined, {}, "plain")).toMatchObject({ label: "one" });
    expect(permissive.counter("tlsHandshakes")).toBe(0);
    await consumer.refer("refused", { url: `dubbo://${hosts.relay}:20890`, check: false, retries: 2 });
    const before = refusedCalls();
    await expect(consumer.call("whoAmI", undefined, {}, "refused")).rejects.toThrow(/takes mutual TLS only/);
    expect(refusedCalls() - before).toBe(1);
  });

  function refusedCalls(): number {
    const refused = strict.proxy.stats().calls.filter(({ responseCode }) => responseCode === 403);
    return refused.reduce((sum, { count }) => sum + count, 0);
  }
});

test("HTTP/1.1 requests go by mutual TLS, and come as they were sent", async () => {
  const server = createServer((request, response) => {
    response.setHeader("x-url", `${request.method} ${request.url} ${request.headers.host}`);
    request.pipe(response);
  });
  server.listen(0, hosts.provider1);
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  const inbound = await inboundOf({
    to: { address: hosts.provider1, port },
    protocol: "http",
    at: { address: hosts.relay, port: 20_893 },
    mtls: "STRICT",
  });
  await outboundOf({ key: "shop", to: [inbound], protocol: "http" }, 31_000);
  const body = "x".repeat(300_000);
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`http://${hosts.trestle}:31000/a?b=c`, { method: "POST", body });
    expect([answer.status, answer.headers.get("x-url")]).toEqual([200, `POST /a?b=c ${hosts.trestle}:31000`]);
    expect(await answer.text()).toBe(body);
  }
  expect(inbound.counter("tlsHandshakes")).toBe(1);
  server.close();
});

describe("a stock Envoy", () => {
  let server: GrpcServer;
  const certificates = {
    tls_certificates: [{ certificate_chain: { inline_string: shop.chain }, private_key: { inline_string: shop.key } }],
    validation_context: {
      trusted_ca: { inline_string: root.pem },
      match_typed_subject_alt_names: [{ san_type: "URI", matcher: { prefix: "spiffe://cluster.local/" } }],
    },
  };
  beforeAll(async () => {
    server = await startGrpcServer("one");
  });
  afterAll(() => server?.kill());

  const check = async (address: string) => {
    const client = grpcClient(address);
    try {
      expect(await client.say("hello")).toMatchObject({ code: 0, values: ["one: hello"] });
      const big = await client.say(`length ${"y".repeat(1_000_000 - 7)}`);
      expect(big).toMatchObject({ code: 0, values: ["1000000"] });
      expect((await client.count(200)).values).toHaveLength(200);
    } finally {
      client.close();
    }
  };

  test("is let in by its certificate, as Istio's sidecars connect", async () => {
    const to = { address: "127.0.0.1", port: server.port };
    const at = { address: hosts.relay, port: 20_894 };
    const inbound = await inboundOf({ to, protocol: "tri", at });
    const upstream = {
      name: TLS_SOCKET,
      typed_config: {
        "@type": UPSTREAM_TLS_TYPE,
        common_tls_context: { ...certificates, alpn_protocols: ["istio-peer-exchange", "istio", "h2"] },
        sni: `outbound_.20880_._.${RELAY.toLowerCase()}`,
      },
    };
    const envoy = await startEnvoy([`${at.address}:${at.port}`], { upstream });
    await check(`127.0.0.1:${envoy.ports[0]!}`);
    expect(inbound.counter("tlsHandshakes")).toBeGreaterThan(0);
    expect(inbound.counter("tlsPassedThrough")).toBe(0);
  });

  test("lets Trestle in by its certificate", async () => {
    const downstream = {
      name: TLS_SOCKET,
      typed_config: {
        "@type": DOWNSTREAM_TLS_TYPE,
        common_tls_context: { ...certificates, alpn_protocols: ["h2", "http/1.1"] },
        require_client_certificate: true,
      },
    };
    const envoy = await startEnvoy([`127.0.0.1:${server.port}`], { downstream });
    const to = { address: "127.0.0.1", port: envoy.ports[0]! };
    const outbound = await outboundOf({ key: RELAY, to: [to], protocol: "tri", names: [SHOP] }, 50_052);
    await check(`${outbound.address}:${outbound.port}`);
    expect(outbound.counter("tlsHandshakes")).toBeGreaterThan(0);
  });
});

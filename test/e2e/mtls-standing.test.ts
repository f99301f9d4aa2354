import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, test } from "vitest";
import { createTestIntermediate, createTestLeaf, createTestRoot, revoke, secretsOf } from "../support/certificates.ts";
import { answerCall, type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { freePort } from "../support/lone-proxy.ts";
import {
  type InboundOptions,
  type StagedInbound,
  type StagedProxy,
  startInbound,
  startOutbound,
} from "../support/mtls-stage.ts";
import { configsOf, policyText } from "../support/policies.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { startRelay } from "../support/relay.ts";

// What becomes of connections that stand when their peer is refused from then on. Proxies in this process; needs Node alone.

const SERVICE = "com.acme.Orders";
const CALL = { service: SERVICE, method: "get" };
const LOOPBACK = "127.0.0.1";
/** What is behind an inbound proxy, as policies see it. */
const BEHIND = { host: "inbound", service: { interface: "*", group: "", version: "" }, endpoints: [] };
const ORDERS = "spiffe://cluster.local/ns/default/sa/orders";
const SHOP = "spiffe://cluster.local/ns/default/sa/shop";
const root = createTestRoot();
const below = createTestIntermediate(root);
/** A list for each authority, of which the intermediate's revokes these. */
const listsOf = (...serials: readonly string[]) => revoke(root) + revoke(below, ...serials);

const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
});

let provider: FakeProvider;
beforeAll(async () => {
  provider = await startFakeProvider();
  open.push(provider);
});

const newOrders = () => createTestLeaf(below, { uri: ORDERS });
const newShop = () => createTestLeaf(below, { uri: SHOP });

async function inboundOf(options: Partial<InboundOptions> = {}): Promise<StagedInbound> {
  const to = { address: LOOPBACK, port: provider.port };
  const staged = await startInbound({ to, mtls: "STRICT", secrets: secretsOf(newOrders()), ...options });
  open.push(staged.proxy);
  return staged;
}

async function outboundOf(port: number, certificate = newShop(), log = recordingLogger().logger): Promise<StagedProxy> {
  const service = { key: SERVICE, to: [{ address: LOOPBACK, port }], names: [ORDERS] };
  const staged = await startOutbound({ service, secrets: secretsOf(certificate), log });
  open.push(staged.proxy);
  return staged;
}

async function called(port: number): Promise<number> {
  const caller = await openRaw(LOOPBACK, port);
  try {
    caller.write(request({ ...CALL, id: 1n }));
    return (await caller.answer(10_000)).status;
  } finally {
    caller.destroy();
  }
}

const openUp = (staged: StagedProxy) => staged.proxy.stats().gauges.upstreamOpen;
const openDown = (staged: StagedProxy) => staged.proxy.stats().gauges.downstreamOpen;

describe.concurrent("a caller's certificate is revoked", () => {
  test("its connection is ended in order; others stay, also of sessions that were taken up again", async ({
    expect,
  }) => {
    const own = newOrders();
    const { logger, lines } = recordingLogger();
    const inbound = await inboundOf({ secrets: secretsOf(own), log: logger });
    const [bad, good] = [newShop(), newShop()];
    const relay = await startRelay(LOOPBACK, await freePort(), LOOPBACK, inbound.port);
    open.push({ close: () => relay.stop() });
    const outbounds = [await outboundOf(relay.port, bad), await outboundOf(relay.port, good)] as const;
    for (const { port } of outbounds) expect(await called(port)).toBe(20);
    // From now on their chain is not shown any more.
    relay.cut();
    await expect.poll(() => inbound.counter("tlsResumed"), { timeout: 10_000 }).toBe(2);
    for (const { port } of outbounds) expect(await called(port)).toBe(20);
    await inbound.setSecrets(secretsOf(own, root.pem, listsOf(bad.serial)));
    await expect.poll(() => inbound.counter("tlsEnded"), { timeout: 10_000 }).toBe(1);
    await expect.poll(() => openDown(inbound), { timeout: 14_000 }).toBe(1);
    expect(await called(outbounds[1].port)).toBe(20);
    expect(await called(outbounds[0].port)).toBe(80);
    expect(inbound.counter("tlsRevoked")).toBeGreaterThan(0);
    expect(inbound.counter("tlsEnded")).toBe(1);
    const said = lines.filter(([, text]) => text === "a TLS connection is ended");
    expect(said).toEqual([["warn", expect.anything(), { peer: LOOPBACK, error: "certificate revoked" }]]);
  });

  test("Dubbo2 is told READONLY, HTTP/2 GOAWAY; HTTP/1.1 is closed between two requests", async ({ expect }) => {
    const own = newOrders();
    const shop = newShop();
    const inbound = await inboundOf({ secrets: secretsOf(own) });
    const tls = (alpn: string) =>
      connectTls({
        host: LOOPBACK,
        port: inbound.port,
        cert: shop.chain,
        key: shop.key,
        ca: root.pem,
        ALPNProtocols: [alpn],
        checkServerIdentity: () => undefined,
      });
    const dubbo = tls("istio");
    const seen: Buffer[] = [];
    dubbo.on("data", (bytes: Buffer) => seen.push(bytes));
    dubbo.write(request({ ...CALL, id: 7n }));
    const http2 = connectHttp2(`https://${LOOPBACK}`, { createConnection: () => tls("istio-h2") });
    const goaway = new Promise<number>((resolve) => http2.on("goaway", resolve));
    await new Promise((resolve) => http2.on("remoteSettings", resolve));
    const http1 = tls("istio-http/1.1");
    const http1Closed = new Promise((resolve) => http1.on("close", resolve));
    http1.write("GET /none HTTP/1.1\r\nhost: a\r\n\r\n");
    await new Promise((resolve) => http1.once("data", resolve));
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    const before = Buffer.concat(seen).length;
    await inbound.setSecrets(secretsOf(own, root.pem, listsOf(shop.serial)));
    expect(await goaway).toBe(0);
    await http1Closed;
    await expect.poll(() => Buffer.concat(seen).length).toBeGreaterThan(before);
    const told = Buffer.concat(seen).subarray(before);
    // A request, one way, that is an event of "R".
    expect([told[2]! & 0xe0, told.subarray(16).toString("latin1")]).toEqual([0xa0, "\x01R"]);
    // What is under way may end.
    dubbo.write(request({ ...CALL, id: 8n }));
    await expect.poll(() => Buffer.concat(seen).length).toBeGreaterThan(before + told.length);
    await expect.poll(() => openDown(inbound), { timeout: 14_000 }).toBe(0);
    http2.destroy();
  });
});

test.concurrent("a provider that is revoked, or whose root is not trusted any more, is left: calls under way are answered", async ({
  expect,
}) => {
  const otherRoot = createTestRoot("Another root");
  const slow = await startFakeProvider();
  slow.onCall = (seen) => setTimeout(() => answerCall(seen), 2_500);
  open.push(slow);
  for (const how of ["revoked", "root"] as const) {
    const own = newOrders();
    const inbound = await inboundOf({ to: { address: LOOPBACK, port: slow.port }, secrets: secretsOf(own) });
    const shop = newShop();
    const outbound = await outboundOf(inbound.port, shop);
    const before = slow.calls;
    const answer = called(outbound.port);
    await expect.poll(() => slow.calls).toBe(before + 1);
    await outbound.setSecrets(
      how === "revoked" ? secretsOf(shop, root.pem, listsOf(own.serial)) : secretsOf(shop, otherRoot.pem),
    );
    await expect.poll(() => outbound.counter("tlsEnded"), { timeout: 10_000 }).toBe(1);
    expect(await answer).toBe(20);
    await expect.poll(() => openUp(outbound), { timeout: 10_000 }).toBe(0);
    expect(await called(outbound.port)).toBe(80);
  }
});

test.concurrent("certificates that expire end their connection by then, and no call is lost where they are renewed", async ({
  expect,
}) => {
  const leafOf = (uri: string) => createTestLeaf(below, { uri, notAfterMs: Date.now() + 5_000 });
  const inbound = await inboundOf({ secrets: secretsOf(leafOf(ORDERS)) });
  const outbound = await outboundOf(inbound.port, leafOf(SHOP));
  // One that is not renewed.
  const other = await outboundOf(inbound.port, leafOf(SHOP));
  expect(await called(other.port)).toBe(20);
  const caller = await openRaw(LOOPBACK, outbound.port);
  let failed = 0;
  let stop = false;
  const load = (async () => {
    for (let id = 0n; !stop; id++) {
      caller.write(request({ ...CALL, id }));
      if ((await caller.answer(10_000)).status !== 20) failed++;
      await sleep(2);
    }
  })();
  await sleep(500);
  await inbound.setSecrets(secretsOf(newOrders()));
  await outbound.setSecrets(secretsOf(newShop()));
  await expect.poll(() => inbound.counter("tlsHandshakes"), { timeout: 8_000 }).toBeGreaterThan(2);
  await expect
    .poll(() => inbound.counter("tlsEnded") + other.counter("tlsEnded"), { timeout: 8_000 })
    .toBeGreaterThanOrEqual(0);
  await sleep(2_500);
  stop = true;
  await load;
  caller.destroy();
  expect(failed).toBe(0);
  expect(openDown(inbound)).toBe(1);
  expect(await called(other.port)).toBe(80);
});

describe.concurrent("a port that took plain text takes mutual TLS only", () => {
  test("Dubbo2 is told READONLY, has its calls answered for a while, then is refused, then closed", async ({
    expect,
  }) => {
    const slow = await startFakeProvider();
    open.push(slow);
    const { logger, lines } = recordingLogger();
    const to = { address: LOOPBACK, port: slow.port };
    const inbound = await inboundOf({ to, mtls: "PERMISSIVE", log: logger });
    // By mutual TLS all the while.
    const secured = await openRaw(LOOPBACK, (await outboundOf(inbound.port)).port);
    let failed = 0;
    let answered = 0;
    let stop = false;
    const load = (async () => {
      for (let id = 0n; !stop; id++) {
        secured.write(request({ ...CALL, id }));
        if ((await secured.answer(10_000)).status === 20) answered++;
        else failed++;
        await sleep(5);
      }
    })();
    const plain = await openRaw(LOOPBACK, inbound.port);
    plain.write(request({ ...CALL, id: 1n }));
    expect(await plain.answer()).toMatchObject({ id: 1n, status: 20 });
    const silent = await openRaw(LOOPBACK, inbound.port);
    // One under way while the port changes.
    const { onCall } = slow;
    let underWay = 0;
    slow.onCall = (seen) => {
      underWay++;
      setTimeout(() => answerCall(seen), 2_500);
    };
    plain.write(request({ ...CALL, id: 2n }));
    // Those that come by mutual TLS wait there, too.
    await expect.poll(() => underWay, { timeout: 5_000 }).toBe(2);
    slow.onCall = onCall;
    await inbound.setMtls("STRICT");
    // It said nothing before.
    silent.write(request({ ...CALL, id: 3n }));
    expect((await silent.answer()).body.toString("latin1")).toMatch(/takes mutual TLS only/);
    const told = await plain.answer(3_000);
    expect([told.flags & 0xe0, told.body.toString("latin1")]).toEqual([0xa0, "\x01R"]);
    expect(await plain.answer(5_000)).toMatchObject({ id: 2n, status: 20 });
    const atMs = Date.now();
    let refused = 0;
    let served = 0;
    for (let id = 4n; Date.now() - atMs < 14_000; id++) {
      plain.write(request({ ...CALL, id }));
      const answer = await plain.answer(3_000).catch(() => undefined);
      if (answer === undefined) break;
      if (/takes mutual TLS only/.test(answer.body.toString("latin1"))) refused++;
      else if (refused === 0 && answer.status === 20) served++;
      await sleep(100);
    }
    expect(served).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(3);
    expect(await plain.closed(3_000)).toBe(true);
    stop = true;
    await load;
    expect(failed).toBe(0);
    expect(answered).toBeGreaterThan(100);
    expect(inbound.counter("tlsPlainEnded")).toBe(1);
    const said = lines.filter(([, text]) => text === "a connection in plain text is ended");
    expect(said).toEqual([["warn", expect.anything(), { peer: LOOPBACK, error: expect.stringMatching(/mutual TLS/) }]]);
    // One that was refused from its beginning stays, and is served once plain text is taken again.
    await inbound.setMtls("PERMISSIVE");
    await sleep(1_100);
    silent.write(request({ ...CALL, id: 9n }));
    expect(await silent.answer()).toMatchObject({ id: 9n, status: 20 });
    for (const one of [silent, secured]) one.destroy();
  });

  test("HTTP/2 is told GOAWAY, HTTP/1.1 is closed between two requests", async ({ expect }) => {
    const inbound = await inboundOf({ mtls: "DISABLE" });
    const http2 = connectHttp2(`http://${LOOPBACK}:${inbound.port}`);
    const goaway = new Promise<number>((resolve) => http2.on("goaway", resolve));
    await new Promise((resolve) => http2.on("remoteSettings", resolve));
    const http1 = connect(inbound.port, LOOPBACK);
    const http1Closed = new Promise((resolve) => http1.on("close", resolve));
    http1.write("GET /none HTTP/1.1\r\nhost: a\r\n\r\n");
    await new Promise((resolve) => http1.once("data", resolve));
    await inbound.setMtls("STRICT");
    expect(await goaway).toBe(0);
    await http1Closed;
    await expect.poll(() => openDown(inbound), { timeout: 14_000 }).toBe(0);
    http2.destroy();
  });

  test("TLS that is carried as it is has its time, too; so has that which policies let through no more", async ({
    expect,
  }) => {
    const own = newOrders();
    const server = createTlsServer({ cert: own.chain, key: own.key }, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    server.listen(0, LOOPBACK);
    await once(server, "listening");
    open.push(server);
    const to = { address: LOOPBACK, port: (server.address() as { readonly port: number }).port };
    const ends = [
      (inbound: StagedInbound) => inbound.setMtls("STRICT"),
      (inbound: StagedInbound) =>
        inbound.setPolicies(configsOf([policyText("p", "{rules: [{to: [{operation: {methods: [get]}}]}]}")], BEHIND)),
    ];
    await Promise.all(
      ends.map(async (end) => {
        const inbound = await inboundOf({ to, mtls: "PERMISSIVE" });
        const socket = connectTls({ host: LOOPBACK, port: inbound.port, rejectUnauthorized: false });
        const closed = once(socket, "close");
        const echoed = async (text: string) => {
          socket.write(text);
          expect(String((await once(socket, "data"))[0])).toBe(text);
        };
        await echoed("before");
        await end(inbound);
        await expect.poll(() => inbound.counter("tlsEnded"), { timeout: 10_000 }).toBe(1);
        await echoed("meanwhile");
        await closed;
        await expect.poll(() => openDown(inbound)).toBe(0);
      }),
    );
  });
});

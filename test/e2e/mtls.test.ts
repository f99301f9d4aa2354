import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileInbound } from "../../src/control/compile/inbound.ts";
import { DEFAULT_MESH } from "../../src/model/mesh.ts";
import {
  createExpiredLeaf,
  createTestIntermediate,
  createTestLeaf,
  createTestRoot,
  revoke,
  secretsOf,
  type TestCertificate,
} from "../support/certificates.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { freePort } from "../support/lone-proxy.ts";
import { type InboundOptions, type StagedProxy, startInbound, startOutbound } from "../support/mtls-stage.ts";
import { configsOf, policyText } from "../support/policies.ts";
import { openRaw, type RawConnection, request } from "../support/raw-dubbo.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { startRelay } from "../support/relay.ts";

// Mutual TLS between two proxies in this process, and what an inbound one does with whatever else comes. Needs Node alone.

const SERVICE = "com.acme.Orders";
const CALL = { service: SERVICE, method: "get", attachments: { secret: "open-sesame" } };
const LOOPBACK = "127.0.0.1";
/** What is behind an inbound proxy, as policies see it. */
const BEHIND = { host: "inbound", service: { interface: "*", group: "", version: "" }, endpoints: [] };
const root = createTestRoot();
const below = createTestIntermediate(root);
const ORDERS = "spiffe://cluster.local/ns/default/sa/orders";
const SHOP = "spiffe://cluster.local/ns/default/sa/shop";
const orders = createTestLeaf(below, { uri: ORDERS });
const shop = createTestLeaf(below, { uri: SHOP });

const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
});

let provider: FakeProvider;
beforeAll(async () => {
  provider = await startFakeProvider();
  open.push(provider);
});

async function inboundOf(options: Partial<InboundOptions> = {}): Promise<StagedProxy> {
  const to = { address: LOOPBACK, port: provider.port };
  const staged = await startInbound({ to, mtls: "STRICT", secrets: secretsOf(orders), ...options });
  open.push(staged.proxy);
  return staged;
}

async function outboundOf(
  to: { readonly address: string; readonly port: number },
  certificate: TestCertificate = shop,
  names: readonly string[] = [ORDERS],
): Promise<StagedProxy> {
  const staged = await startOutbound({ service: { key: SERVICE, to: [to], names }, secrets: secretsOf(certificate) });
  open.push(staged.proxy);
  return staged;
}

async function called(port: number, id = 1n): Promise<{ readonly status: number; readonly text: string }> {
  const caller = await openRaw(LOOPBACK, port);
  try {
    caller.write(request({ ...CALL, id }));
    const { status, body } = await caller.answer(10_000);
    return { status, text: body.toString("latin1") };
  } finally {
    caller.destroy();
  }
}

describe("two proxies", () => {
  test("carry calls by mutual TLS: nothing of them can be read on the way", async () => {
    const inbound = await inboundOf();
    const seen: Buffer[] = [];
    const relay = createServer((socket) => {
      const on = connect(inbound.port, LOOPBACK);
      for (const [from, to] of [
        [socket, on],
        [on, socket],
      ] as const) {
        from.on("data", (bytes: Buffer) => {
          seen.push(bytes);
          to.write(bytes);
        });
        from.on("error", () => {});
        from.on("close", () => to.destroy());
      }
    });
    relay.listen(0, LOOPBACK);
    await once(relay, "listening");
    open.push(relay);
    const { port } = relay.address() as { readonly port: number };
    const outbound = await outboundOf({ address: LOOPBACK, port });
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
    const wire = Buffer.concat(seen);
    expect(wire.length).toBeGreaterThan(500);
    expect(wire[0]).toBe(0x16);
    // What can be read is the server name, the host in lower case.
    for (const text of ["open-sesame", SERVICE, "2.0.2"]) expect(wire.includes(text)).toBe(false);
    expect(inbound.counter("tlsHandshakes")).toBe(1);
  });

  test("a record that is changed on the way ends its connection: the call is told so, the next goes over a new one", async () => {
    const inbound = await inboundOf();
    let changes = false;
    const relay = createServer((socket) => {
      const on = connect(inbound.port, LOOPBACK);
      socket.on("data", (bytes) => void on.write(bytes));
      on.on("data", (bytes: Buffer) => {
        if (changes) bytes[bytes.length - 1]! ^= 1;
        socket.write(bytes);
      });
      for (const [one, other] of [
        [socket, on],
        [on, socket],
      ] as const) {
        one.on("error", () => {});
        one.on("close", () => other.destroy());
      }
    });
    relay.listen(0, LOOPBACK);
    await once(relay, "listening");
    open.push(relay);
    const outbound = await outboundOf({ address: LOOPBACK, port: (relay.address() as { readonly port: number }).port });
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
    changes = true;
    const told = await called(outbound.port, 2n);
    expect([told.status, told.text]).toEqual([80, expect.stringMatching(/closed the connection before it answered/)]);
    changes = false;
    expect(await called(outbound.port, 3n)).toMatchObject({ status: 20 });
  });

  test("take up a session again when they connect again", async () => {
    const inbound = await inboundOf();
    const relay = await startRelay(LOOPBACK, await freePort(), LOOPBACK, inbound.port);
    open.push({ close: () => relay.stop() });
    const outbound = await outboundOf({ address: LOOPBACK, port: relay.port });
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
    relay.cut();
    await expect.poll(() => inbound.counter("tlsHandshakes"), { timeout: 20_000 }).toBe(2);
    expect(inbound.counter("tlsResumed")).toBe(1);
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
  });

  test("answer every call while certificates and roots are replaced under load", async () => {
    const inbound = await inboundOf();
    const outbound = await outboundOf(inbound);
    const otherRoot = createTestRoot("Another root");
    const both = root.pem + otherRoot.pem;
    const caller = await openRaw(LOOPBACK, outbound.port);
    let sent = 0n;
    let failed = 0;
    let stop = false;
    const load = (async () => {
      while (!stop) {
        for (let i = 0; i < 20; i++) caller.write(request({ ...CALL, id: sent++ }));
        for (let i = 0; i < 20; i++) if ((await caller.answer(10_000)).status !== 20) failed++;
        await sleep(1);
      }
    })();
    const hold = () => sleep(100);
    await hold();
    // Both roots first, then leaves of the new one, then the new root alone: nobody ever meets a leaf that he cannot check.
    for (const [leafOf, roots] of [
      [below, both],
      [otherRoot, both],
      [otherRoot, otherRoot.pem],
    ] as const) {
      for (const [staged, uri] of [
        [inbound, ORDERS],
        [outbound, SHOP],
      ] as const) {
        await staged.setSecrets(secretsOf(createTestLeaf(leafOf, { uri }), roots));
        await hold();
      }
    }
    const before = inbound.counter("tlsHandshakes");
    // A connection of the time before lives on; a new one is made with what is in force now.
    const fresh = await outboundOf(inbound);
    await fresh.setSecrets(secretsOf(createTestLeaf(otherRoot, { uri: SHOP })));
    expect(await called(fresh.port)).toMatchObject({ status: 20 });
    expect(inbound.counter("tlsHandshakes")).toBe(before + 1);
    stop = true;
    await load;
    caller.destroy();
    expect(sent).toBeGreaterThan(100n);
    expect(failed).toBe(0);
  });
});

describe("a certificate that is no good is refused, and why is said", () => {
  const otherRoot = createTestRoot("Another root");
  const revoked = createTestLeaf(root, { uri: SHOP });

  test.each<[string, TestCertificate, string, RegExp]>([
    ["expired", createExpiredLeaf(below, { uri: SHOP }), "tlsExpired", /expired/],
    ["of another root", createTestLeaf(otherRoot, { uri: SHOP }), "tlsUntrusted", /unable to verify/],
    ["revoked", revoked, "tlsRevoked", /revoked/],
  ])("a caller's that is %s", async (_name, certificate, counter, why) => {
    const { logger, lines } = recordingLogger();
    const inbound = await inboundOf({
      log: logger,
      secrets: secretsOf(createTestLeaf(root, { uri: ORDERS }), root.pem, revoke(root, revoked.serial)),
    });
    const outbound = await outboundOf(inbound, { ...certificate, root: root.pem });
    expect((await called(outbound.port)).status).toBe(80);
    expect(inbound.counter(counter)).toBeGreaterThan(0);
    expect(inbound.counter("tlsHandshakes")).toBe(0);
    const said = lines.filter(([level, text]) => level === "warn" && text === "a TLS peer is refused");
    expect(said).toHaveLength(1);
    expect(said[0]![2]).toMatchObject({ peer: LOOPBACK, error: expect.stringMatching(why) });
  });

  test.each<[string, TestCertificate, string, RegExp]>([
    ["expired", createExpiredLeaf(below, { uri: ORDERS }), "tlsExpired", /expired/],
    ["of another root", createTestLeaf(otherRoot, { uri: ORDERS }), "tlsUntrusted", /unable to verify/],
    ["of somebody else", createTestLeaf(below, { uri: SHOP }), "tlsWrongIdentity", /is of URI:.*\/sa\/shop/],
    ["of nobody", createTestLeaf(below, { uri: "" }), "tlsWrongIdentity", /is of nobody/],
  ])("a provider's that is %s", async (_name, certificate, counter, why) => {
    const before = provider.calls;
    const inbound = await inboundOf({ secrets: secretsOf(certificate, root.pem) });
    const outbound = await outboundOf(inbound);
    const { status, text } = await called(outbound.port);
    expect(status).toBe(80);
    expect(text).toMatch(why);
    expect(outbound.counter(counter)).toBeGreaterThan(0);
    expect(provider.calls).toBe(before);
  });

  test("one that is revoked while its session could be taken up again", async () => {
    const leaf = createTestLeaf(root, { uri: SHOP });
    const own = createTestLeaf(root, { uri: ORDERS });
    const inbound = await inboundOf({ secrets: secretsOf(own) });
    const relay = await startRelay(LOOPBACK, await freePort(), LOOPBACK, inbound.port);
    open.push({ close: () => relay.stop() });
    const outbound = await outboundOf({ address: LOOPBACK, port: relay.port }, leaf);
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
    await inbound.setSecrets(secretsOf(own, root.pem, revoke(root, leaf.serial)));
    relay.cut();
    await expect.poll(() => inbound.counter("tlsRevoked"), { timeout: 20_000 }).toBeGreaterThan(0);
    expect(inbound.counter("tlsResumed")).toBe(0);
  });
});

describe("what an inbound proxy takes", () => {
  const unencrypted = request({ ...CALL, id: 5n });

  test.each([
    ["STRICT", 20, /takes mutual TLS only/, 0],
    ["PERMISSIVE", 20, /ok/, 1],
    ["DISABLE", 20, /ok/, 1],
  ] as const)("%s: a call in plain text", async (mtls, status, text, reaches) => {
    const inbound = await inboundOf({ mtls });
    const before = provider.calls;
    const answer = await called(inbound.port);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(text);
    expect(provider.calls - before).toBe(reaches);
    expect(inbound.counter("tlsPlainRefused")).toBe(1 - reaches);
  });

  test("STRICT: HTTP in plain text is answered 403, and HTTP/2 too", async () => {
    const inbound = await inboundOf({ protocol: "http" });
    const answer = await fetch(`http://${LOOPBACK}:${inbound.port}/orders`);
    expect([answer.status, await answer.text()]).toEqual([403, "this provider takes mutual TLS only"]);
  });

  test("PERMISSIVE: a caller may be silent for as long as it likes, and send its first bytes one by one", async () => {
    const inbound = await inboundOf({ mtls: "PERMISSIVE" });
    const caller = await openRaw(LOOPBACK, inbound.port);
    await sleep(200);
    for (let at = 0; at < 4; at++) {
      caller.write(unencrypted.subarray(at, at + 1));
      await sleep(10);
    }
    caller.write(unencrypted.subarray(4));
    expect(await caller.answer()).toMatchObject({ id: 5n, status: 20 });
    caller.destroy();
  });

  test("of callers that are silent only so many are kept, the latest", async () => {
    const inbound = await inboundOf({ mtls: "PERMISSIVE", limits: { maxWaiting: 3 } });
    const callers: RawConnection[] = [];
    for (let i = 0; i < 5; i++) callers.push(await openRaw(LOOPBACK, inbound.port));
    expect(await callers[0]!.closed()).toBe(true);
    expect(await callers[1]!.closed()).toBe(true);
    callers[2]!.write(unencrypted);
    expect(await callers[2]!.answer()).toMatchObject({ status: 20 });
    for (const caller of callers) caller.destroy();
  });

  test("bytes of no protocol end their connection alone", async () => {
    const inbound = await inboundOf({ mtls: "PERMISSIVE" });
    for (const hex of ["00", "dada", "ffffffff", "1603014001", "160303000402000000"]) {
      const bad = await openRaw(LOOPBACK, inbound.port);
      bad.write(Buffer.from(hex, "hex"));
      expect(await bad.closed()).toBe(true);
    }
    expect(await called(inbound.port)).toMatchObject({ status: 20 });
  });

  test("a handshake that is begun and not ended ends after a while, and only so many are under way", async () => {
    const inbound = await inboundOf({ limits: { maxHandshakes: 1, handshakeTimeoutMs: 500 } });
    const hello = Buffer.from("160301020001", "hex");
    const first = await openRaw(LOOPBACK, inbound.port);
    first.write(hello);
    await sleep(50);
    const second = await openRaw(LOOPBACK, inbound.port);
    second.write(hello);
    expect(await second.closed()).toBe(true);
    expect(inbound.counter("tlsOverLimit")).toBe(1);
    expect(await first.closed(10_000)).toBe(true);
    expect(inbound.counter("tlsFailures")).toBe(1);
    const outbound = await outboundOf(inbound);
    expect(await called(outbound.port)).toMatchObject({ status: 20 });
  });

  test("without certificates TLS is refused, plain text is not", async () => {
    const inbound = await inboundOf({ mtls: "PERMISSIVE", secrets: [] });
    const outbound = await outboundOf(inbound);
    expect((await called(outbound.port)).status).toBe(80);
    expect(inbound.counter("tlsFailures")).toBeGreaterThan(0);
    expect(await called(inbound.port)).toMatchObject({ status: 20 });
    const strict = await inboundOf({ secrets: [] });
    expect((await called(strict.port)).text).toMatch(/takes mutual TLS only/);
  });
});

describe("certificates under the mesh's roots", () => {
  const rows: [string, Parameters<typeof createTestLeaf>[1], boolean][] = [
    ["of the mesh", { uri: SHOP }, true],
    ["of an alias of its trust domain", { uri: "spiffe://old.example/ns/default/sa/shop" }, true],
    ["of a foreign trust domain", { uri: "spiffe://elsewhere/ns/default/sa/shop" }, false],
    ["of a trust domain that begins alike", { uri: "spiffe://cluster.local.evil/ns/default/sa/shop" }, false],
    ["of another SPIFFE path", { uri: "spiffe://cluster.local/shop" }, false],
    ["of a server on the Internet", { uri: "https://shop.example" }, false],
    ["of nobody", { uri: "" }, false],
  ];
  test.each(rows)("%s", async (_, options, isServed) => {
    const mesh = { ...DEFAULT_MESH, trustDomainAliases: ["old.example"] };
    const at = { address: LOOPBACK, port: await freePort() };
    const behind = {
      listen: at,
      to: { address: LOOPBACK, port: provider.port },
      protocol: "dubbo" as const,
      labels: {},
    };
    const { listeners } = compileInbound([behind], { entries: [], rules: [], mesh });
    const inbound = await inboundOf({ at, listener: listeners[0]!.resource });
    const leaf = createTestLeaf(below, options);
    const outbound = await outboundOf(inbound, leaf);
    const { status } = await called(outbound.port);
    if (isServed) expect(status).toBe(20);
    else expect(status).not.toBe(20);
    expect(inbound.counter("tlsWrongIdentity") > 0).toBe(!isServed);
  });
});

describe("TLS of an application's own", () => {
  let secure: { readonly port: number };
  beforeAll(async () => {
    const server = createTlsServer({ cert: orders.chain, key: orders.key }, (socket) => {
      socket.on("data", (bytes) => socket.end(Buffer.concat([Buffer.from("echo "), bytes])));
      socket.on("error", () => {});
    });
    server.listen(0, LOOPBACK);
    await once(server, "listening");
    open.push(server);
    secure = server.address() as { readonly port: number };
  });

  function dial(port: number, alpn: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { host: LOOPBACK, port, rejectUnauthorized: false, ALPNProtocols: [...alpn] };
      const socket: TLSSocket = connectTls(options, () => socket.write("hello"));
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes;
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });
  }

  test.each(["PERMISSIVE", "DISABLE"] as const)("%s: goes to the provider as it is", async (mtls) => {
    const inbound = await inboundOf({ to: { address: LOOPBACK, port: secure.port }, mtls });
    expect(await dial(inbound.port, [])).toBe("echo hello");
    expect(inbound.counter("tlsPassedThrough")).toBe(1);
  });

  test.each([
    ["ALLOW of some", "{rules: [{to: [{operation: {methods: [get]}}]}]}", false],
    ["ALLOW of an identity", '{rules: [{from: [{source: {principals: ["*"]}}]}]}', false],
    ["DENY of a method", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}", false],
    [
      "DENY of an address that is another",
      '{action: DENY, rules: [{from: [{source: {ipBlocks: ["10.9.0.0/16"]}}]}]}',
      true,
    ],
    ["ALLOW of its address", '{rules: [{from: [{source: {ipBlocks: ["127.0.0.0/8"]}}]}]}', true],
    ["ALLOW of all", "{rules: [{}]}", true],
  ])("nobody sees its calls: %s", async (_, spec, passes) => {
    const configs = configsOf([policyText("p", spec)], BEHIND) as Readonly<Record<string, object>>;
    const to = { address: LOOPBACK, port: secure.port };
    for (const mtls of ["PERMISSIVE", "DISABLE"] as const) {
      const inbound = await inboundOf({ to, mtls, typedPerFilterConfig: configs });
      expect(await dial(inbound.port, []).catch(() => "")).toBe(passes ? "echo hello" : "");
      expect(inbound.counter("tlsPassRefused")).toBe(passes ? 0 : 1);
    }
  });

  test("nobody sees its calls: a SerializationGuard refuses it", async () => {
    const guard = "apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: g}\nspec: {}\n";
    const typedPerFilterConfig = configsOf([guard], BEHIND) as Readonly<Record<string, object>>;
    const inbound = await inboundOf({
      to: { address: LOOPBACK, port: secure.port },
      mtls: "PERMISSIVE",
      typedPerFilterConfig,
    });
    expect(await dial(inbound.port, []).catch(() => "")).toBe("");
    expect(inbound.counter("tlsPassRefused")).toBe(1);
  });

  test("DISABLE: so does the mesh's", async () => {
    const inbound = await inboundOf({ to: { address: LOOPBACK, port: secure.port }, mtls: "DISABLE" });
    expect(await dial(inbound.port, ["istio"]).catch((error: Error) => error.message)).toBeDefined();
    expect(inbound.counter("tlsPassedThrough")).toBe(1);
  });

  test("STRICT: is ended here, where a certificate is asked for", async () => {
    const inbound = await inboundOf({ to: { address: LOOPBACK, port: secure.port } });
    await dial(inbound.port, []).catch(() => "");
    expect(inbound.counter("tlsUntrusted")).toBe(1);
    expect(inbound.counter("tlsPassedThrough")).toBe(0);
  });
});

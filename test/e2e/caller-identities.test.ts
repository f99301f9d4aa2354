import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import zookeeper from "node-zookeeper-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startConsumer, startProvider } from "../support/dubbo.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { type ConfiguredTrestle, newFolder, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { request } from "../support/raw-dubbo.ts";
import { keySet, signingKey, tokenOf } from "../support/tokens.ts";

// Callers without a sidecar count as somebody by their address, or by the user that a client of their address logs in as at the facade.

const SERVICE = "com.acme.orders";
const ISSUER = "https://id.example";
let provider: FakeProvider;
let up: ConfiguredTrestle;

const entry = () => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders}
spec:
  hosts: [${SERVICE}]
  ports: [{number: ${provider.port}, name: dubbo, protocol: DUBBO}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1}]
`;
const only = (source: string) => `${entry()}---\n${policyText("a", `{rules: [{from: [{source: {${source}}}]}]}`)}`;

beforeAll(async () => {
  requireNamespace();
  const folder = await newFolder("callers");
  await writeFile(join(folder, "password"), "open-sesame\n");
  provider = await startFakeProvider();
  const callers = [
    { identity: "shop/web", addresses: [`${hosts.provider2}/32`] },
    { identity: "shop/batch", username: "batch", passwordFile: join(folder, "password") },
  ];
  up = await startConfigured({ callers }, {}, entry());
});

afterAll(async () => {
  await stopAll();
  await provider?.close();
});

/** A connection from an address that stays. */
async function caller(localAddress: string) {
  const socket = connect({ host: hosts.trestle, port: 20_880, localAddress });
  const answers: ((text: string) => void)[] = [];
  socket.on("data", (bytes) => answers.shift()?.(bytes.toString("latin1")));
  const over = (why: string) => {
    for (const tell of answers.splice(0)) tell(why);
  };
  socket.on("close", () => over("closed"));
  socket.on("error", (error) => over(error.message));
  let id = 0n;
  return {
    call: () =>
      new Promise<string>((resolve) => {
        answers.push(resolve);
        socket.write(request({ service: SERVICE, method: "get", id: ++id }));
      }),
    close: () => socket.destroy(),
  };
}

test("by its address, for principals and namespaces of a policy", async () => {
  await up.rules(only('principals: ["cluster.local/ns/shop/sa/web"]'));
  const [web, other] = [await caller(hosts.provider2), await caller(hosts.provider3)];
  expect(await web.call()).toContain("ok");
  expect(await other.call()).toMatch(/RBAC: access denied/);
  await up.rules(only("namespaces: [shop]"));
  expect(await web.call()).toContain("ok");
  expect(await other.call()).toMatch(/RBAC: access denied/);
  web.close();
  other.close();
});

test("by the user as whom a client of its address logs in at the facade, while it is connected", async () => {
  await up.rules(only('principals: ["cluster.local/ns/shop/sa/batch"]'));
  // A client's own address is that of the proxy here: all are on one host.
  const same = await caller(hosts.trestle);
  expect(await same.call()).toMatch(/RBAC: access denied/);
  const wrong = login("wrong");
  await expect.poll(() => up.metric("trestle_facade_logins_refused"), { timeout: 10_000 }).toBeGreaterThan(0);
  await sleep(300);
  expect(await same.call()).toMatch(/RBAC: access denied/);
  const right = login("open-sesame");
  // The connection that stands counts as somebody else from now on.
  await expect.poll(same.call, { timeout: 10_000 }).toContain("ok");
  right.close();
  await expect.poll(same.call, { timeout: 10_000 }).toMatch(/RBAC: access denied/);
  wrong.close();
  same.close();
  await up.rules(entry());
});

/** npm's client of ZooKeeper, which says its user once it is connected. */
function login(password: string): { close(): void } {
  const client = zookeeper.createClient(`${hosts.trestle}:2181`, { sessionTimeout: 8_000, retries: 1 });
  client.once("connected", () => client.addAuthInfo("digest", Buffer.from(`batch:${password}`)));
  client.connect();
  return client;
}

describe.each(["2.7", "3.3"] as const)("a consumer of Dubbo %s", (line) => {
  test("says a token in each call by a parameter of its configuration", async () => {
    const place = { registry: up.trestle.registry, group: `g${line}`, version: "1.0.0" };
    const port = line === "2.7" ? 20_891 : 20_892;
    const peer = await startProvider(line, { ...place, host: hosts.provider2, port, label: "one", warmup: 1 });
    const key = signingKey();
    const token = tokenOf(key, { iss: ISSUER, sub: "till", exp: Math.floor(Date.now() / 1_000) + 600 });
    const [known, nobody] = await Promise.all([
      startConsumer(line, { ...place, check: false, params: { token } }),
      startConsumer(line, { ...place, check: false }),
    ]);
    await eventually("served", () => nobody.call("whoAmI"), 20_000);
    await up.rules(
      [
        entry(),
        `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens}
spec: {jwtRules: [{issuer: "${ISSUER}", jwks: '${keySet(key)}', fromHeaders: [{name: token}]}]}
`,
        policyText("a", `{rules: [{from: [{source: {requestPrincipals: ["${ISSUER}/till"]}}]}]}`),
      ].join("---\n"),
    );
    expect(await known.call("whoAmI")).toMatchObject({ label: "one" });
    await expect(nobody.call("whoAmI")).rejects.toThrow(/RBAC: access denied/);
    await up.rules(entry());
    await Promise.all([known.stop(), nobody.stop(), peer.kill()]);
  }, 60_000);
});

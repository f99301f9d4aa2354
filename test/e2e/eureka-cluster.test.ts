import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { type FakeSpring, startFakeSpring } from "../support/eureka-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";
import { type SpringCloud, startSpringCloud } from "../support/spring-cloud.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// Two real servers that ask for a login and replicate to each other: `first` to `second` itself, `second` to the facade.
const user = { name: "eureka", password: "s3cret" };
const login = `${user.name}:${user.password}`;
const facade = `${hosts.trestle}:8761/eureka`;
const inside = `http://${login}@${facade}`;

let first: Eureka;
let second: Eureka;
let trestle: Trestle;
/** Registered through the facade, as an application that knows nothing else. */
let caller: SpringCloud;
let one: FakeSpring;
/** Registers at the second server alone. */
let other: FakeSpring;

beforeAll(async () => {
  requireNamespace();
  const file = join(await mkdtemp(join(tmpdir(), "trestle-eureka-")), "trestle.yaml");
  await writeFile(
    file,
    `registries:
- name: cluster
  url: eureka://${hosts.registry}:8761,${hosts.relay}:8761/eureka?interval=500ms
  auth: {username: ${user.name}, passwordEnv: EUREKA_PASSWORD}
facades:
- {url: "eureka://${hosts.trestle}:8761", registry: cluster}
`,
  );
  const settings = {
    "eureka.server.peer-node-connect-timeout-ms": 1_000,
    "eureka.server.peer-node-read-timeout-ms": 2_000,
  };
  [first, second] = await Promise.all([
    startEureka({ user, settings, replicas: [`http://${login}@${hosts.relay}:8761/eureka/`] }),
    startEureka({ user, settings, host: hosts.relay, replicas: [`${inside}/`] }),
  ]);
  trestle = await startTrestle({ facade: "", extra: ["-c", file], env: { EUREKA_PASSWORD: user.password } });
  [caller, one, other] = await Promise.all([
    startSpringCloud({
      ...({ stack: "eureka-2025", role: "caller", host: hosts.provider1, port: 9100 } as const),
      registry: `${inside}/`,
    }),
    startFakeSpring(inside, "svc-b", hosts.provider2, { at: "one" }),
    startFakeSpring(second.address.replace(/\/$/, ""), "svc-b", hosts.provider3, { at: "other" }),
  ]);
}, 240_000);

afterAll(async () => {
  await Promise.all([caller?.peer.kill(), one?.stop(), other?.stop()]);
  await trestle?.stop();
  await Promise.all([first?.stop(), second?.stop()]);
});

const idsAt = async (server: Eureka, app: string) =>
  (await server.instances(app)).map(({ instanceId }) => instanceId).sort();

/** Asks the facade for the list of an application. */
const ask = (authorization?: string) =>
  fetch(`http://${facade}/apps/SVC-B`, {
    headers: { accept: "application/json", ...(authorization !== undefined && { authorization }) },
    signal: AbortSignal.timeout(5_000),
  });
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

/** Who answers at least one of a few calls of the service. */
async function answering(): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (let i = 0; i < 6; i++) ids.add((await caller.echo({ client: "template" })).id);
  return [...ids].sort();
}

test("what registers through the facade with the servers' login is at both; who has none, or a wrong one, is refused by them", async () => {
  await one.register();
  for (const server of [first, second]) {
    await eventually(`svc-b is at ${server.host}`, async () => String(await idsAt(server, "svc-b")) === one.id, 20_000);
    await eventually(`svc-a is at ${server.host}`, async () => (await idsAt(server, "svc-a")).length === 1, 20_000);
  }
  const refused = [await ask(), await ask(basic("eureka:wrong"))];
  expect(refused.map(({ status }) => status)).toEqual([401, 401]);
  expect(refused[0]!.headers.get("www-authenticate")).toMatch(/^Basic realm/);
  await expect(
    startFakeSpring(`http://${facade}`, "svc-x", hosts.provider2, {}).then((guest) =>
      guest.register().finally(() => guest.stop()),
    ),
  ).rejects.toThrow("POST /apps/SVC-X: 401");
  await eventually("the caller has svc-b at the proxy", async () => {
    const listed = await caller.instances("svc-b");
    return listed.length === 1 && listed[0]!.host === hosts.trestle;
  });
  expect(await answering()).toEqual([one.id]);
});

test("the second server's replication reaches the first through the facade: registration, status and cancel", async () => {
  const statusAt = async () =>
    (await first.instances("svc-b")).find(({ instanceId }) => instanceId === other.id)?.status;
  await other.register();
  await eventually("it is at the first", async () => (await statusAt()) === "UP", 20_000);
  await eventually("both are called", async () => (await answering()).length === 2, 20_000);
  await second.ask("PUT", `/apps/SVC-B/${other.id}/status?value=OUT_OF_SERVICE`);
  await eventually("it is out of service at the first", async () => (await statusAt()) === "OUT_OF_SERVICE", 20_000);
  await eventually("one is called", async () => String(await answering()) === one.id, 20_000);
  await other.cancel();
  await eventually("it is gone from the first", async () => (await statusAt()) === undefined, 20_000);
});

test("when the first server dies source and facade go on with the second: no call is lost, and what registers then is called", async () => {
  const loop = await caller.loop({ client: "template" }, 20);
  await first.kill();
  await eventually("the facade answers", async () => (await ask(basic(login))).status === 200, 20_000);
  await other.register();
  await eventually("what registered at the second is called", async () => (await answering()).length === 2, 30_000);
  await eventually("calls went on", async () => (await loop.stats()).calls >= 100, 20_000);
  expect(await loop.stop()).toMatchObject({ failed: 0 });
  expect(await idsAt(second, "svc-a")).toHaveLength(1);
});

test("when the first comes back with nothing and the second dies, applications register there again through the facade", async () => {
  await first.restart();
  await second.kill();
  await eventually("svc-a registered again", async () => (await idsAt(first, "svc-a")).length === 1, 30_000);
  await one.register();
  await eventually("svc-b is called as before", async () => (await answering()).includes(one.id), 20_000);
  expect((await caller.instances("svc-b")).map(({ host }) => host)).toEqual([hosts.trestle]);
});

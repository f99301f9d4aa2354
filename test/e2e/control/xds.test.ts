import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, VIRTUAL_HOST_TYPE } from "../../../src/codecs/xds/resources.ts";
import { xdsMessage } from "../../../src/codecs/xds/types.ts";
import type { XdsClientStatus } from "../../../src/control/xds/status.ts";
import { hosts, requireNamespace } from "../../support/netns.ts";
import { eventually, type Peer, startProcess, stopAll } from "../../support/process.ts";
import { runTrestle } from "../../support/trestle.ts";
import { methodPath, openChannel, XdsStream } from "../../support/xds-grpc.ts";
import { NODE } from "../../support/xds-playbook.ts";

// `trestle control` as a program, with a registry and rules in files, and clients of its xDS port that are played by hand.
const ADMIN = `${hosts.trestle}:15000`;
const XDS = `${hosts.trestle}:15011`;
const MANY = 300;
/** Clients that come at once, each by a connection of its own. */
const STORM = 100;
let dir: string;
let control: Peer;
let channel: Client;

beforeAll(async () => {
  requireNamespace();
  dir = await mkdtemp(join(tmpdir(), "trestle-control-"));
  await services("10.77.0.2:20880");
  await writeFile(
    join(dir, "rules.yaml"),
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.Service1]
  http:
    - timeout: 1s
      route: [{destination: {host: com.acme.Service1}}]
`,
  );
  control = await startProcess({
    name: "trestle control",
    command: process.execPath,
    args: [
      "dist/cli.js",
      "control",
      ...["--registry", `file://${join(dir, "world.yaml")}`, "--rules", join(dir, "rules.yaml")],
      ...["--admin", ADMIN, "--output", `xds=${XDS}`],
    ],
    ready: async () => (await fetch(`http://${ADMIN}/ready`).catch(() => undefined))?.status === 200,
    deadlineMs: 30_000,
  });
  channel = openChannel(XDS);
});

afterAll(async () => {
  channel?.close();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
});

/** The first service at this address, the others where they always are. */
async function services(address: string): Promise<void> {
  const lines = Array.from(
    { length: MANY },
    (_, i) => `- {service: com.acme.Service${i}, endpoints: ['${i === 0 ? address : "10.77.0.3:20880"}']}\n`,
  );
  await writeFile(join(dir, "world.new"), `services:\n${lines.join("")}`);
  await rename(join(dir, "world.new"), join(dir, "world.yaml"));
}

const trestleNode = (id: string) => ({
  ...NODE,
  id,
  userAgentName: "trestle",
  userAgentVersion: "1",
  metadata: { TRESTLE_LISTEN: { dubbo: [{ address: "10.0.0.8", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.8" } },
});

const open = (id: string, typeUrl: string): XdsStream => {
  const stream = new XdsStream(channel, "delta", methodPath("delta", "ADS"));
  stream.send(typeUrl, { node: trestleNode(id), subscribe: ["*"] });
  return stream;
};

const proxies = async (): Promise<XdsClientStatus[]> => {
  const answer = await fetch(`http://${ADMIN}/api/v1/proxies`);
  return ((await answer.json()) as { proxies: XdsClientStatus[] }).proxies;
};

test("it says what it serves, and from where", () => {
  expect(control.stdout()).toMatch(/^trestle \S+ serves .+ by xDS at 10\.77\.0\.\d+:15011, admin http:\/\/\S+\n$/);
});

test("a change of one endpoint is sent to who asked for it, and nothing else with it", async () => {
  const stream = open("changes", ENDPOINT_TYPE);
  const all = await stream.take(ENDPOINT_TYPE);
  expect(all.resources).toHaveLength(MANY);
  stream.send(ENDPOINT_TYPE, { nonce: all.nonce });
  await services("10.77.0.4:20880");
  const change = await stream.take(ENDPOINT_TYPE);
  expect(change.resources.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.service0"]);
  expect(JSON.stringify(change.resources[0]?.resource)).toContain("10.77.0.4");
  stream.call.cancel();
});

test("what a client refuses is shown with the rule of it, and counted", async () => {
  const stream = open("refuser", VIRTUAL_HOST_TYPE);
  const { nonce } = await stream.take(VIRTUAL_HOST_TYPE);
  stream.send(VIRTUAL_HOST_TYPE, { nonce, error: { code: 3, message: "host com.acme.service1 has no good route" } });
  const refused = await eventually("the refusal", async () =>
    (await proxies()).find(
      ({ node, types }) => node === "refuser" && types.some(({ refusal }) => refusal !== undefined),
    ),
  );
  expect(refused.types[0]).toMatchObject({
    type: "vhds",
    state: "error",
    refusal: { names: ["dubbo/com.acme.service1"], origins: [{ rule: "orders" }] },
  });
  const { stdout } = await runTrestle(["proxies", "--admin", ADMIN]);
  expect(stdout).toMatch(/refuser .* vhds \d+ error .*has no good route \(orders at \S+rules\.yaml:\d+\)/);
  const metrics = await (await fetch(`http://${ADMIN}/metrics`)).text();
  expect(metrics).toContain('pilot_total_xds_rejects{type="vhds"} 1');
  stream.call.cancel();
});

test("tools are told by CSDS who has what", async () => {
  const stream = open("csds", CLUSTER_TYPE);
  const { nonce } = await stream.take(CLUSTER_TYPE);
  stream.send(CLUSTER_TYPE, { nonce });
  const request = encodeMessage(xdsMessage("envoy.service.status.v3.ClientStatusRequest"), {
    nodeMatchers: [{ nodeId: { exact: "csds" } }],
  });
  const ask = () =>
    new Promise<Buffer>((resolve, reject) =>
      channel.makeUnaryRequest(
        "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from(request),
        (error, answer) => (error === null ? resolve(answer!) : reject(error)),
      ),
    );
  const config = await eventually("the answer to be in", async () => {
    const json = decodeMessage(xdsMessage("envoy.service.status.v3.ClientStatusResponse"), await ask());
    const [one] = json["config"] as { node: object; genericXdsConfigs: { configStatus: string }[] }[];
    return one?.genericXdsConfigs.every(({ configStatus }) => configStatus === "SYNCED") ? one : undefined;
  });
  expect(config.node).toMatchObject({ id: "csds" });
  expect(config.genericXdsConfigs).toHaveLength(MANY);
  stream.call.cancel();
});

test("clients that ask for everything, refuse for ever or come in a storm hold nobody up", async () => {
  const good = open("good", ENDPOINT_TYPE);
  good.send(ENDPOINT_TYPE, { nonce: (await good.take(ENDPOINT_TYPE)).nonce });
  const greedy = open("greedy", ENDPOINT_TYPE);
  greedy.send("t/x", { subscribe: Array.from({ length: 100_001 }, (_, i) => `n${i}`) });
  await eventually("the greedy one to be ended", () => greedy.ended);
  expect(greedy.ended).toMatchObject({ code: 8, details: "a stream asks for 100001 names, over 100000" });
  const refuser = open("for ever", ENDPOINT_TYPE);
  const { nonce } = await refuser.take(ENDPOINT_TYPE);
  for (let i = 0; i < 500; i++) refuser.send(ENDPOINT_TYPE, { nonce, error: { code: 3, message: "no" } });
  const storm = Array.from({ length: 60 }, (_, i) => open(`storm ${i}`, ENDPOINT_TYPE));
  for (const stream of storm.splice(0, 30)) {
    await stream.take(ENDPOINT_TYPE);
    stream.call.cancel();
  }
  await services("10.77.0.5:20880");
  expect(JSON.stringify((await good.take(ENDPOINT_TYPE)).resources)).toContain("10.77.0.5");
  await Promise.all(storm.map((stream) => stream.take(ENDPOINT_TYPE)));
  expect(refuser.responses.length).toBeLessThanOrEqual(1);
  for (const { call } of [good, greedy, refuser, ...storm]) call.cancel();
  await eventually("all to be gone", async () => (await proxies()).length === 0);
});

test("clients that come again at once with what they have are told what is new alone, and nobody waits for them", async () => {
  const steady = open("steady", ENDPOINT_TYPE);
  const all = await steady.take(ENDPOINT_TYPE);
  steady.send(ENDPOINT_TYPE, { nonce: all.nonce });
  const initialVersions = Object.fromEntries(all.resources.map(({ name, version }) => [name, version]));
  const connect = () =>
    Array.from({ length: STORM }, (_, i) => {
      const own = openChannel(XDS, { "grpc.use_local_subchannel_pool": 1 });
      const stream = new XdsStream(own, "delta", methodPath("delta", "ADS"));
      stream.send(ENDPOINT_TYPE, { node: trestleNode(`again ${i}`), subscribe: ["*"], initialVersions });
      return { own, stream };
    });
  /** The first answer of each, accepted: how many resources. */
  const answers = (clients: ReturnType<typeof connect>) =>
    Promise.all(
      clients.map(async ({ stream }) => {
        const { nonce, resources } = await stream.take(ENDPOINT_TYPE);
        stream.send(ENDPOINT_TYPE, { nonce });
        return resources.length;
      }),
    );
  const before = connect();
  expect(await answers(before)).toEqual(before.map(() => 0));
  for (const { own, stream } of before) {
    stream.call.cancel();
    own.close();
  }
  const again = connect();
  await services("10.77.0.6:20880");
  expect(JSON.stringify((await steady.take(ENDPOINT_TYPE)).resources)).toContain("10.77.0.6");
  // Who had its first answer before the change is told of that alone, too.
  const changes = (await answers(again)).map(async (count, i) =>
    count === 1 ? 1 : (await again[i]!.stream.take(ENDPOINT_TYPE)).resources.length,
  );
  expect(await Promise.all(changes)).toEqual(again.map(() => 1));
  expect(again.flatMap(({ stream }) => stream.responses)).toEqual([]);
  for (const { own, stream } of again) {
    stream.call.cancel();
    own.close();
  }
  steady.call.cancel();
  await eventually("all to be gone", async () => (await proxies()).length === 0);
});

test("bytes that are no request end their stream alone", async () => {
  const stream = open("bad", CLUSTER_TYPE);
  await stream.take(CLUSTER_TYPE);
  stream.call.write(Buffer.from("ffffffff", "hex"));
  await eventually("the end", () => stream.ended);
  expect(stream.ended).toMatchObject({ code: 3 });
  expect((await fetch(`http://${ADMIN}/ready`)).status).toBe(200);
});

import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { encodeRequest } from "../../../src/codecs/xds/discovery-bytes.ts";
import { CLUSTER_TYPE } from "../../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../../src/codecs/xds/served.ts";
import { createXdsServer, type XdsServer } from "../../../src/control/xds/server.ts";
import { hosts, requireNamespace } from "../../support/netns.ts";
import { eventually, sleep } from "../../support/process.ts";
import { methodPath, openChannel, XdsStream } from "../../support/xds-grpc.ts";
import { NODE } from "../../support/xds-playbook.ts";

// The xDS server on a real socket, with short times: what clients do that mean harm, and that a good one is served meanwhile.
const ANSWER_MS = 700;
const OF_ADDRESS = 20;
const METHOD = methodPath("delta", "ADS");
let server: XdsServer;
let generation = 0;
const ends: (() => void)[] = [];

/** One cluster that is another each time, so large that a socket nobody reads from is full after a few. */
function setOf(now: number): ServedSet {
  const resource = { name: "a", altStatName: `${now}`.padEnd(1_000_000, "x") };
  return { version: `${now}`, types: new Map([[CLUSTER_TYPE, [{ name: "a", version: `${now}`, resource }]]]) };
}
let set = setOf(0);

function change(): void {
  set = setOf(++generation);
  server.changed();
}

beforeAll(async () => {
  requireNamespace();
  server = await createXdsServer({
    listen: `${hosts.trestle}:0`,
    debounceMs: 5,
    answerMs: ANSWER_MS,
    maxOfAddress: OF_ADDRESS,
    source: { resourcesFor: () => set },
  });
});

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await eventually("all to be gone", () => server.clients().length === 0);
});

afterAll(() => server.close());

function open(id: string): XdsStream {
  const channel = openChannel(server.address, { "grpc.use_local_subchannel_pool": 1 });
  const stream = new XdsStream(channel, "delta", METHOD);
  stream.send(CLUSTER_TYPE, { node: { ...NODE, id }, subscribe: ["*"] });
  ends.push(() => {
    stream.call.cancel();
    channel.close();
  });
  return stream;
}

/** HTTP/2 by hand from an address of its own. */
function raw(localAddress: string): { readonly session: ClientHttp2Session; readonly socket: Socket } {
  const [host, port] = server.address.split(":");
  const socket = connect({ host: host!, port: Number(port), localAddress });
  const session = connectHttp2(`http://${server.address}`, { createConnection: () => socket });
  session.on("error", () => {});
  ends.push(() => session.destroy());
  return { session, socket };
}

function begin(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ...{ ":method": "POST", ":path": METHOD, ":scheme": "http", ":authority": server.address },
    ...{ "content-type": "application/grpc", te: "trailers" },
  });
  stream.on("error", () => {});
  return stream;
}

function framed(id: string): Buffer {
  const request = { variant: "delta", typeUrl: CLUSTER_TYPE, nonce: "", subscribe: ["*"], unsubscribe: [] } as const;
  const message = encodeRequest({ ...request, node: { ...NODE, id }, initialVersions: {} });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const statusOf = (stream: ClientHttp2Stream): Promise<string> =>
  new Promise((resolve) => {
    const take = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined)
        resolve(`${headers["grpc-status"]} ${decodeURIComponent(String(headers["grpc-message"]))}`);
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.resume();
  });

/** A good client is told of a change at once, and answers. */
async function isServed(good: XdsStream): Promise<void> {
  const startMs = Date.now();
  change();
  let version = "";
  while (version !== `${generation}`) {
    const { nonce, resources } = await good.take(CLUSTER_TYPE);
    good.send(CLUSTER_TYPE, { nonce });
    version = resources[0]!.version;
  }
  expect(Date.now() - startMs).toBeLessThan(5_000);
}

test("one that never answers, one that sends a byte at a time and one that reads nothing are ended; a good one is served", async () => {
  const good = open("good");
  await isServed(good);
  const silent = open("silent");
  const slow = begin(raw(hosts.provider1).session);
  const slowEnd = statusOf(slow);
  const bytes = framed("slow");
  let at = 0;
  const drip = setInterval(() => slow.writable && slow.write(bytes.subarray(at, ++at)), 50);
  const { session, socket } = raw(hosts.provider2);
  begin(session).write(framed("half-open"));
  await eventually("all to be there", () => server.clients().length === 3);
  socket.pause();
  await isServed(good);
  // It is ended, on our side, though it takes not even that.
  await eventually(
    "the good one alone",
    () =>
      server
        .clients()
        .map(({ node }) => node)
        .join() === "good",
  );
  expect(await slowEnd).toBe(`4 no request within ${ANSWER_MS} ms`);
  clearInterval(drip);
  expect(silent.ended).toMatchObject({ code: 4, details: `a response was not answered within ${ANSWER_MS} ms` });
  await isServed(good);
  expect(server.exposeMetrics()).toContain('trestle_xds_streams_ended_total{reason="no_answer"} 3');
});

test("an address that opens streams without end takes no place of others", async () => {
  const flood = begin.bind(undefined, raw(hosts.provider1).session);
  const streams = Array.from({ length: 60 }, () => flood());
  const refused = streams.slice(OF_ADDRESS).map(statusOf);
  for (const [i, stream] of streams.entries()) stream.write(framed(`flood ${i}`));
  expect(new Set(await Promise.all(refused))).toEqual(
    new Set([`8 there are ${OF_ADDRESS} streams from this address already`]),
  );
  await isServed(open("good"));
});

test("one that refuses and asks again for ever is sent the same a few times; one that changes its name stays who it was", async () => {
  const good = open("good");
  await isServed(good);
  const refuser = open("refuser");
  let sent = 0;
  for (let i = 0; i < 40; i++) {
    const nonce = refuser.responses.shift()?.nonce;
    if (nonce !== undefined) sent++;
    const error = { code: 3, message: "no" };
    refuser.send(CLUSTER_TYPE, nonce === undefined ? { subscribe: ["a"] } : { nonce, error, subscribe: ["a"] });
    await sleep(5);
  }
  expect(sent).toBeLessThanOrEqual(5);
  good.call.write(
    Buffer.from(
      encodeRequest({
        ...{ variant: "delta", typeUrl: CLUSTER_TYPE, nonce: "", subscribe: [], unsubscribe: [], initialVersions: {} },
        node: { ...NODE, id: "another" },
      }),
    ),
  );
  await isServed(good);
  expect(server.clients().map(({ node }) => node)).toEqual(["good", "refuser"]);
});

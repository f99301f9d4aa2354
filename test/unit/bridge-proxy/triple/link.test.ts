import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { FlushQueue, SocketDriver } from "../../../../src/bridge-proxy/socket-driver.ts";
import { Http2Link } from "../../../../src/bridge-proxy/triple/link.ts";
import type { Http2Event } from "../../../../src/codecs/http2/events.ts";
import { PREFACE } from "../../../../src/codecs/http2/frame.ts";
import type { Http2Stream } from "../../../../src/codecs/http2/stream.ts";

const frame = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
/** SETTINGS with an INITIAL_WINDOW_SIZE of 0, and the acknowledgement of the proxy's. */
const NO_WINDOW = Buffer.concat([PREFACE, frame("000006 04 00 00000000 000400000000 000000 04 01 00000000")]);
/** GET / on stream 1 and on stream 3, whole. */
const REQUESTS = frame("000003 01 05 00000001 828684 000003 01 05 00000003 828684");
const WINDOW_OF_3 = frame("000004 08 00 00000003 00000100");

/** A caller that opens no window, and the proxy's side of its connection. */
function connected() {
  const sent: Buffer[] = [];
  const events: Http2Event[] = [];
  const peer = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      sent.push(Buffer.from(bytes));
      done();
    },
  });
  Object.assign(peer, { setNoDelay: () => peer });
  const context = {
    queue: new FlushQueue(),
    nowMs: 0,
    originMs: 0,
    heldBytes: 0,
    limits: { maxSkipBytes: 10_000, maxHeldBytes: 100_000 },
  } as unknown as ProxyContext;
  const owner = {
    onEvent: (event: Http2Event) => void events.push(event),
    onProtocolError: (error: Error) => expect.unreachable(error.message),
    onClosed: () => {},
  };
  const link = new Http2Link(
    context,
    "server",
    (of) => new SocketDriver(() => peer as unknown as Socket, context.queue, of),
    owner,
  );
  const bring = (bytes: Buffer) => link.onBytes(bytes, 0, bytes.length);
  return { link, context, events, bring, taken: () => Buffer.concat(sent.splice(0)) };
}

test("a stream whose caller takes nothing of its answer is reset after a minute by CANCEL; those that move are not", async () => {
  const { link, context, events, bring, taken } = connected();
  bring(NO_WINDOW);
  bring(REQUESTS);
  const streams = events.splice(0).flatMap((event) => (event.type === "head" ? [event.stream] : []));
  const [stuck, moving] = streams as [Http2Stream, Http2Stream];
  for (const stream of [stuck, moving]) {
    link.machine.head(stream, [":status", "200"], false);
    expect(link.data(stream, Buffer.alloc(1_000), true)).toBe(1_000);
  }
  await turn();
  taken();
  expect(context.heldBytes).toBe(2_000);
  const startMs = context.nowMs;
  const at = async (ms: number) => {
    context.nowMs = startMs + ms;
    link.tick();
    await turn();
    return events.splice(0);
  };
  expect(await at(50_000)).toEqual([]);
  link.machine.receive(WINDOW_OF_3, startMs + 50_000);
  link.wake();
  // The moving stream's 256 bytes, nothing of the other.
  await turn();
  expect(taken().subarray(0, 9).toString("hex")).toBe("000100000000000003");
  expect(await at(59_000)).toEqual([]);
  expect(taken().length).toBe(0);
  // Looked at every eighth of the time.
  const told = await at(68_000);
  expect(told).toMatchObject([{ type: "reset", code: 8, why: "content was not taken for 60000 ms" }]);
  expect(told[0]!.type === "reset" && told[0]!.stream).toBe(stuck);
  expect(taken().toString("hex")).toBe("00000403000000000100000008");
  expect(context.heldBytes).toBe(744);
});

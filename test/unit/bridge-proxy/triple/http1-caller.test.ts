import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { FlushQueue, SocketDriver, type SocketOwner } from "../../../../src/bridge-proxy/socket-driver.ts";
import type { AcceptedSocket } from "../../../../src/bridge-proxy/triple/accepted.ts";
import { Http1Caller } from "../../../../src/bridge-proxy/triple/http1-caller.ts";
import type { Arrived, ServedRequest } from "../../../../src/bridge-proxy/triple/served.ts";

const REQUEST = Buffer.from("POST /a.B/c HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi");

/** A caller whose calls are answered as soon as they are whole, the first with `content`, others with nothing; `served` counts them. */
function connected(content = Buffer.alloc(0), takesTrailers = false) {
  let sent = "";
  let trailers = "";
  let memory = 0;
  let served = 0;
  const peer = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      sent += bytes.latin1Slice();
      memory = bytes.buffer.byteLength;
      done();
    },
  });
  Object.assign(peer, { setNoDelay: () => peer });
  const context = { queue: new FlushQueue(), nowMs: 0, limits: { maxSkipBytes: 1_000 } } as unknown as ProxyContext;
  const accepted = {
    address: "10.0.0.1",
    drive: (owner: SocketOwner) => new SocketDriver(() => peer as unknown as Socket, context.queue, owner),
    gone: () => {},
  } as unknown as AcceptedSocket;
  const admit = ({ stream }: Arrived): ServedRequest => {
    served++;
    const onRequestData = (_bytes: Buffer, end: boolean) => {
      if (!end) return;
      stream.head([":status", "200"], false, []);
      stream.data(served === 1 ? content : Buffer.alloc(0), true);
    };
    const onRequestTrailers = (fields: readonly string[]) => {
      trailers = fields.join();
      onRequestData(Buffer.alloc(0), true);
    };
    return { start: () => {}, takesTrailers, onRequestData, onRequestTrailers } as unknown as ServedRequest;
  };
  const caller = new Http1Caller(context, accepted, { admit });
  const bring = (bytes: Buffer) => caller.onBytes(bytes, 0, bytes.length);
  return { caller, bring, trailers: () => trailers, sent: () => sent, served: () => served, memory: () => memory };
}

test("requests of one connection are served one after the other, whatever they come in", async () => {
  const { bring, sent, served } = connected();
  bring(Buffer.concat([REQUEST, REQUEST, REQUEST.subarray(0, 60)]));
  await turn();
  bring(REQUEST.subarray(60));
  await turn();
  expect(served()).toBe(3);
  expect(sent().match(/HTTP\/1\.1 200/g)).toHaveLength(3);
});

test("a request that crosses the end of its connection, where nobody would hear of its answer, is not carried out", async () => {
  const { caller, bring, sent, served } = connected();
  bring(REQUEST);
  await turn();
  const before = sent();
  caller.leave();
  bring(REQUEST);
  await turn();
  bring(REQUEST);
  await turn();
  expect(served()).toBe(1);
  expect(sent()).toBe(before);
});

test("memory of a large answer is not kept for the small ones after it", async () => {
  const { bring, memory } = connected(Buffer.alloc(1_000_000));
  bring(REQUEST);
  await turn();
  expect(memory()).toBeGreaterThan(1_000_000);
  bring(REQUEST);
  await turn();
  expect(memory()).toBeLessThan(100_000);
});

test.each([
  [true, "x-sum,4"],
  [false, ""],
])("trailers of a request go on where what serves it takes them: %s", async (takesTrailers, expected) => {
  const { bring, sent, trailers } = connected(undefined, takesTrailers);
  bring(Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nX-Sum: 4\r\n\r\n"));
  await turn();
  expect([sent().match(/HTTP\/1\.1 200/g)?.length, trailers()]).toEqual([1, expected]);
});

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { answerCall, type SeenFrame } from "../support/fake-provider.ts";
import { CALL, OTHER, setFaultStage, soon, textOf } from "../support/fault-stage.ts";
import { frame, openRaw, request, requestBody } from "../support/raw-dubbo.ts";

// What broken, hostile and slow callers do to the proxy: nothing but to themselves. Needs Node alone.

const stage = setFaultStage();
const { open, works, services, counter } = stage;

describe("what a caller can send", () => {
  test.each<[string, Buffer]>([
    ["a wrong magic", Buffer.from("deadbeef".repeat(8), "hex")],
    ["half of the magic, then something else", Buffer.from("dadadada", "hex")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a length of -1", frame(0xc2, 1n, Buffer.alloc(0), -1)],
    ["a length of -2^31", frame(0xc2, 1n, Buffer.alloc(0), -(2 ** 31))],
    ["a length of 2^31-1", frame(0xc2, 1n, Buffer.alloc(64), 2 ** 31 - 1)],
    ["an event of 16 bytes", frame(0xe2, 1n, Buffer.alloc(16))],
  ])("%s closes that connection alone", async (_name, bytes) => {
    const before = counter("downstreamProtocolErrors");
    const [bad, good] = [await open(), await open()];
    bad.write(bytes);
    expect(await bad.closed()).toBe(true);
    expect(counter("downstreamProtocolErrors")).toBe(before + 1);
    await works(good);
  });

  test.each<[string, Buffer, number, RegExp]>([
    [
      "an unknown service",
      request({ ...CALL, service: "com.acme.Nobody", id: 1n }),
      60,
      /no service com\.acme\.Nobody/,
    ],
    ["a body that is no Hessian", frame(0xc2, 1n, Buffer.alloc(64, 0xff)), 40, /protocol version is no string/],
    ["an empty body", frame(0xc2, 1n, Buffer.alloc(0)), 40, /ends before its protocol version/],
    [
      "a serialization that could mean any service",
      frame(0xd1, 1n, Buffer.from("beef", "hex")),
      40,
      /serialization 17/,
    ],
    ["9 MB", frame(0xc2, 1n, Buffer.alloc(9_000_000)), 40, /9000000 bytes is over the limit 8388608/],
    [
      "a string that claims more than there is",
      frame(0xc2, 1n, Buffer.from("05322e302e3253ffff61", "hex")),
      40,
      /65535 units is cut off/,
    ],
  ])("%s is answered, and the connection goes on", async (_name, bytes, status, text) => {
    const connection = await open();
    connection.write(bytes);
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 1n, status });
    expect(textOf(answer.body)).toMatch(text);
    await works(connection);
  });

  test.each<[string, Buffer]>([
    ["an unknown service", request({ ...CALL, service: "com.acme.Nobody", id: 1n, oneWay: true })],
    ["a body that is no Hessian", frame(0x82, 1n, Buffer.alloc(64, 0xff))],
    ["9 MB", frame(0x82, 1n, Buffer.alloc(9_000_000))],
    ["an answer to nothing", frame(0x02, 1n, Buffer.from("9291", "hex"), undefined, 20)],
    ["a readonly event", frame(0xa2, 1n, Buffer.from("0152", "hex"))],
  ])("one-way: %s is not answered", async (_name, bytes) => {
    const connection = await open();
    connection.write(bytes);
    await works(connection);
  });

  test("arguments that are no Hessian, and 200,000 lists in one another, are carried when no rule has to read them", async () => {
    const connection = await open();
    const bodies: Buffer[] = [];
    stage.one.onCall = (seen) => {
      bodies.push(seen.body);
      answerCall(seen);
    };
    const sent = [Buffer.from("40404040", "hex"), Buffer.alloc(200_000, 0x79)].map((args, i) => ({
      ...CALL,
      args,
      id: BigInt(i),
    }));
    for (const call of sent) {
      connection.write(request(call));
      expect(await connection.answer()).toMatchObject({ id: call.id, status: 20 });
    }
    expect(bodies.map((body) => body.toString("hex"))).toEqual(sent.map((call) => requestBody(call).toString("hex")));
  });

  test("the same are answered 40 when a rule looks at attachments", async () => {
    await stage.lone.apply(
      services({
        routes: (cluster) => [
          {
            name: "blue",
            match: { prefix: "/", headers: [{ name: "x-color", stringMatch: { exact: "blue" } }] },
            route: { cluster },
          },
        ],
      }),
    );
    const connection = await open();
    for (const args of [
      Buffer.from("40404040", "hex"),
      Buffer.alloc(200_000, 0x79),
      Buffer.from("5604" + "5b696e74" + "497fffffff", "hex"),
    ]) {
      connection.write(request({ ...CALL, args, id: 7n }));
      const answer = await connection.answer();
      expect(answer).toMatchObject({ id: 7n, status: 40 });
      expect(textOf(answer.body)).toMatch(/hessian2: /);
    }
    await works(connection);
  });

  test("a call cut off at each byte, by an end and by a reset, disturbs nobody", async () => {
    const bytes = request({ ...CALL, id: 1n });
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const connection = await openRaw(stage.lone.host, stage.lone.port);
      connection.write(bytes.subarray(0, cut));
      if (cut % 2 === 0) connection.socket.end();
      else setImmediate(() => connection.socket.resetAndDestroy());
    }
    await works(await open());
  });

  test("a caller that sends a byte at a time is served, and one that stops in a frame is ended", async () => {
    const slow = await open();
    for (const byte of request({ ...CALL, id: 5n })) {
      slow.write(Buffer.of(byte));
      await sleep(1);
    }
    expect(await slow.answer()).toMatchObject({ id: 5n, status: 20 });
    const stopped = await open();
    stopped.write(request({ ...CALL, id: 6n }).subarray(0, 40));
    expect(await stopped.closed(5_000)).toBe(true);
  });

  test("a caller that is silent for three heartbeats is ended, one that answers them is not", async () => {
    const silent = await open();
    const living = await open();
    living.socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0xe2) living.write(frame(0x22, chunk.readBigInt64BE(4), chunk.subarray(16), undefined, 20));
    });
    expect(await silent.closed(8_000)).toBe(true);
    await works(living);
  });

  test("the same id twice in flight is answered twice", async () => {
    const waiting: SeenFrame[] = [];
    stage.one.onCall = (seen) => void waiting.push(seen);
    const connection = await open();
    for (let i = 0; i < 2; i++) connection.write(request({ ...CALL, id: 9n }));
    await soon(() => expect(waiting.length).toBe(2), 2_000, "both calls reach the provider");
    expect(waiting[0]!.id).not.toBe(waiting[1]!.id);
    for (const [i, seen] of waiting.reverse().entries()) answerCall(seen, `n${i}`);
    expect(
      [await connection.answer(), await connection.answer()].map(({ id, body }) => [id, body.toString("latin1", 2)]),
    ).toEqual([
      [9n, "n0"],
      [9n, "n1"],
    ]);
  });

  test("ids of all 64 bits come back as they were", async () => {
    const connection = await open();
    for (const id of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x0123456789abcdefn]) {
      connection.write(request({ ...CALL, id }));
      expect((await connection.answer()).id).toBe(id);
    }
  });

  test("2,000 callers that send a call and go at once leave nothing behind", async () => {
    const bytes = request({ ...CALL, id: 1n });
    for (let round = 0; round < 20; round++) {
      const connections = await Promise.all(
        Array.from({ length: 100 }, () => openRaw(stage.lone.host, stage.lone.port)),
      );
      for (const [i, connection] of connections.entries()) {
        connection.write(bytes);
        if (i % 3 === 0) connection.destroy();
        else if (i % 3 === 1) connection.socket.resetAndDestroy();
        else connection.socket.end();
      }
    }
    await works(await open());
  });

  test("100 callers that announce 60 MB each and send no more cost no memory", async () => {
    const before = process.memoryUsage();
    const connections = await Promise.all(Array.from({ length: 100 }, open));
    for (const connection of connections) connection.write(frame(0xc2, 1n, Buffer.alloc(100), 60_000_000));
    await sleep(200);
    const after = process.memoryUsage();
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(40_000_000);
    for (const connection of connections) connection.destroy();
  });

  test("a caller that takes no answers is held back, not buffered for", async () => {
    const big = Buffer.concat([Buffer.from([0x91, 0x53, 0x80, 0x00]), Buffer.alloc(0x8000, 0x61)]);
    stage.one.onCall = ({ socket, id }) => void socket.write(frame(0x02, id, big, undefined, 20));
    const deaf = await open();
    deaf.socket.pause();
    const bytes = request({ ...CALL, id: 1n });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4_000 && !deaf.socket.destroyed; i++) {
      deaf.write(bytes);
      if (i % 50 === 0) await sleep(1);
    }
    await sleep(300);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
    await works(await open(), OTHER);
    deaf.destroy();
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { answerCall, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { CALL, OTHER, reply, setFaultStage, soon, textOf } from "../support/fault-stage.ts";
import { frame, request } from "../support/raw-dubbo.ts";

// What broken, slow and leaving providers do to the proxy's callers: their connections live on. Needs Node alone.

const stage = setFaultStage();
const { open, works, services, counter } = stage;

describe("what a provider can do", () => {
  /** Makes the call that the provider spoils; the caller's connection must live and be served by the other provider. */
  async function spoiled(spoil: (seen: SeenFrame) => void, status: number, text: RegExp): Promise<void> {
    stage.one.onCall = spoil;
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status });
    expect(textOf(answer.body)).toMatch(text);
    stage.one.onCall = (seen) => answerCall(seen);
    await works(connection, OTHER);
    await works(connection);
  }

  test("a connection that is reset mid-call is answered 80", () =>
    spoiled(({ socket }) => socket.resetAndDestroy(), 80, /closed the connection before it answered/));
  test("a connection that ends mid-call is answered 80", () =>
    spoiled(({ socket }) => socket.end(), 80, /closed the connection before it answered/));
  test("a connection that is reset in the middle of an answer is answered 80", () =>
    spoiled(
      ({ socket, id }) => {
        socket.write(frame(0x02, id, Buffer.from("91026f6b", "hex"), undefined, 20).subarray(0, 18));
        setTimeout(() => socket.resetAndDestroy(), 30);
      },
      80,
      /closed the connection before it answered/,
    ));
  test("an answer that is no Dubbo2 is answered 80", () =>
    spoiled(({ socket }) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"), 80, /not a dubbo2 frame/));
  test("an answer of negative length is answered 80", () =>
    spoiled(
      ({ socket, id }) => void socket.write(frame(0x02, id, Buffer.alloc(0), -5, 20)),
      80,
      /body length -5 is negative/,
    ));
  test("an answer over every limit is answered 80", () =>
    spoiled(
      ({ socket, id }) => void socket.write(frame(0x02, id, Buffer.alloc(10), 2 ** 31 - 1, 20)),
      80,
      /over maxSkipBytes/,
    ));

  test.each([25, 30, 31, 35, 40, 50, 60, 70, 80, 90, 99, 100, 255])(
    "its status %i is passed with its text",
    async (status) => {
      stage.one.onCall = ({ socket, id }) =>
        void socket.write(frame(0x17, id, Buffer.from("000000054d646f776e", "hex"), undefined, status));
      const connection = await open();
      connection.write(request({ ...CALL, id: 3n }));
      const answer = await connection.answer();
      expect(answer).toMatchObject({ id: 3n, status, flags: 0x17 });
      expect(answer.body.toString("hex")).toBe("000000054d646f776e");
      await works(connection, OTHER);
    },
  );

  test("answers to unknown ids, and second answers, are dropped and counted", async () => {
    const before = counter("lateAnswers");
    stage.one.onCall = (seen) => {
      answerCall({ ...seen, id: seen.id + 1_000_000n }, "wrong");
      answerCall(seen, "right");
      answerCall(seen, "again");
    };
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("right");
    await works(connection, OTHER);
    await soon(() => expect(counter("lateAnswers")).toBe(before + 2), 2_000, "both are counted");
  });

  test("a call that is never answered ends at the route's time-out with 31, its late answer is dropped", async () => {
    await stage.lone.apply(services({ timeout: "0.2s" }));
    let late: SeenFrame | undefined;
    stage.one.onCall = (seen) => {
      late = seen;
    };
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status: 31 });
    answerCall(late!);
    stage.one.onCall = (seen) => answerCall(seen);
    await works(connection);
  });

  test("a slow provider holds nobody else up, on the same connection either", async () => {
    const waiting: SeenFrame[] = [];
    stage.one.onCall = (seen) => void waiting.push(seen);
    const connection = await open();
    for (let id = 0n; id < 50n; id++) connection.write(request({ ...CALL, id }));
    // The slow one answers nothing before this.
    await works(connection, OTHER);
    await soon(() => expect(waiting.length).toBe(50), 2_000, "all calls reach the provider");
    for (const seen of waiting) answerCall(seen);
    const ids = new Set<bigint>();
    for (let i = 0; i < 50; i++) ids.add((await connection.answer()).id);
    expect(ids.size).toBe(50);
  });

  test("one that refuses connections is passed over while another lives", async () => {
    const gone = await startFakeProvider();
    const port = gone.port;
    await gone.close();
    await stage.lone.apply(services({ ports: [port, stage.one.port] }));
    const connection = await open();
    for (let i = 0; i < 20; i++) await works(connection);
  });

  test("when none can be reached the answer is 80 and says which, and one that comes is used", async () => {
    const gone = await startFakeProvider();
    const port = gone.port;
    await gone.close();
    await stage.lone.apply(services({ ports: [port] }));
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer.status).toBe(80);
    expect(textOf(answer.body)).toContain(`127.0.0.1:${port}`);
    const back = await startFakeProvider(port);
    onTestFinished(() => back.close());
    await soon(
      async () => {
        connection.write(request({ ...CALL, id: 4n }));
        expect((await connection.answer()).status).toBe(20);
      },
      5_000,
      "the provider that came is used",
    );
  });

  test("none at all is 80", async () => {
    await stage.lone.apply(services({ ports: [] }));
    const connection = await open();
    connection.write(request({ ...CALL, id: 3n }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({ id: 3n, status: 80 });
    expect(textOf(answer.body)).toMatch(/no provider of com\.acme\.orders/);
  });

  test("one that answers no heartbeats is left after three", async () => {
    const connection = await open();
    await works(connection);
    stage.one.alive = false;
    stage.one.onCall = () => {};
    const before = stage.one.heartbeats;
    connection.write(request({ ...CALL, id: 3n }));
    connection.socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0xe2) connection.write(frame(0x22, chunk.readBigInt64BE(4), chunk.subarray(16), undefined, 20));
    });
    const answer = await reply(connection);
    expect(answer).toMatchObject({ id: 3n, status: 80 });
    expect(textOf(answer.body)).toMatch(/nothing was heard/);
    expect(stage.one.heartbeats).toBeGreaterThan(before);
  });

  test("its heartbeats are answered and never reach a caller", async () => {
    const connection = await open();
    await works(connection);
    const answers: Buffer[] = [];
    for (const socket of stage.one.sockets) {
      socket.on("data", (chunk: Buffer) => void answers.push(chunk));
      socket.write(frame(0xe2, 77n, Buffer.from("4e", "hex")));
    }
    const expected = frame(0x22, 77n, Buffer.from("4e", "hex"), undefined, 20).toString("hex");
    await soon(
      () => expect(answers.map((chunk) => chunk.toString("hex"))).toContain(expected),
      2_000,
      "it is answered",
    );
    await works(connection);
  });

  test("after READONLY it gets no new call while another lives, and its call in flight is answered", async () => {
    await stage.lone.apply(services({ ports: [stage.one.port, stage.two.port] }));
    const connection = await open();
    for (let i = 0; i < 4; i++) await works(connection);
    const held: SeenFrame[] = [];
    stage.one.onCall = (seen) => void held.push(seen);
    stage.two.onCall = (seen) => answerCall(seen, "two");
    for (let id = 1n; id <= 2n; id++) connection.write(request({ ...CALL, id }));
    await soon(() => expect(held.length).toBe(1), 2_000, "one call waits at the first provider");
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("two");
    for (const socket of stage.one.sockets) socket.write(frame(0xa2, 0n, Buffer.from("0152", "hex")));
    await sleep(50);
    const calls = stage.one.calls;
    for (let i = 0; i < 10; i++) await works(connection);
    expect(stage.one.calls).toBe(calls);
    answerCall(held[0]!, "one");
    expect((await connection.answer()).body.toString("latin1", 2)).toBe("one");
  });

  test("providers that come and go under load cost no call", async () => {
    await stage.lone.apply(services({ ports: [stage.one.port, stage.two.port] }));
    const connection = await open();
    const statuses = new Map<number, number>();
    let running = true;
    const load = (async () => {
      for (let id = 0n; running; id++) {
        connection.write(request({ ...CALL, id }));
        const { status } = await connection.answer();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    })();
    for (let i = 0; i < 20; i++) {
      await stage.lone.apply(services({ ports: i % 2 === 0 ? [stage.two.port] : [stage.one.port] }));
      await sleep(20);
    }
    running = false;
    await load;
    expect([...statuses.keys()]).toEqual([20]);
  });
});

import type { OnReadOpts, Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FlushQueue, SocketDriver, type SocketOwner } from "../../../src/bridge-proxy/socket-driver.ts";

/** A socket whose peer takes what it is told to take. */
class Peer extends Duplex {
  readonly sent: string[] = [];
  onread: OnReadOpts | undefined;
  /** As a TLS socket says of itself. */
  encrypted: boolean | undefined;
  #taken: (() => void) | undefined;
  #takes: boolean;

  constructor(takes: boolean) {
    super({ highWaterMark: 16 });
    this.#takes = takes;
  }

  setNoDelay(): this {
    return this;
  }

  takeAll(): void {
    this.#takes = true;
    this.#taken?.();
  }

  /** Bytes come in, as node:net hands them over. */
  bring(text: string): void {
    const { buffer, callback } = this.onread!;
    const room = (buffer as () => Buffer)();
    callback(room.write(text), room);
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.sent.push(bytes.latin1Slice());
    if (this.#takes) done();
    else this.#taken = done;
  }
}

const SILENT: SocketOwner = { onBytes: () => {}, onClosed: () => {} };

function driven({
  takes = true,
  owner = SILENT,
  isTls = false,
}: {
  takes?: boolean;
  owner?: SocketOwner;
  isTls?: boolean;
} = {}) {
  const peer = new Peer(takes);
  if (isTls) peer.encrypted = true;
  const queue = new FlushQueue();
  const driver = new SocketDriver(
    (onread) => {
      peer.onread = onread;
      return peer as unknown as Socket;
    },
    queue,
    owner,
  );
  return { peer, queue, driver };
}

function append(driver: SocketDriver, text: string): void {
  driver.append(Buffer.from(text), 0, text.length);
}

test("what is queued in a turn leaves as one write at its end, pieces in order, and turns do not mix", () => {
  const { peer, queue, driver } = driven();
  for (const pieces of [["one"], ["two", "three"], Array.from({ length: 40 }, (_, i) => `${i},`), ["last"]]) {
    for (const piece of pieces) append(driver, piece);
    expect(driver.backlogBytes).toBe(pieces.join("").length);
    queue.flush();
    expect(peer.sent.pop()).toBe(pieces.join(""));
    expect(driver.backlogBytes).toBe(0);
  }
  expect(peer.sent).toEqual([]);
});

test("what is more than 128 KB leaves in its pieces, and as one write for TLS", () => {
  const pieces = Array.from({ length: 5 }, (_, i) => String(i).repeat(40_000));
  const sent = [false, true].map((isTls) => {
    const { peer, queue, driver } = driven({ isTls });
    for (const piece of pieces) append(driver, piece);
    queue.flush();
    expect(driver.backlogBytes).toBe(0);
    return peer.sent;
  });
  expect(sent).toEqual([pieces, [pieces.join("")]]);
});

test("neighbouring ranges of one buffer leave as they stand in it", () => {
  const { peer, queue, driver } = driven();
  const bytes = Buffer.from("-abcdef-");
  driver.append(bytes, 1, 3);
  driver.append(bytes, 3, 7);
  queue.flush();
  expect(peer.sent).toEqual(["abcdef"]);
});

test("who waits for the peer is told once that it took all, and at once where nothing waits", async () => {
  const { peer, queue, driver } = driven({ takes: false });
  let told = 0;
  driver.onDrained(() => told++);
  expect(told).toBe(1);
  append(driver, "more than the socket holds");
  driver.onDrained(() => told++);
  queue.flush();
  expect(told).toBe(1);
  peer.takeAll();
  await turn();
  expect(told).toBe(2);
  append(driver, "more than the socket holds");
  queue.flush();
  await turn();
  expect(told).toBe(2);
});

test("an owner that wakes the connection whenever it may go on does not spin while it ends before a peer that reads nothing", async () => {
  let flushes = 0;
  const { queue, driver } = driven({
    takes: false,
    owner: {
      ...SILENT,
      onFlush: () => {
        flushes++;
        if (driver.backlogBytes > 0) driver.onDrained(() => driver.wake());
      },
    },
  });
  append(driver, "more than the socket holds");
  queue.flush();
  driver.end();
  await turn();
  driver.end();
  for (let i = 0; i < 20; i++) await turn();
  expect(flushes).toBe(3);
});

test("an owner that waits for room has its last bytes sent before the connection ends", async () => {
  const late = ["late", "last"];
  const { peer, queue, driver } = driven({ takes: false });
  const goOn = () => {
    append(driver, late.shift()!);
    if (late.length > 0) driver.onDrained(goOn);
  };
  append(driver, "more than the socket holds");
  driver.onDrained(goOn);
  queue.flush();
  driver.end();
  await turn();
  expect(peer.writableEnded).toBe(false);
  peer.takeAll();
  for (let i = 0; i < 10; i++) await turn();
  expect(peer.sent).toEqual(["more than the socket holds", "late", "last"]);
  expect(peer.writableFinished).toBe(true);
});

test("bytes reach the owner where they are, and what it throws ends the connection with that error, after what was queued", async () => {
  const got: string[] = [];
  let error: Error | undefined;
  const { peer, driver } = driven({
    owner: {
      onBytes: (bytes, start, end) => {
        got.push(bytes.latin1Slice(start, end));
        if (got.length < 2) return;
        append(driver, "goodbye");
        throw new Error("broken");
      },
      onClosed: (why) => {
        error = why;
      },
    },
  });
  peer.bring("first");
  peer.bring("second");
  await turn();
  expect(got).toEqual(["first", "second"]);
  expect(peer.sent).toEqual(["goodbye"]);
  expect(error?.message).toBe("broken");
  expect(driver.closed).toBe(true);
});

test("an error ends the connection, also of a TLS socket, which reports what comes after its handshake and stays open", async () => {
  const closed: (Error | undefined)[] = [];
  const { peer } = driven({ owner: { ...SILENT, onClosed: (error) => void closed.push(error) } });
  const error = new Error("bad record mac");
  peer.emit("error", error);
  await turn();
  expect([peer.destroyed, closed]).toEqual([true, [error]]);
});

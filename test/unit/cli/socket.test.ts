import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { endSocket } from "../../../src/cli/socket.ts";

/** A connection whose peer takes what is written and ends its side when `end` is called, or never. */
function connection() {
  const taken: string[] = [];
  const socket = new Duplex({
    allowHalfOpen: false,
    read() {},
    write(chunk, _encoding, done) {
      taken.push(String(chunk));
      done();
    },
  });
  const heard: string[] = [];
  socket.on("data", (chunk) => heard.push(String(chunk)));
  return { socket, taken, heard, end: () => socket.push(null) };
}

/** Lets the stream go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a peer that does not end its side is cut off, and heard no more", async () => {
  const clock = new ManualClock();
  const { socket, taken, heard } = connection();
  socket.write("last");
  endSocket(socket as unknown as Socket, clock);
  socket.push("more");
  await turn();
  clock.advance(4_999);
  expect([taken, heard, socket.destroyed]).toEqual([["last"], [], false]);
  clock.advance(1);
  expect(socket.destroyed).toBe(true);
});

test("where the peer ends its side nothing waits any more", async () => {
  let waiting = 0;
  const after = () => {
    waiting++;
    return { cancel: () => waiting-- };
  };
  const clock = { now: () => 0, after };
  const { socket, end } = connection();
  endSocket(socket as unknown as Socket, clock);
  end();
  await turn();
  await turn();
  expect([socket.destroyed, waiting]).toEqual([true, 0]);
});

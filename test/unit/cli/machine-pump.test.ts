import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { MachinePump } from "../../../src/cli/machine-pump.ts";

function stage() {
  const clock = new ManualClock();
  const said: Buffer[] = [];
  const written: string[] = [];
  const machine = {
    dueMs: undefined as number | undefined,
    takeOutput: () => Buffer.concat(said.splice(0)),
    deadline: () => machine.dueMs,
  };
  const socket = { writable: true, write: (bytes: Uint8Array) => written.push(Buffer.from(bytes).toString()) };
  const due: number[] = [];
  const pump = new MachinePump({ machine, socket, clock, onDue: () => due.push(clock.now()) });
  return { clock, machine, socket, pump, written, due, say: (text: string) => said.push(Buffer.from(text)) };
}

test("what is said in one turn is written at once, at its end", async () => {
  const { pump, say, written } = stage();
  say("a");
  pump.run();
  say("b");
  pump.run();
  expect(written).toEqual([]);
  await nextTurn();
  expect(written).toEqual(["ab"]);
  pump.run();
  await nextTurn();
  expect(written).toEqual(["ab"]);
});

test("nothing is written to a socket that has ended", () => {
  const { pump, say, socket, written } = stage();
  say("a");
  socket.writable = false;
  pump.write();
  expect(written).toEqual([]);
});

test("the machine is woken when it is due, and earlier where that comes nearer", () => {
  const { pump, machine, clock, due } = stage();
  const startMs = clock.now();
  machine.dueMs = startMs + 100;
  pump.run();
  machine.dueMs = startMs + 40;
  pump.run();
  clock.advance(100);
  expect(due).toEqual([startMs + 40]);
  machine.dueMs = startMs + 150;
  pump.run();
  pump.stop();
  clock.advance(100);
  expect(due).toHaveLength(1);
});

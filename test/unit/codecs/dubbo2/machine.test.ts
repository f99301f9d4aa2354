import { expect, test } from "vitest";
import { Dubbo2Machine } from "../../../../src/codecs/dubbo2/machine.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

interface Seen {
  readonly type: "frame" | "oversize";
  readonly size: number;
}

class Recorder extends Dubbo2Machine<Seen> {
  protected override onFrame(bytes: Buffer, start: number, end: number): void {
    this.onEvent(bytes, start, end);
    this.events.push({ type: "frame", size: end - start });
  }

  protected override onOversize(_header: Buffer, bodyBytes: number): void {
    this.events.push({ type: "oversize", size: bodyBytes });
  }
}

test("reports the frames that a chunk completes, and answers heartbeats on the way", () => {
  const machine = new Recorder(0, {});
  const beat = bytesOf("dabbe2000000000000000009000000014e");
  expect(machine.receive(Buffer.concat([beat, beat, beat.subarray(0, 5)]), 0)).toEqual([
    { type: "frame", size: 17 },
    { type: "frame", size: 17 },
  ]);
  expect(machine.receive(beat.subarray(5), 0).length).toBe(1);
  expect(machine.takeOutput().length).toBe(51);
  expect(machine.takeOutput().length).toBe(0);
});

test("keeps nothing of the chunks that it is lent", () => {
  const machine = new Recorder(0, {});
  const beat = bytesOf("dabbe2000000000000000009000000014e");
  const chunk = Buffer.from(beat.subarray(0, 10));
  machine.receive(chunk, 0);
  chunk.fill(0);
  expect(machine.receive(beat.subarray(10), 0).length).toBe(1);
});

test("reports and skips a body over the limit, however it is cut", () => {
  const machine = new Recorder(0, { maxBodyBytes: 10 });
  const big = Buffer.concat([bytesOf("dabb c200 0000000000000001 00000064"), Buffer.alloc(100)]);
  const small = bytesOf("dabb 8200 0000000000000001 00000000");
  const stream = Buffer.concat([big, small]);
  const seen: Seen[] = [];
  for (let at = 0; at < stream.length; at += 9) seen.push(...machine.receive(stream.subarray(at, at + 9), 0));
  expect(seen).toEqual([
    { type: "oversize", size: 100 },
    { type: "frame", size: 16 },
  ]);
});

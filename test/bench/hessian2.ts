import { readFileSync } from "node:fs";
import * as hessian from "hessian.js";
import { Hessian2Reader } from "../../src/codecs/hessian2/reader.ts";
import { Skipper } from "../../src/codecs/hessian2/skip.ts";
import { encodeHessian2, Hessian2Writer } from "../../src/codecs/hessian2/writer.ts";
import { listValue, type Value } from "../../src/codecs/value.ts";
import type { CodecRow } from "./codec-numbers.ts";

/*
 * The Hessian2 codec beside hessian.js on bodies that a Dubbo 2.7.23 consumer and provider wrote, CPU time a body. Run as a bundle, as the
 * codec ships: hessian2.js RECORDING SLICES. Prints the rows as JSON.
 */

const SLICE_US = 5_000;
/** Slices that are not counted: the compiler is still at work. */
const WARM_UP = 4;

interface Body {
  readonly name: string;
  readonly bytes: Buffer;
  readonly values: number;
}

interface Recorded {
  readonly note: string;
  readonly dir: "c2s" | "s2c";
  readonly run: string;
  readonly hex: string;
}

function bodiesOf(file: string): Body[] {
  const rows = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Recorded);
  const recorded = (note: string, dir: Recorded["dir"], name: string, values: number): Body => {
    const row = rows.find((one) => one.note === note && one.dir === dir && one.run === "typed")!;
    return { name, bytes: Buffer.from(row.hex.slice(32), "hex"), values };
  };
  const request = recorded("createOrder", "c2s", "order, request", 7);
  const order = new Hessian2Reader().reset(request.bytes).readValues(7)[5]!;
  const orders = Array.from({ length: 100 }, () => structuredClone(order) as Value);
  return [
    request,
    recorded("createOrder", "s2c", "order, answer", 3),
    recorded("list", "s2c", "list of orders, answer", 3),
    recorded("fail", "s2c", "exception with its stack", 3),
    { name: "100 orders", bytes: encodeHessian2(listValue(orders)), values: 1 },
  ];
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** CPU ns of each act, the best slice of all, taken by turns: what the machine does beside it only makes a slice slower. */
function nanoseconds(acts: readonly (() => void)[], slices: number): number[] {
  const best = acts.map(() => Number.POSITIVE_INFINITY);
  for (let slice = 0; slice < WARM_UP + slices; slice++) {
    for (const [i, act] of acts.entries()) {
      const start = cpuUs();
      let runs = 0;
      let spent = 0;
      for (; spent < SLICE_US; spent = cpuUs() - start) for (let n = 0; n < 50; n++, runs++) act();
      if (slice >= WARM_UP) best[i] = Math.min(best[i]!, (spent * 1000) / runs);
    }
  }
  return best;
}

const [file, slices] = process.argv.slice(2);
const skipper = new Skipper();
const reader = new Hessian2Reader();
const rows = bodiesOf(file!).map(({ name, bytes, values }): CodecRow => {
  const tree = new Hessian2Reader().reset(bytes).readValues(values);
  const [readNs, skipNs, writeNs, otherNs] = nanoseconds(
    [
      () => reader.reset(bytes).readValues(values),
      () => skipper.reset(bytes).skipValues(values),
      () => {
        const writer = new Hessian2Writer();
        for (const value of tree) writer.writeValue(value);
        writer.takeOutput();
      },
      () => {
        const decoder = new hessian.DecoderV2(bytes);
        for (let i = 0; i < values; i++) decoder.read();
      },
    ],
    Number(slices),
  );
  return { name, bytes: bytes.length, readNs: readNs!, skipNs: skipNs!, writeNs: writeNs!, otherNs: otherNs! };
});
process.stdout.write(JSON.stringify(rows));

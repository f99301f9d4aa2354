import * as hessian from "hessian.js";
import { Hessian2Reader } from "../../src/codecs/hessian2/reader.ts";
import { Skipper } from "../../src/codecs/hessian2/skip.ts";
import { Hessian2Writer } from "../../src/codecs/hessian2/writer.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../src/codecs/value.ts";

/*
 * Primitives of the Hessian2 codec, ns a request body: `npx tsx test/bench/hessian2.ts`. To the attachments is what the proxy
 * does for a call that no rule looks into; hessian.js decodes the same body for comparison.
 */

const HEAD = ["2.0.2", "com.acme.OrderService", "1.0.0", "getOrder", "Ljava/lang/Object;"];
const ATTACHMENTS = mapValue([
  ["path", "com.acme.OrderService"],
  ["interface", "com.acme.OrderService"],
  ["version", "1.0.0"],
  ["timeout", "1000"],
  ["remote.application", "shop"],
]);

const ORDER = objectValue("com.acme.Order", [
  ["id", 1234567890123n],
  [
    "customer",
    objectValue("com.acme.Customer", [
      ["name", "Ann Example"],
      ["age", 42],
      ["email", "ann@example.com"],
    ]),
  ],
  ["price", objectValue("java.math.BigDecimal", [["value", "12.34"]])],
  [
    "items",
    listValue(
      [1, 2, 3].map((i) =>
        objectValue("com.acme.Item", [
          ["sku", `sku-${i}`],
          ["quantity", i],
          ["weight", doubleValue(1.25)],
        ]),
      ),
    ),
  ],
  ["created", dateValue(1700000000123)],
  ["status", objectValue("com.acme.Status", [["name", "OPEN"]])],
]);

const BODIES: readonly (readonly [name: string, argument: Value])[] = [
  ["128-byte string", "x".repeat(128)],
  ["order", ORDER],
  ["4 KB string", "x".repeat(4096)],
  ["4 KB of Chinese", "\u4e2d".repeat(1365)],
  ["64 KB string", "x".repeat(65_536)],
  [
    "int[1000]",
    listValue(
      Array.from({ length: 1000 }, (_, i) => i * 7),
      "[int",
    ),
  ],
];

/** The best of nine rounds: what the machine does beside it only makes a round slower. */
function nanoseconds(act: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const start = process.hrtime.bigint();
    let runs = 0;
    while (process.hrtime.bigint() - start < 20_000_000n) for (let i = 0; i < 100; i++, runs++) act();
    const each = Number(process.hrtime.bigint() - start) / runs;
    if (round > 0) best = Math.min(best, each);
  }
  return Math.round(best);
}

const skipper = new Skipper();
const reader = new Hessian2Reader();
const rows = BODIES.map(([name, argument]) => {
  const write = (): Buffer => {
    const writer = new Hessian2Writer();
    for (const text of HEAD) writer.writeString(text);
    return writer.writeValue(argument).writeValue(ATTACHMENTS).takeOutput();
  };
  const body = write();
  const head = (): void => {
    skipper.reset(body, 0, body.length);
    skipper.skipString();
    for (let i = 0; i < 4; i++) skipper.readStringRange();
    skipper.skipValues(1);
  };
  return {
    body: name,
    bytes: body.length,
    "to attachments": nanoseconds(head),
    "all skipped": nanoseconds(() => skipper.reset(body, 0, body.length).skipValues(7)),
    read: nanoseconds(() => reader.reset(body).readValues(7)),
    write: nanoseconds(write),
    "hessian.js reads": nanoseconds(() => {
      const decoder = new hessian.DecoderV2(body);
      for (let i = 0; i < 7; i++) decoder.read();
    }),
  };
});
console.table(rows);

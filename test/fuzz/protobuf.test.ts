import { create, fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect, test } from "vitest";
import { CallError, ProtocolError } from "../../src/base/errors.ts";
import { jsonArguments, parseQuery } from "../../src/codecs/java-arguments.ts";
import { compileJava } from "../../src/codecs/java-schema.ts";
import { parseJavaType } from "../../src/codecs/java-types.ts";
import { parseJson } from "../../src/codecs/json-text.ts";
import { decodeMessage } from "../../src/codecs/protobuf/decode.ts";
import { javaToMessage } from "../../src/codecs/protobuf/from-java.ts";
import { JavaBuilder } from "../../src/codecs/protobuf/to-java.ts";
import {
  dateValue,
  doubleValue,
  floatValue,
  listValue,
  mapValue,
  objectValue,
  type Value,
} from "../../src/codecs/value.ts";
import fc from "../support/fast-check.ts";
import { mutate, seeded } from "../support/mutate.ts";
import { ordersJava, ordersMessage } from "../support/proto-fixtures.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 300);
const java = compileJava(ordersJava);
const names = [
  "Order",
  "Kinds",
  "OrdersByKeyReply",
  "OrderList",
  "LongKeys",
  "At",
  "Status",
  "MaybeLong",
  "Blob",
  "Ints",
];
const types = [
  undefined,
  "com.acme.Order",
  "long",
  "java.util.Map<java.lang.String,java.lang.Long>",
  "java.util.Date",
  "java.lang.String",
];

/** Runs; anything but an ordinary end or a refusal with a text fails the test. */
function onlyRefusals(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof CallError)) throw error;
    expect(error.message).not.toBe("");
  }
}

const seeds: readonly (readonly [string, JsonValue])[] = [
  [
    "Order",
    {
      id: "7",
      customer: { name: "Zoë", tags: { a: "1" } },
      status: 1,
      created: "2026-11-21T19:30:00Z",
      lines: [{ quantity: 2 }],
    },
  ],
  [
    "Kinds",
    {
      span: "1.5s",
      plain: { a: [1, "b", null] },
      large: "5",
      text: "t",
      inner: { number: 1 },
      states: { true: 1 },
      points: ["2026-11-21T19:30:00Z"],
    },
  ],
  ["OrdersByKeyReply", { orders: { k: { id: "7" } } }],
];
const corpus = seeds.map(([name, json]) =>
  Buffer.from(toBinary(ordersMessage(name), fromJson(ordersMessage(name), json))),
);

test("mutated messages are Java's values or refused, and what Java's values are is read again", () => {
  const below = seeded(20_261_121);
  for (let run = 0; run < RUNS * 20; run++) {
    const bytes = mutate(corpus[below(corpus.length)]!, corpus, [0x0a, 0x12, 0x08, 0x80, 0xff, 0x3a], below);
    const desc = ordersMessage(names[below(names.length)]!);
    const type = types[below(types.length)];
    onlyRefusals(() => {
      const message = reflect(desc, decodeMessage(desc, bytes));
      const options = {
        java: below(2) === 0 ? java : undefined,
        beans: below(2) === 0 ? "maps" : "objects",
        defaults: below(2) === 0,
      } as const;
      const value = new JavaBuilder(options).message(message, type === undefined ? undefined : parseJavaType(type));
      const again = toBinary(desc, javaToMessage(desc, value));
      fromBinary(desc, again);
    });
  }
});

const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(null, true, false, "", "PAID", "x", "1.5", "PT1S", "2026-11-21T19:30:00Z"),
  fc.maxSafeInteger().map((n) => n | 0),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.double().map(doubleValue),
  fc.float().map(floatValue),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map(dateValue),
  fc.uint8Array({ maxLength: 4 }),
  fc.string({ maxLength: 5, unit: "binary" }),
);
const properties = fc.constantFrom(
  "id",
  "customer",
  "status",
  "total",
  "created",
  "lines",
  "orders",
  "tags",
  "value",
  "entries",
  "inner",
  "plain",
  "span",
  "text",
  "number",
  "states",
  "points",
  "class",
  "large",
  "boxed",
);
const { tree } = fc.letrec<{ tree: Value }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    scalars,
    fc.array(tie("tree"), { maxLength: 3 }).map((items) => listValue(items)),
    fc
      .array(fc.tuple(properties as fc.Arbitrary<Value>, tie("tree")), { maxLength: 4 })
      .map((entries) => mapValue(entries)),
    fc
      .array(fc.tuple(properties, tie("tree")), { maxLength: 4 })
      .map((fields) => objectValue("com.acme.Order", fields)),
  ),
}));

test("any value of Java's is a message or refused", () => {
  fc.assert(
    fc.property(tree, fc.constantFrom(...names), (value, name) => {
      const desc = ordersMessage(name);
      onlyRefusals(() => void fromBinary(desc, toBinary(desc, javaToMessage(desc, value))));
    }),
    { numRuns: RUNS * 5 },
  );
});

test("any JSON, and any query, is arguments or refused", () => {
  const methods = ["createOrder", "find", "echoMap", "echoInts", "echoDate", "echoDecimal", "echoBytes", "whoAmI"];
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 4 }),
      fc.string({ maxLength: 30 }),
      fc.constantFrom(...methods),
      (text, query, method) => {
        onlyRefusals(
          () => void jsonArguments(java, method, { signature: undefined, body: parseJson(text), query: [] }),
        );
        onlyRefusals(
          () => void jsonArguments(java, method, { signature: undefined, body: undefined, query: parseQuery(query) }),
        );
      },
    ),
    { numRuns: RUNS * 5 },
  );
});

test("an empty message of each type goes there and back", () => {
  for (const name of names) {
    const desc = ordersMessage(name);
    const value = new JavaBuilder({ java, beans: "maps", defaults: true }).message(reflect(desc, create(desc)));
    expect(javaToMessage(desc, value).$typeName).toBe(desc.typeName);
  }
});

import { expect, test } from "vitest";
import { decodeFastjson2 } from "../../src/codecs/fastjson2/reader.ts";
import { encodeFastjson2 } from "../../src/codecs/fastjson2/writer.ts";
import { exceptionValue } from "../../src/codecs/hessian2/throwable.ts";
import { listValue, mapValue, objectValue } from "../../src/codecs/value.ts";
import { seenByFastjson2, writtenByFastjson2 } from "../support/fastjson2-peer.ts";
import { fastjson2Vectors } from "../support/fastjson2-vectors.ts";

// Values that are written back as another kind: what Java sees then.
const OTHERWISE: Readonly<Record<string, string>> = {
  short: "java.lang.Integer -300",
  byte: "java.lang.Integer -5",
  "char[]": "java.lang.String ab",
  ZonedDateTime: "java.lang.String 2024-02-29T07:05:09.000000001[Asia/Shanghai]",
};

test("fastjson2 still writes the recorded values", async () => {
  const lines = (await writtenByFastjson2()).trimEnd().split("\n");
  const written = lines.map((line) => JSON.parse(line) as { name: string; hex: string });
  expect(written.map(({ name, hex }) => [name, hex])).toEqual(fastjson2Vectors().map(({ name, hex }) => [name, hex]));
});

test("fastjson2 sees in what we write of each value what it sees in its own bytes", async () => {
  const vectors = fastjson2Vectors();
  const seen = await seenByFastjson2(
    vectors.map(({ hex }) => encodeFastjson2(decodeFastjson2(Buffer.from(hex, "hex")))),
  );
  expect(vectors.map(({ name }, i) => `${name}: ${seen[i]}`)).toEqual(
    vectors.map((vector) => `${vector.name}: ${OTHERWISE[vector.name] ?? vector.seen}`),
  );
});

test("fastjson2 reads values made here", async () => {
  const shared = listValue(["x"]);
  const map = mapValue([
    ["a.b", shared],
    ["c", shared],
    ["self", null],
  ]);
  map.entries[2]![1] = map;
  const made = [
    ["java.lang.String \ud800x", "\ud800x"],
    [
      "java.util.HashMap{java.lang.String c=java.util.ArrayList[java.lang.String x;];java.lang.String a.b=#1;java.lang.String self=#0;}",
      map,
    ],
    [
      "com.acme.wire.Types$Address(Address.city:java.lang.String Berlin;Address.zip:java.lang.Integer 10115;)",
      objectValue("com.acme.wire.Types$Address", [
        ["city", "Berlin"],
        ["zip", 10115],
      ]),
    ],
  ] as const;
  const seen = await seenByFastjson2(
    [...made.map(([, value]) => value), exceptionValue("denied")].map((v) => encodeFastjson2(v)),
  );
  expect(seen.slice(0, -1)).toEqual(made.map(([text]) => text));
  expect(seen.at(-1)).toMatch(/^java\.lang\.RuntimeException\(.*Throwable\.detailMessage:java\.lang\.String denied;/);
});

import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { jsonToValue } from "../../src/codecs/hessian2/from-json.ts";
import { decodeHessian2, Hessian2Reader } from "../../src/codecs/hessian2/reader.ts";
import { exceptionValue } from "../../src/codecs/hessian2/throwable.ts";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { parseJson } from "../../src/codecs/json-text.ts";
import { seenByJava, writtenByJava } from "../support/hessian-peer.ts";
import { hessianVectors, RECORDINGS } from "../support/hessian-vectors.ts";
import { mutate, seeded } from "../support/mutate.ts";

/** [Java type that the JSON is given for, JSON, what Java sees when it reads the bytes without knowing a type]. */
const BY_TYPE: readonly (readonly [type: string, json: string, seen: string])[] = [
  ["J", "42", "java.lang.Long 42"],
  ["Ljava/lang/Long;", "9007199254740993", "java.lang.Long 9007199254740993"],
  ["long", '"-9223372036854775808"', "java.lang.Long -9223372036854775808"],
  ["I", "42", "java.lang.Integer 42"],
  ["D", "42", "java.lang.Double 42.0"],
  ["double", '"NaN"', "java.lang.Double NaN"],
  ["Ljava/lang/Float;", "1.1", "java.lang.Double 1.1"],
  ["Z", "true", "java.lang.Boolean true"],
  ["C", '"x"', "java.lang.String x"],
  ["Ljava/lang/String;", '"\u4e2d \ud83d\ude00"', "java.lang.String \u4e2d \ud83d\ude00"],
  ["java.math.BigDecimal", "1.10", "java.math.BigDecimal 1.10"],
  ["java.math.BigInteger", "-18446744073709551616", "java.math.BigInteger -18446744073709551616"],
  ["java.math.BigInteger", "0", "java.math.BigInteger 0"],
  ["java.util.Date", '"2023-11-14T22:13:20.123Z"', "java.util.Date 1700000000123"],
  ["java.sql.Timestamp", "1700000000123", "java.sql.Timestamp 1700000000123"],
  ["java.util.UUID", '"00112233-4455-6677-8899-aabbccddeeff"', "java.util.UUID 00112233-4455-6677-8899-aabbccddeeff"],
  ["java.net.URI", '"dubbo://h:1/a"', "java.net.URI dubbo://h:1/a"],
  ["java.lang.Class", '"java.lang.String"', "java.lang.Class class java.lang.String"],
  ["java.util.Locale", '"zh-CN"', "java.util.Locale zh_CN"],
  ["com.acme.wire.Types$Color", '"RED"', "com.acme.wire.Types$Color RED"],
  ["java.time.LocalDate", '"2024-02-29"', "java.time.LocalDate 2024-02-29"],
  ["java.time.LocalTime", '"07:05:00.5"', "java.time.LocalTime 07:05:00.500"],
  ["java.time.LocalDateTime", '"2024-02-29T07:05"', "java.time.LocalDateTime 2024-02-29T07:05"],
  ["java.time.Instant", '"2023-11-14T22:13:20.5Z"', "java.time.Instant 2023-11-14T22:13:20.500Z"],
  ["java.time.Duration", '"-PT1H30.5S"', "java.time.Duration PT-1H-30.5S"],
  ["java.time.Period", '"P1Y-2M3D"', "java.time.Period P1Y-2M3D"],
  ["java.time.Year", '"2024"', "java.time.Year 2024"],
  ["java.time.YearMonth", '"2024-05"', "java.time.YearMonth 2024-05"],
  ["java.time.MonthDay", '"--02-29"', "java.time.MonthDay --02-29"],
  ["java.time.ZoneOffset", '"-01:15:21"', "java.time.ZoneOffset -01:15:21"],
  ["java.time.OffsetTime", '"07:05-05:00"', "java.time.OffsetTime 07:05-05:00"],
  ["java.time.OffsetDateTime", '"2024-02-29T07:05+08:00"', "java.time.OffsetDateTime 2024-02-29T07:05+08:00"],
  [
    "java.time.ZonedDateTime",
    '"2024-02-29T07:05+08:00[Asia/Shanghai]"',
    "java.time.ZonedDateTime 2024-02-29T07:05+08:00[Asia/Shanghai]",
  ],
  ["java.time.ZoneId", '"Europe/Berlin"', "java.time.ZoneRegion Europe/Berlin"],
  ["java.time.DayOfWeek", '"MONDAY"', "java.time.DayOfWeek MONDAY"],
  ["[B", '"AQID"', "byte[] AQID"],
  ["byte[]", "[1,2,-1]", "byte[] AQL/"],
  ["[I", "[1,2]", "[I[java.lang.Integer 1;java.lang.Integer 2;]"],
  ["[[J", "[[1],[]]", "[[J[[J[java.lang.Long 1;];[J[];]"],
  ["[Ljava/lang/String;", '["a",null]', "[Ljava.lang.String;[java.lang.String a;null;]"],
  ["[Ljava/lang/Object;", '["a",1]', "[Ljava.lang.Object;[java.lang.String a;java.lang.Integer 1;]"],
  ["[Ljava/util/Date;", "[5]", "[Ljava.util.Date;[java.util.Date 5;]"],
  ["com.acme.wire.Types$Color[]", '["RED"]', "[Lcom.acme.wire.Types$Color;[com.acme.wire.Types$Color RED;]"],
  ["Ljava/util/List;", "[1,2.0]", "java.util.ArrayList[java.lang.Integer 1;java.lang.Double 2.0;]"],
  ["java.util.List<java.lang.Long>", "[1]", "java.util.ArrayList[java.lang.Long 1;]"],
  ["java.util.Set", '["a"]', "java.util.HashSet[java.lang.String a;]"],
  ["java.util.Queue", "[1]", "java.util.LinkedList[java.lang.Integer 1;]"],
  ["java.util.Map", '{"a":1}', "java.util.HashMap{java.lang.String a=java.lang.Integer 1;}"],
  [
    "java.util.Map<java.lang.Long,java.lang.Double>",
    '{"7":1}',
    "java.util.HashMap{java.lang.Long 7=java.lang.Double 1.0;}",
  ],
  ["java.util.TreeMap", '[["a",1]]', "java.util.TreeMap{java.lang.String a=java.lang.Integer 1;}"],
  [
    "com.acme.wire.Types$Address",
    '{"city":"Berlin","zip":10115}',
    "com.acme.wire.Types$Address(Address.city:java.lang.String Berlin;Address.zip:java.lang.Integer 10115;)",
  ],
  [
    "java.lang.Object",
    '{"class":"com.acme.wire.Types$Address","city":"Berlin","zip":10115}',
    "com.acme.wire.Types$Address(Address.city:java.lang.String Berlin;Address.zip:java.lang.Integer 10115;)",
  ],
  [
    "java.lang.Object",
    "[1,3000000000,1e3,null]",
    "java.util.ArrayList[java.lang.Integer 1;java.lang.Long 3000000000;java.lang.Double 1000.0;null;]",
  ],
];

describe.each(RECORDINGS)("hessian-lite %s", (recording) => {
  const vectors = hessianVectors(recording);

  test("still writes the recorded vectors", async () => {
    const lines = (await writtenByJava(recording)).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(vectors.map((vector) => vector.name));
    expect(lines.map((line) => JSON.parse(line).hex)).toEqual(vectors.map((vector) => vector.hex));
  });

  test.each(["plain", "java", "exact"] as const)(
    "reads every value written again in %s forms as it was",
    async (forms) => {
      const bodies = vectors.map((vector) => encodeHessian2(decodeHessian2(Buffer.from(vector.hex, "hex")), { forms }));
      const seen = await seenByJava(recording, bodies);
      const rows = vectors.map((vector, i) => `${vector.name}: ${seen[i]}`);
      expect(rows).toEqual(vectors.map((vector) => `${vector.name}: ${vector.seen}`));
    },
  );
});

describe.each(["3.2.13", "4.0.4"] as const)("hessian-lite %s", (version) => {
  test("reads values made from JSON as the types that were asked for", async () => {
    const bodies = BY_TYPE.map(([type, json]) => encodeHessian2(jsonToValue(parseJson(json), type)));
    const seen = await seenByJava(version, bodies);
    expect(BY_TYPE.map(([type, json], i) => [type, json, seen[i]])).toEqual(BY_TYPE);
  });

  test("sees in a mutant, wherever we read it, what it sees in what we write of it", async () => {
    const corpus = hessianVectors(version)
      .map((vector) => Buffer.from(vector.hex, "hex"))
      .filter((bytes) => bytes.length > 1 && bytes.length < 1_500);
    const below = seeded(7);
    const mutants: Buffer[] = [];
    const written: Buffer[] = [];
    for (let run = 0; run < 12_000; run++) {
      const mutant = mutate(corpus[below(corpus.length)]!, corpus, [0x43, 0x48, 0x51, 0x52, 0x5a, 0x60, 0x79], below);
      try {
        const value = new Hessian2Reader().reset(mutant).readValue();
        written.push(encodeHessian2(value, { forms: "java" }));
        mutants.push(mutant);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
    expect(mutants.length).toBeGreaterThan(2_000);
    const [before, after] = [await seenByJava(version, mutants), await seenByJava(version, written)];
    // Values that Java itself can't make (a broken date, an unknown enum) fail with words of their own on both sides, and
    // the order of a HashMap whose keys are enums is another in every run.
    const shown = (text: string): string =>
      text.startsWith("!")
        ? "!"
        : text
            .split(/[;(){}[\]]/)
            .sort()
            .join(";");
    const differing = mutants.flatMap((mutant, i) =>
      shown(before[i]!) === shown(after[i]!) ? [] : [`${mutant.toString("hex")}: ${before[i]} | ${after[i]}`],
    );
    expect(differing).toEqual([]);
  });

  test("makes a throwable of the smallest exception", async () => {
    const [seen] = await seenByJava(version, [encodeHessian2(exceptionValue("trestle: denied"))]);
    expect(seen).toMatch(
      /^java\.lang\.RuntimeException\(.*Throwable\.detailMessage:java\.lang\.String trestle: denied;/,
    );
  });

  test("reads emoji, lone surrogates and strings of several chunks", async () => {
    const texts = ["\ud83d\ude00".repeat(40), "a\ud800b\udc00", "\ud83d\ude00".repeat(70), "\u4e2d".repeat(200)];
    const long = "x".repeat(32767) + "\ud83d\ude00" + "y".repeat(40_000);
    const seen = await seenByJava(
      version,
      [...texts, long].map((text) => encodeHessian2(text)),
    );
    expect(seen.slice(0, -1)).toEqual(texts.map((text) => `java.lang.String ${text}`));
    let hash = 0;
    for (let i = 0; i < long.length; i++) hash = (Math.imul(31, hash) + long.charCodeAt(i)) | 0;
    expect(seen.at(-1)).toBe(`java.lang.String ${long.length} units, hash ${hash}`);
  });
});

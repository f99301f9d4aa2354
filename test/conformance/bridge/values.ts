/**
 * The values of the list, in one neutral form whatever a caller speaks: a long is a bigint, a BigDecimal its text, an enum its name,
 * a Date a Date, a Set a Set, bytes a Buffer, an object its properties. The names are those of the rows of peer.Suite (fixtures/peers/dubbo), which
 * has the same values as Java's own.
 */
export interface ValueCase {
  readonly name: string;
  readonly method: string;
  readonly value: unknown;
  /** A .proto file's message of this method cannot say it. */
  readonly notInProto?: true;
}

/** Bytes as Samples.bytes of the Java programs makes them. */
export function sampleBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

/** Text as Samples.text makes it: ASCII, two-byte, three-byte and surrogate pairs mixed. */
function sampleText(length: number): string {
  const parts = ["abc", "éß", "中文", "🚀", "👨‍👩"];
  let text = "";
  for (let i = 0; text.length < length; i++) text += parts[i % parts.length]! + i;
  return text;
}

/** An order in neutral form. */
export interface NeutralOrder {
  readonly id: bigint;
  readonly customer: {
    readonly name: string;
    readonly age: number;
    readonly vip: boolean;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly status: string;
  readonly total: string;
  readonly created: Date;
  readonly signature: Buffer;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly price: string }[];
  readonly note: string | null;
  readonly servedBy: string | null;
}

/** The order that all peers make for an id. */
export function sampleOrder(id: number, servedBy: string | null): NeutralOrder {
  return {
    id: BigInt(id),
    customer: { name: "Zoë 🚀 中文", age: id % 100, vip: id % 2 === 0, tags: { tier: "gold", région: "北" } },
    status: ["NEW", "PAID", "SHIPPED", "CANCELLED"][id % 4]!,
    total: "12345678901234567890.123400",
    created: new Date(1_700_000_000_123 + id),
    signature: Buffer.from([0, 1, 255, 127, 128, 0x4e]),
    lines: [
      { sku: `sku-${id}`, quantity: 3, price: "9.90" },
      { sku: `sku-${id + 1}`, quantity: -1, price: "-0.01" },
    ],
    note: id % 3 === 0 ? null : `note ${id}`,
    servedBy,
  };
}

const ints = [0, -16, 47, 48, -17, -2048, 2047, 2048, -262144, 262143, 262144, -2147483648, 2147483647];
const longs = [
  0n,
  -8n,
  15n,
  16n,
  -2048n,
  2047n,
  2048n,
  -262144n,
  262143n,
  2147483648n,
  -2147483649n,
  9007199254740993n,
  -9223372036854775808n,
  9223372036854775807n,
];
/** As Java prints them. */
const doubles: readonly (readonly [string, number])[] = [
  ["0.0", 0],
  ["1.0", 1],
  ["-1.0", -1],
  ["127.0", 127],
  ["-128.0", -128],
  ["32767.0", 32767],
  ["12.25", 12.25],
  ["0.001", 0.001],
  ["65.536", 65.536],
  ["1.0E300", 1e300],
  ["3.141592653589793", Math.PI],
  ["4.9E-324", 5e-324],
  ["-0.0", -0],
  ["NaN", Number.NaN],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];
const emoji = "a🚀é中👨‍👩";

/** Every value that goes there and comes back, each by the method that echoes its type. */
export const echoes: readonly ValueCase[] = [
  { name: "boolean", method: "echoBoolean", value: true },
  { name: "byte", method: "echoByte", value: -128 },
  { name: "short", method: "echoShort", value: -32768 },
  ...ints.map((value) => ({ name: `int ${value}`, method: "echoInt", value })),
  ...longs.map((value) => ({ name: `long ${value}`, method: "echoLong", value })),
  { name: "float", method: "echoFloat", value: Math.fround(1.1) },
  ...doubles.map(([text, value]) => ({ name: `double ${text}`, method: "echoDouble", value })),
  { name: "char", method: "echoChar", value: "中" },
  { name: "boxed Boolean", method: "echoBoxedBoolean", value: false },
  { name: "boxed Byte", method: "echoBoxedByte", value: 7 },
  { name: "boxed Short", method: "echoBoxedShort", value: 300 },
  { name: "boxed Integer", method: "echoBoxedInt", value: 70000 },
  { name: "boxed Long", method: "echoBoxedLong", value: 1099511627776n },
  { name: "boxed Float", method: "echoBoxedFloat", value: -2.5 },
  { name: "boxed Double", method: "echoBoxedDouble", value: 1e-7 },
  { name: "boxed Character", method: "echoBoxedChar", value: "x" },
  { name: "null Integer", method: "echoBoxedInt", value: null },
  { name: "null Long", method: "echoBoxedLong", value: null },
  { name: "empty string", method: "echoString", value: "" },
  { name: "null string", method: "echoString", value: null, notInProto: true },
  { name: "emoji string", method: "echoString", value: emoji },
  ...[31, 32, 1023, 1024, 32767, 32768, 32769, 65535, 66560].map((length) => ({
    name: `string of ${length}`,
    method: "echoString",
    value: sampleText(length),
  })),
  ...[0, 15, 16, 1023, 1024, 65536].map((size) => ({
    name: `byte[${size}]`,
    method: "echoBytes",
    value: sampleBytes(size),
  })),
  { name: "int[]", method: "echoInts", value: [1, -1, 1 << 30] },
  { name: "String[]", method: "echoStrings", value: ["a", null, "é"], notInProto: true },
  { name: "BigDecimal", method: "echoDecimal", value: "-0.000012300" },
  { name: "Date", method: "echoDate", value: new Date(1_234_567_890_123) },
  { name: "Date of a whole minute", method: "echoDate", value: new Date(60_000 * 27_000_000) },
  {
    name: "java.time",
    method: "echoTimes",
    value: {
      date: new Date(1_234_567_890_123),
      day: "2024-02-29",
      time: "23:59:58.123",
      dateTime: "1999-12-31T23:59:59.987654321",
      instant: "2020-09-13T12:26:40.000005Z",
    },
  },
  { name: "enum", method: "echoStatus", value: "SHIPPED" },
  { name: "null enum", method: "echoStatus", value: null, notInProto: true },
  { name: "null object", method: "echoObject", value: null },
  { name: "empty list", method: "echoList", value: [] },
  { name: "set", method: "echoSet", value: new Set(["a", "b", "é"]) },
  { name: "map", method: "echoMap", value: { a: 1, b: null, nested: { k: [1, 2] } }, notInProto: true },
  { name: "map with Long keys", method: "echoLongKeys", value: { 1: "one", 1099511627776: "big" }, notInProto: true },
];

/** What com.acme.Kinds has when only one field is said. */
const noKinds: Readonly<Record<string, null>> = {
  bigInteger: null,
  uuid: null,
  locale: null,
  calendar: null,
  enumSet: null,
  bitSet: null,
  chars: null,
  timestamp: null,
  sqlDate: null,
  slot: null,
  optional: null,
  atomic: null,
  uri: null,
  file: null,
  type: null,
  duration: null,
  period: null,
  year: null,
  yearMonth: null,
  monthDay: null,
  offsetTime: null,
  offsetDateTime: null,
  zonedDateTime: null,
  zoneOffset: null,
  zoneId: null,
  grid: null,
  table: null,
  linked: null,
  sorted: null,
};

/** Each field of com.acme.Kinds by itself, as the JSON that docs/bridging.md names has it. */
export const kinds: readonly ValueCase[] = (
  [
    ["BigInteger", "bigInteger", "-123456789012345678901234567890"],
    ["UUID", "uuid", "0e984725-c51c-4bf4-9960-e1c80e27aba0"],
    ["Locale", "locale", "zh-CN"],
    ["Calendar", "calendar", "2009-02-13T23:31:30.123Z"],
    ["EnumSet", "enumSet", ["NEW", "SHIPPED"]],
    ["BitSet", "bitSet", [0, 5, 63, 64, 130]],
    ["char[]", "chars", "a中é"],
    ["Timestamp", "timestamp", "2009-02-13T23:31:30.123Z"],
    ["java.sql.Date", "sqlDate", "2009-02-13T23:31:30.123Z"],
    ["Optional", "optional", "some"],
    ["AtomicInteger", "atomic", 7],
    ["URI", "uri", "http://acme.com/a?b=c"],
    ["File", "file", "/srv/orders"],
    ["Class", "type", "com.acme.OrderStatus"],
    ["Duration", "duration", "PT1H2M3.005S"],
    ["Period", "period", "P1Y2M3D"],
    ["Year", "year", "2024"],
    ["YearMonth", "yearMonth", "2024-02"],
    ["MonthDay", "monthDay", "--02-29"],
    ["OffsetTime", "offsetTime", "23:59:58.123+08:00"],
    ["OffsetDateTime", "offsetDateTime", "2024-02-29T23:59:58.123456789-05:30"],
    ["ZonedDateTime", "zonedDateTime", "2024-02-29T23:59:58+08:00[Asia/Shanghai]"],
    ["ZoneOffset", "zoneOffset", "+08:00"],
    ["ZoneId", "zoneId", "Europe/Berlin"],
    ["int[][]", "grid", [[1, -1], [], [1 << 30]]],
    ["String[][]", "table", [["a", null], ["é"]]],
    ["LinkedList", "linked", ["a", "b"]],
    ["TreeMap", "sorted", { a: 1, b: 2 }],
  ] as const
).map(([name, field, value]) => ({ name, method: "echoKinds", value: { ...noKinds, [field]: value } }));

/** Rows of peer.Suite whose values only Java can make and tell. */
export const javaOnly: Readonly<Record<string, string>> = {
  cycle: "echoNode",
  "object that is a Timestamp": "echoKinds",
  "object that is a UUID": "echoKinds",
  "graph of 300": "echoNode",
  "object that is a Long": "echoObject",
  "object that is an enum": "echoObject",
  "object that is an Order": "echoObject",
  "list of mixed": "echoList",
  "one-way": "note",
  "asynchronous calls": "getOrder",
  "no attachment of the call before": "attachments",
  "generic with a long": "getOrder",
  "generic with a POJO as a map": "createOrder",
  "generic exception": "fail",
  "generic without arguments": "whoAmI",
  "1 MB body": "echoBytes",
};

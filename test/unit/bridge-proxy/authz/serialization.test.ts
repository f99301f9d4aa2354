import { describe, expect, test } from "vitest";
import { SerializationCheck } from "../../../../src/bridge-proxy/authz/serialization.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { Fastjson2Head } from "../../../../src/codecs/dubbo2/fastjson2-head.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { GENERIC_DESCRIPTOR, RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { listValue, mapValue, type ObjectValue, type Value } from "../../../../src/codecs/value.ts";
import type { SerializationGuardConfig } from "../../../../src/codecs/xds/serialization-guard.ts";
import { compileSerializationGuard, DENIED_CLASSES } from "../../../../src/control/compile/serialization-guard.ts";

const objectOf = (name: string, fields: Record<string, Value> = {}): ObjectValue => ({
  type: "object",
  shape: { name, fields: Object.keys(fields) },
  values: Object.values(fields),
});
const generic = (...values: Value[]) => ({
  method: "$invoke",
  descriptor: GENERIC_DESCRIPTOR,
  args: ["find", listValue([]), listValue(values)],
});

interface Asked {
  readonly method?: string;
  readonly descriptor?: string;
  readonly args?: readonly Value[];
  readonly attachments?: Record<string, Value>;
  readonly tail?: string;
}

function faultOf(
  config: Partial<SerializationGuardConfig>,
  { method = "save", descriptor = "Ljava/lang/Object;", args = [null], attachments = {}, tail = "" }: Asked,
): string | undefined {
  const parts = { idHigh: 1, idLow: 2, twoWay: true, interface: "com.acme.A", group: "", version: "" };
  const frame = Buffer.concat([
    encodeRequest({ ...parts, method, descriptor, args, attachments }),
    Buffer.from(tail, "hex"),
  ]);
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return new SerializationCheck({ deny: DENIED_CLASSES, allow: [], ...config }).faultOf(head);
}

// Harmless stand-ins: the classes that the reports name, as our own codec writes them, with nothing in them.
describe("the published forms are refused:", () => {
  const rows: [string, Asked, RegExp][] = [
    [
      "CVE-2020-1948, a map whose key is a gadget of rome",
      { args: [mapValue([[objectOf("com.rometools.rome.feed.impl.EqualsBean", { obj: null }), 1]])] },
      /rometools/,
    ],
    [
      "CVE-2020-11995, the same in an attachment",
      { attachments: { x: objectOf("com.sun.syndication.feed.impl.ToStringBean") } },
      /syndication/,
    ],
    [
      "CVE-2021-43297, an object that is printed in an error",
      { args: [objectOf("org.apache.xbean.naming.context.ContextUtil$ReadOnlyBinding")] },
      /xbean/,
    ],
    [
      "CVE-2021-30179, a generic call in Java's own serialization",
      { ...generic(new Uint8Array([0xac, 0xed])), attachments: { generic: "nativejava" } },
      /nativejava/,
    ],
    [
      "CVE-2021-30179, the same in other letters, which Java takes for these",
      { ...generic(new Uint8Array([0xac, 0xed])), attachments: { generic: "NativeJava" } },
      /NativeJava/,
    ],
    [
      "CVE-2021-30179, the same with a dotless i",
      { ...generic(new Uint8Array([0xac, 0xed])), attachments: { generic: "nat\u0131vejava" } },
      /are refused/,
    ],
    ["a generic call of a form that nobody knows", { ...generic("x"), attachments: { generic: "xml" } }, /xml/],
    [
      "CVE-2021-30179, a generic call that is raw",
      { ...generic(mapValue([])), attachments: { generic: "raw.return" } },
      /raw\.return/,
    ],
    [
      "CVE-2021-30179, a descriptor of a bean",
      generic(
        objectOf("org.apache.dubbo.common.beanutil.JavaBeanDescriptor", { className: "javax.naming.InitialContext" }),
      ),
      /javax\.naming/,
    ],
    [
      "CVE-2021-30179, a descriptor of a bean that is written as a map",
      generic(
        mapValue([["className", "javax.naming.InitialContext"]], "org.apache.dubbo.common.beanutil.JavaBeanDescriptor"),
      ),
      /javax\.naming/,
    ],
    [
      "CVE-2023-23638, a class that a generic call names",
      generic(mapValue([["class", "java.lang.ProcessBuilder"]])),
      /ProcessBuilder/,
    ],
    [
      "CVE-2023-23638, Dubbo's own configuration",
      generic(mapValue([["a", mapValue([["class", "org.apache.dubbo.config.ConsumerConfig"]])]])),
      /dubbo\.config/,
    ],
    [
      "CVE-2022-39198, a sun.* class in a typed map",
      { args: [{ type: "map", className: "sun.print.UnixPrintServiceLookup", entries: [] }] },
      /sun\.print/,
    ],
    [
      "an array of a denied class",
      { args: [{ type: "list", className: "[javax.naming.Reference", items: [] }] },
      /javax\.naming/,
    ],
    [
      "an array of arrays as the JVM names it",
      { args: [{ type: "list", className: "[[Ljavax.naming.Reference;", items: [] }] },
      /javax\.naming/,
    ],
    [
      "a class among the parameter types, of a map that names none",
      { descriptor: "ILcom/sun/rowset/JdbcRowSetImpl;", args: [1, mapValue([["dataSourceName", "x"]])] },
      /com\.sun\.rowset/,
    ],
    ["an array of it among them", { descriptor: "[[Ljavax.naming.Reference;", args: [listValue([])] }, /javax\.naming/],
    ["bytes behind the attachments", { tail: "4e4e43" }, /behind its attachments|can't be read/],
  ];
  test.each(rows)("%s", (_, asked, expected) => {
    expect(faultOf({}, asked)).toMatch(expected);
  });
});

describe("fastjson2:", () => {
  const fault = (config: Partial<SerializationGuardConfig>, descriptor: string, ...values: readonly Value[]) => {
    const method = descriptor === GENERIC_DESCRIPTOR ? "$invoke" : "save";
    const parts = ["2.0.2", "com.acme.A", "0.0.0", method, descriptor, ...values].map((value) =>
      encodeFastjson2(value),
    );
    const body = Buffer.concat(
      parts.flatMap((part) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(part.length);
        return [length, part];
      }),
    );
    const head = new Fastjson2Head();
    head.scan(body, 0, body.length);
    return new SerializationCheck({ deny: DENIED_CLASSES, allow: [], ...config }).faultOf(head);
  };
  const ONE = "Ljava/lang/Object;";
  const gadget = objectOf("com.rometools.rome.feed.impl.EqualsBean", { obj: null });
  const order = objectOf("com.acme.Order", { id: 7n });

  const refused: [string, string | undefined][] = [
    ["an argument", fault({}, ONE, listValue([gadget]), mapValue([]))],
    ["an attachment", fault({}, ONE, order, mapValue([["x", gadget]]))],
    ["attachments that are an object", fault({}, ONE, order, gadget)],
    ["what stands behind the attachments", fault({}, ONE, order, mapValue([]), gadget)],
    [
      "a generic call's first argument",
      fault({}, GENERIC_DESCRIPTOR, gadget, listValue([]), listValue([]), mapValue([])),
    ],
    [
      "a generic call's last one, which is no list",
      fault({}, GENERIC_DESCRIPTOR, "a", listValue([]), gadget, mapValue([])),
    ],
  ];
  test.each(refused)("%s is looked at", (_, said) => {
    expect(said).toMatch(/rometools/);
  });

  test("what applications send passes, within the guard's bounds", () => {
    expect(fault({}, ONE, order, mapValue([["path", "com.acme.A"]]))).toBeUndefined();
    const values = listValue([mapValue([["class", "com.acme.Order"]])]);
    expect(
      fault({}, GENERIC_DESCRIPTOR, "find", listValue([]), values, mapValue([["generic", "true"]])),
    ).toBeUndefined();
    expect(fault({ maxDepth: 2 }, ONE, listValue([listValue([listValue([1])])]), mapValue([]))).toMatch(/maxDepth 2/);
    expect(fault({ maxBodyBytes: 100 }, ONE, "x".repeat(200), mapValue([]))).toMatch(/over the guard's limit 100/);
  });

  test("a generic call in Java's own serialization is refused", () => {
    const generic = mapValue([["generic", "nativejava"]]);
    expect(fault({}, GENERIC_DESCRIPTOR, "find", listValue([]), listValue([]), generic)).toMatch(/nativejava/);
  });
});

test("what applications send passes", () => {
  const order = objectOf("com.acme.Order", { id: 7n, items: listValue([objectOf("com.acme.Item")]) });
  expect(faultOf({}, { args: [order] })).toBeUndefined();
  expect(
    faultOf(
      {},
      { args: [{ type: "list", className: "java.util.HashSet", items: ["a"] }], attachments: { path: "com.acme.A" } },
    ),
  ).toBeUndefined();
  expect(faultOf({}, generic(mapValue([["class", "com.acme.Order"]])))).toBeUndefined();
  expect(faultOf({}, { args: ["java.lang.ProcessBuilder"] })).toBeUndefined();
});

test("with a list of what is allowed everything else is refused", () => {
  const allow = compileSerializationGuard([
    {
      allowClasses: ["com.acme.*"],
      denyClasses: [],
      defaults: true,
      dryRun: false,
      maxBodyBytes: undefined,
      maxDepth: undefined,
    } as never,
  ]).allow;
  expect(faultOf({ allow }, { args: [objectOf("com.acme.Order")] })).toBeUndefined();
  expect(faultOf({ allow }, { args: [{ type: "list", className: "java.util.ArrayList", items: [] }] })).toBeUndefined();
  expect(faultOf({ allow }, { args: [{ type: "list", className: "[int", items: [1] }] })).toBeUndefined();
  expect(faultOf({ allow }, { args: [objectOf("org.other.Thing")] })).toBe('class "org.other.Thing" is refused');
  const typed = (descriptor: string) => faultOf({ allow }, { descriptor, args: [null, null, null] });
  expect(typed("[JLjava/util/List;Lcom/acme/Order;")).toBeUndefined();
  expect(typed("[JLjava/util/List;Lorg/other/Thing;")).toBe('class "org.other.Thing" is refused');
  expect(faultOf({ allow }, { args: [objectOf("Evil")] })).toBe('class "Evil" is refused');
  expect(faultOf({ allow }, { args: [objectOf("java.lang.ProcessBuilder")] })).toMatch(/refused/);
  expect(
    faultOf({ allow: [...allow, "java.lang.ProcessBuilder"] }, { args: [objectOf("java.lang.ProcessBuilder")] }),
  ).toBeUndefined();
});

test("parameter types in Java's words: only what is allowed", () => {
  const check = new SerializationCheck({ deny: [], allow: ["com.acme.*", "java.lang.*"] });
  const allowed = ["int", "[[J", "java.lang.String", "[Ljava.lang.String;", "com.acme.Order[]"];
  expect(check.faultOfTypes(allowed)).toBeUndefined();
  expect(check.faultOfTypes(["int", "org.other.Thing"])).toBe('class "org.other.Thing" is refused');
});

test("bodies and depths have bounds", () => {
  const deep: Value = listValue([listValue([listValue([listValue([1])])])]);
  expect(faultOf({ maxDepth: 3 }, { args: [deep] })).toMatch(/deeper than maxDepth 3/);
  expect(faultOf({ maxDepth: 4 }, { args: [deep] })).toBeUndefined();
  expect(faultOf({ maxBodyBytes: 100 }, { args: ["x".repeat(200)] })).toMatch(/over the guard's limit 100/);
});

import { describe, expect, test } from "vitest";
import { BEAN_DESCRIPTOR, fromBeanForm, isBeanDescriptor, toBeanForm } from "../../../src/codecs/bean-form.ts";
import { bigDecimalValue, classValue, enumValue } from "../../../src/codecs/hessian2/java.ts";
import {
  dateValue,
  doubleValue,
  type ListValue,
  listValue,
  mapValue,
  type ObjectValue,
  objectValue,
  type Value,
} from "../../../src/codecs/value.ts";

const ALIBABA = "com.alibaba.dubbo.common.beanutil.JavaBeanDescriptor";

function bean(className: Value, type: Value, properties: readonly (readonly [Value, Value])[], name = BEAN_DESCRIPTOR) {
  return objectValue(name, [
    ["className", className],
    ["type", type],
    [
      "properties",
      mapValue(
        properties.map(([key, item]) => [key, item]),
        "java.util.LinkedHashMap",
      ),
    ],
  ]);
}

const text = (value: string) => bean("java.lang.String", 6, [["value", value]]);
const int = (value: number) => bean("java.lang.Integer", 6, [["value", value]]);

describe("a tree of descriptors and the value that it stands for", () => {
  test.each<[string, ObjectValue, Value]>([
    ["a text", text("é 🚀"), "é 🚀"],
    ["an int", int(-7), -7],
    ["a long", bean("java.lang.Long", 6, [["value", 7n]]), 7n],
    ["a boolean", bean("java.lang.Boolean", 6, [["value", true]]), true],
    ["a double", bean("java.lang.Double", 6, [["value", doubleValue(1.5)]]), doubleValue(1.5)],
    ["a date", bean("java.util.Date", 6, [["value", dateValue(17)]]), dateValue(17)],
    ["a BigDecimal", bean("java.math.BigDecimal", 6, [["value", bigDecimalValue("1.50")]]), bigDecimalValue("1.50")],
    ["an enum", bean("a.Color", 2, [["name", "RED"]]), enumValue("a.Color", "RED")],
    ["a class", bean("java.lang.Class", 1, [["name", "a.B"]]), classValue("a.B")],
    [
      "an ArrayList",
      bean("java.util.ArrayList", 3, [
        [0, int(1)],
        [1, null],
      ]),
      listValue([1, null]),
    ],
    ["a set", bean("java.util.HashSet", 3, [[0, text("a")]]), listValue(["a"], "java.util.HashSet")],
    [
      "int[]",
      bean("int", 5, [
        [0, int(1)],
        [1, int(2)],
      ]),
      listValue([1, 2], "[int"),
    ],
    ["int[][]", bean("[I", 5, [[0, bean("int", 5, [[0, int(1)]])]]), listValue([listValue([1], "[int")], "[[int")],
    ["String[]", bean("java.lang.String", 5, [[0, text("a")]]), listValue(["a"], "[string")],
    ["String[][]", bean("[Ljava.lang.String;", 5, [[0, null]]), listValue([null], "[[string")],
    ["a.B[]", bean("a.B", 5, []), listValue([], "[a.B")],
    ["a map", bean("java.util.HashMap", 4, [[int(1), text("a")]]), mapValue([[1, "a"]])],
    [
      "a bean",
      bean("a.B", 7, [
        ["id", int(1)],
        ["none", null],
        ["in", bean("a.C", 7, [])],
      ]),
      objectValue("a.B", [
        ["id", 1],
        ["none", null],
        ["in", objectValue("a.C", [])],
      ]),
    ],
  ])("%s", (_, tree, value) => {
    expect(fromBeanForm(tree)).toEqual(value);
    expect(toBeanForm(value)).toEqual(tree);
  });

  test("of 2.6 has its own class", () => {
    const tree = bean("java.lang.String", 6, [["value", "a"]], ALIBABA);
    expect(isBeanDescriptor(tree)).toBe(true);
    expect(fromBeanForm(tree)).toBe("a");
    expect(toBeanForm("a", ALIBABA)).toEqual(tree);
  });

  test("may be shared, and inside itself", () => {
    const inner = bean("a.C", 7, []);
    const outer = bean("a.B", 7, [
      ["one", inner],
      ["two", inner],
    ]);
    (outer.values[2] as ReturnType<typeof mapValue>).entries.push(["self", outer]);
    const value = fromBeanForm(outer) as ObjectValue;
    expect(value.shape.fields).toEqual(["one", "two", "self"]);
    expect(value.values[0]).toBe(value.values[1]);
    expect(value.values[2]).toBe(value);
    const again = toBeanForm(value) as ObjectValue;
    const [one, two, self] = (again.values[2] as ReturnType<typeof mapValue>).entries.map(([, item]) => item);
    expect(one).toBe(two);
    expect(self).toBe(again);
  });
});

test("byte[] and char[] are put together from their items", () => {
  const bytes = bean("byte", 5, [
    [0, int(-1)],
    [1, int(127)],
  ]);
  expect(fromBeanForm(bytes)).toEqual(new Uint8Array([255, 127]));
  expect(
    fromBeanForm(
      bean("char", 5, [
        [0, text("a")],
        [1, text("é")],
      ]),
    ),
  ).toBe("aé");
});

test("an array that stands in two places is made once", () => {
  const bytes = bean("byte", 5, [[0, int(1)]]);
  const list = fromBeanForm(
    bean("java.util.ArrayList", 3, [
      [0, bytes],
      [1, bytes],
    ]),
  ) as ListValue;
  expect(list.items[0]).toEqual(new Uint8Array([1]));
  expect(list.items[1]).toBe(list.items[0]);
});

test.each<[string, Value, string]>([
  ["bytes", new Uint8Array([1]), "[B"],
  ["short[]", listValue([1], "[short"), "[S"],
  [
    "java.time",
    objectValue("com.alibaba.com.caucho.hessian.io.java8.YearHandle", [["year", 1]]),
    "com.alibaba.com.caucho.hessian.io.java8.YearHandle",
  ],
])("%s, out of whose parts Java makes none, stands in its descriptor whole", (_, value, className) => {
  const tree = bean(className, 6, [["value", value]]);
  expect(toBeanForm(value)).toEqual(tree);
  expect(fromBeanForm(tree)).toEqual(value);
});

test("an enum is told from a class with a name by what is known of it, or by its capitals", () => {
  const named = objectValue("a.Named", [["name", "RED"]]);
  expect(toBeanForm(named)).toEqual(bean("a.Named", 2, [["name", "RED"]]));
  expect(toBeanForm(named, BEAN_DESCRIPTOR, () => false)).toEqual(bean("a.Named", 7, [["name", text("RED")]]));
});

test("descriptors of one tree are of one shape, and of the caller's class", () => {
  const tree = toBeanForm(listValue([1]), ALIBABA) as ObjectValue;
  const [[, item]] = (tree.values[2] as ReturnType<typeof mapValue>).entries as [[Value, ObjectValue]];
  expect(item.shape).toBe(tree.shape);
  expect(item.shape.name).toBe(ALIBABA);
});

test("what is no descriptor is itself", () => {
  expect(fromBeanForm(null)).toBeNull();
  expect(fromBeanForm("a")).toBe("a");
  expect(fromBeanForm(bean("java.util.ArrayList", 3, [[0, 7]]))).toEqual(listValue([7]));
  expect(toBeanForm(null)).toBeNull();
});

describe("bad trees", () => {
  function nested(depth: number): Value {
    let value: Value = 1;
    for (let i = 0; i < depth; i++) value = bean("java.util.ArrayList", 3, [[0, value]]);
    return value;
  }
  function nestedList(depth: number): Value {
    let value: Value = listValue([]);
    for (let i = 1; i < depth; i++) value = listValue([value]);
    return value;
  }

  test.each<[string, Value, string]>([
    ["of no known type", bean("a.B", 8, []), "JavaBeanDescriptor of a.B has a type that is none of 1 to 7"],
    ["without a class", bean(null, 7, []), "JavaBeanDescriptor has a class, constant or property that is no text"],
    ["with a constant that is no text", bean("a.B", 2, []), "constant or property that is no text"],
    ["with a property that has no name", bean("a.B", 7, [[1, null]]), "constant or property that is no text"],
    ["of an array of no type", bean("a b", 5, []), 'no java type: "a b"'],
    [
      "with properties that are no map",
      objectValue(BEAN_DESCRIPTOR, [
        ["className", "a.B"],
        ["type", 7],
        ["properties", 1],
      ]),
      "JavaBeanDescriptor has properties that are no map",
    ],
    ["too deep", nested(257), "a generic call's beans are nested deeper than 256"],
  ])("%s are refused", (_, tree, text) => {
    expect(() => fromBeanForm(tree)).toThrow(text);
  });

  test("values count each time that they stand somewhere, since descriptors may share their properties", () => {
    const shared = mapValue(Array.from({ length: 2000 }, (_, i): [Value, Value] => [i, 1]));
    const sharing = (type: number, className: string) =>
      objectValue(BEAN_DESCRIPTOR, [
        ["className", className],
        ["type", type],
        ["properties", shared],
      ]);
    for (const [type, className] of [
      [3, "java.util.ArrayList"],
      [5, "byte"],
    ] as const) {
      const items = Array.from({ length: 2000 }, (_, i): [Value, Value] => [i, sharing(type, className)]);
      expect(() => fromBeanForm(bean("java.util.ArrayList", 3, items))).toThrow("over the limit of 1000000 values");
    }
  });

  test("a value that is too deep, or too large, becomes none", () => {
    expect(fromBeanForm(nested(256))).toMatchObject({ type: "list" });
    expect(() => toBeanForm(nestedList(257))).toThrow("nested deeper than 256");
    const items = Array.from<Value>({ length: 1_000_001 }).fill(1);
    expect(() => toBeanForm(listValue(items) satisfies ListValue)).toThrow("over the limit of 1000000 values");
  });
});

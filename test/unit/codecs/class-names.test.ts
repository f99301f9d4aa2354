import { expect, test } from "vitest";
import { seeClassNames } from "../../../src/codecs/class-names.ts";
import { listValue, mapValue, type ObjectValue, type Value } from "../../../src/codecs/value.ts";

function namesIn(...values: Value[]): string[] {
  const names: string[] = [];
  seeClassNames(values, (name) => names.push(name));
  return names.sort();
}
const objectOf = (name: string, fields: Record<string, Value>): ObjectValue => ({
  type: "object",
  shape: { name, fields: Object.keys(fields) },
  values: Object.values(fields),
});

test("names are those of values, of maps' classes, and of what generic calls name in them", () => {
  const bean = objectOf("org.apache.dubbo.common.beanutil.JavaBeanDescriptor", { className: "b.Bean", type: 7 });
  const map = mapValue([
    ["class", "a.Map"],
    ["x", listValue([objectOf("c.Inner", {})])],
  ]);
  expect(namesIn(map, bean, "text", 1, null)).toEqual([
    "a.Map",
    "b.Bean",
    "c.Inner",
    "org.apache.dubbo.common.beanutil.JavaBeanDescriptor",
  ]);
  expect(
    namesIn(
      mapValue([
        ["class", 7],
        ["Class", "no"],
      ]),
    ),
  ).toEqual([]);
  expect(
    namesIn({ type: "list", className: "[d.Array", items: [] }, { type: "map", className: "e.Map", entries: [] }),
  ).toEqual(["[d.Array", "e.Map"]);
  expect(namesIn(mapValue([[objectOf("f.Key", {}), 1]]))).toEqual(["f.Key"]);
});

test("a value that holds itself is looked at once", () => {
  const self = listValue([]);
  self.items.push(self, objectOf("a.A", {}));
  expect(namesIn(self, self)).toEqual(["a.A"]);
});

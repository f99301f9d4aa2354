import { isContainer, type Value } from "./value.ts";

/**
 * Tells of every class that values name: their own, and those that a generic call names in maps (`class`) and in descriptors of beans
 * (`className`), as Dubbo's PojoUtils and JavaBeanSerializeUtil take them. Shared and cyclic values are looked at once.
 */
export function seeClassNames(values: Iterable<Value>, see: (name: string) => void): void {
  const open: Value[] = [...values];
  const seen = new Set<object>();
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (!isContainer(value) || seen.has(value)) continue;
    seen.add(value);
    switch (value.type) {
      case "list":
        if (value.className !== null) see(value.className);
        for (const item of value.items) open.push(item);
        break;
      case "map":
        if (value.className !== null) see(value.className);
        for (const [key, item] of value.entries) {
          // A descriptor of a bean may be written as a map of that type.
          const isName = key === "class" || (key === "className" && value.className !== null);
          if (isName && typeof item === "string") see(item);
          open.push(key, item);
        }
        break;
      case "object":
        see(value.shape.name);
        value.values.forEach((item, i) => {
          if (value.shape.fields[i] === "className" && typeof item === "string") see(item);
          open.push(item);
        });
        break;
      default:
        value satisfies never;
    }
  }
}

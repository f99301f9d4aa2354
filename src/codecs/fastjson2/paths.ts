/**
 * References of JSONB: a path from the value's root, such as `$.next.children[0]`.
 *
 * | path | means |
 * |---|---|
 * | `$` | the root |
 * | `.name`, `[n]` | a field or key, an item; `\` before a character of a name takes it as it is |
 * | `..` | what holds the reference |
 * | `#-1` | the path of the reference before |
 *
 * Reference: JSONWriter.Path and JSONPath of fastjson2 2.0.52.
 */
import type { ContainerValue, Value } from "../value.ts";

/** Longest path that is followed, characters. */
export const MAX_PATH = 65_536;

/** The steps of a path from the root; undefined where it is none, or over {@link MAX_PATH}. */
export function parsePath(path: string): (string | number)[] | undefined {
  if (path[0] !== "$" || path.length > MAX_PATH) return undefined;
  const steps: (string | number)[] = [];
  for (let at = 1; at < path.length; ) {
    if (path[at] === "[") {
      const close = path.indexOf("]", at);
      const digits = close < 0 ? "" : path.slice(at + 1, close);
      if (!/^\d{1,9}$/.test(digits)) return undefined;
      steps.push(Number(digits));
      at = close + 1;
    } else if (path[at] === ".") {
      let name = "";
      for (at++; at < path.length && path[at] !== "." && path[at] !== "["; at++) {
        if (path[at] === "\\") at++;
        name += path[at] ?? "";
      }
      steps.push(name);
    } else return undefined;
  }
  return steps;
}

/** A path from its steps. */
export function printPath(steps: readonly (string | number)[]): string {
  let path = "$";
  for (const step of steps) {
    path += typeof step === "number" ? `[${step}]` : `.${step.replace(/[^\w\u0080-\uffff]/g, "\\$&")}`;
  }
  return path;
}

/** The member of a container that a step names; undefined where there is none. Looks at no more than `budget.steps` members, and takes what it looks at off. */
export function memberAt(value: Value, step: string | number, budget: { steps: number }): Value | undefined {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return undefined;
  if (value.type === "list") return typeof step === "number" ? value.items[step] : undefined;
  const name = String(step);
  if (value.type === "map") {
    for (let i = value.entries.length - 1; i >= 0 && budget.steps-- > 0; i--) {
      const [key, member] = value.entries[i]!;
      if (keyText(key) === name) return member;
    }
  } else if (value.type === "object") {
    if (budget.steps <= 0) return undefined;
    budget.steps -= value.shape.fields.length;
    const i = value.shape.fields.lastIndexOf(name);
    return i < 0 ? undefined : value.values[i];
  }
  return undefined;
}

/** How a path names a key; undefined for a key that it cannot name. */
export function keyText(key: Value): string | undefined {
  return typeof key === "string" || typeof key === "number" || typeof key === "bigint" ? String(key) : undefined;
}

/** Whether the value can be what a reference means. */
export function isTarget(value: Value | undefined): value is ContainerValue {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return value.type === "list" || value.type === "map" || value.type === "object";
}

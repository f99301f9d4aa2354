import { isMap, isScalar, isSeq } from "yaml";
import { type ObjectShape, positionOf, type ReadContext, readNode, type Shape } from "./schema.ts";

/** What of a wrong object can be read. */
export interface Salvage {
  /** By the model's names: fields that are right, and of lists and objects with a fault what is right in them. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Fields that are not as they should be, as the text names them, and those that are not known. */
  readonly wrong: ReadonlySet<string>;
}

/** Reads what is right of an object, and reports nothing. The budget of `context` is what may be read at most, and is used up. */
export function salvage(node: unknown, shape: ObjectShape, context: ReadContext): Salvage {
  const wrong = new Set<string>();
  return { value: rightOf(node, shape, context, wrong) as Salvage["value"], wrong };
}

function rightOf(node: unknown, shape: Shape, context: ReadContext, wrong?: Set<string>): unknown {
  if (shape.type === "list") {
    const items = isSeq(node) ? node.items : [];
    return items.map((item) => readOrSalvage(item, shape.of, context).value).filter((value) => value !== undefined);
  }
  if (shape.type !== "object") return undefined;
  const value: Record<string, unknown> = { at: { position: positionOf(node, context), fields: {} } };
  for (const { key, value: inner } of isMap(node) ? node.items : []) {
    const name = isScalar(key) ? String(key.value) : "";
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name]! : undefined;
    const read = field && readOrSalvage(inner, field.shape, context);
    if (read?.isRight !== true) wrong?.add(name);
    if (read?.value !== undefined) value[field!.as ?? name] = read.value;
  }
  return value;
}

function readOrSalvage(
  node: unknown,
  shape: Shape,
  context: ReadContext,
): { readonly value: unknown; readonly isRight: boolean } {
  let isRight = true;
  const report = () => {
    isRight = false;
  };
  const counted = { ...context, report };
  const value = readNode(node, shape, "", counted);
  context.budget = counted.budget;
  return value !== undefined && isRight ? { value, isRight } : { value: rightOf(node, shape, context), isRight: false };
}

import type { Outcome } from "../../codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR, splitTypes } from "../../codecs/dubbo2/head.ts";
import { exceptionValue } from "../../codecs/hessian2/throwable.ts";
import { isContainer, type MapEntry, mapValue, objectValue, type Value } from "../../codecs/value.ts";
import { serviceKey } from "../../model/service.ts";

/** The sample's service, as consumers ask a registry for it. */
export const ORDER_SERVICE = serviceKey("com.acme.OrderService");

/** Its methods, as a provider's URL lists them. */
export const ORDER_METHODS = ["createOrder", "getOrder", "sayHello"] as const;

/** A method of the sample, by name. */
export type OrderMethod = (typeof ORDER_METHODS)[number];

/** Parameter types of each method. */
export const ORDER_DESCRIPTORS: Readonly<Record<OrderMethod, string>> = {
  createOrder: "Ljava/lang/String;I",
  getOrder: "J",
  sayHello: "Ljava/lang/String;",
};

/**
 * What the sample provider answers: `createOrder(item, quantity)` and `getOrder(id)` an order, `sayHello(name)` a greeting, all
 * with the provider's label in them; generic calls of the same; `$echo`. Throws an `Error` for a method that it does not have.
 */
export function answerOrder(label: string, method: string, descriptor: string, args: readonly Value[]): Outcome {
  if (method === "$invoke" && descriptor === GENERIC_DESCRIPTOR) return answerGeneric(label, args);
  checkCount(method, args);
  switch (method) {
    case "createOrder":
      return order(label, orderId(String(args[0])), String(args[0]), Number(args[1]), "NEW");
    case "getOrder": {
      const id = BigInt.asIntN(64, typeof args[0] === "bigint" || typeof args[0] === "number" ? BigInt(args[0]) : 0n);
      if (id < 0n)
        return { type: "exception", value: exceptionValue(`no order ${id}`, "java.lang.IllegalArgumentException") };
      return order(label, id, "teapot", 1, "SHIPPED");
    }
    case "sayHello":
      return { type: "value", value: `hello ${String(args[0])} from ${label}` };
    case "$echo":
      return { type: "value", value: args[0] ?? null };
    default:
      throw new Error(`No such method ${method} in class ${ORDER_SERVICE.interface}`);
  }
}

/** Java finds a method by its parameters too. */
function checkCount(method: string, args: readonly Value[]): void {
  if (!ORDER_METHODS.some((known) => known === method)) return;
  const wanted = splitTypes(ORDER_DESCRIPTORS[method as OrderMethod]).length;
  if (args.length !== wanted)
    throw new Error(`No such method ${method} with ${args.length} arguments in class ${ORDER_SERVICE.interface}`);
}

function answerGeneric(label: string, args: readonly Value[]): Outcome {
  const [method = null, , values = null] = args;
  if (typeof method !== "string" || method.startsWith("$")) throw new Error("a generic call names a method");
  const list = isContainer(values) && values.type === "list" ? values.items : [];
  const outcome = answerOrder(label, method, "", list);
  return outcome.type === "value" ? { type: "value", value: asMap(outcome.value) } : outcome;
}

function order(label: string, id: bigint, item: string, quantity: number, status: string): Outcome {
  const fields: [string, Value][] = [
    ["id", id],
    ["item", item],
    ["quantity", Number.isInteger(quantity) ? quantity | 0 : 0],
    ["status", status],
    ["servedBy", label],
  ];
  return { type: "value", value: objectValue("com.acme.Order", fields) };
}

/** Generic callers get maps in place of objects, with the class as one more key. */
function asMap(value: Value): Value {
  if (!isContainer(value) || value.type !== "object") return value;
  const entries = value.shape.fields.map((name, i): MapEntry => [name, value.values[i] ?? null]);
  return mapValue([...entries, ["class", value.shape.name]]);
}

/** A number that stands for an order of this item, the same each time. */
function orderId(item: string): bigint {
  let id = 7n;
  for (let i = 0; i < item.length; i++) id = BigInt.asUintN(31, id * 31n + BigInt(item.charCodeAt(i)));
  return id;
}

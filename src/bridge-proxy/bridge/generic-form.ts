import { CallError, ProtocolError } from "../../base/errors.ts";
import { BEAN_DESCRIPTOR, fromBeanForm, isBeanDescriptor, toBeanForm } from "../../codecs/bean-form.ts";
import type { RequestHead } from "../../codecs/dubbo2/head.ts";
import { enumName } from "../../codecs/hessian2/java.ts";
import type { Value } from "../../codecs/value.ts";

/** The forms of generic calls that reach a callee without Java's classes: `true`, `raw.return` and `bean`. */
export type GenericForm = "generic" | "raw" | "bean";

/** How a Dubbo2 call's values stand in it, and are to stand in its answer. */
export interface ValueForm {
  /** `typed`: no generic call. */
  readonly form: "typed" | GenericForm;
  /** Of `bean`: the class of the caller's descriptors. */
  readonly descriptor: string;
}

/** The form of a call. Throws CallError `unimplemented` for one that is not translated; `far` names what the callee speaks. */
export function valueFormOf(head: RequestHead, far: string): ValueForm {
  if (!head.isGeneric) return { form: "typed", descriptor: "" };
  const style = head.attachments().get("generic") ?? "true";
  if (style === "true" || style === "default" || style === "") return { form: "generic", descriptor: "" };
  if (style === "raw.return") return { form: "raw", descriptor: "" };
  if (style === "bean") return { form: "bean", descriptor: descriptorOf(head) };
  const text = `a generic call in the form ${style.slice(0, 40)} is not translated to ${far}`;
  throw new CallError("unimplemented", "untranslatable", text);
}

/** 2.6 has a class of its own. A call without arguments is taken for one of a later line. */
function descriptorOf(head: RequestHead): string {
  for (let i = 0; i < head.effectiveArgumentCount; i++) {
    const value = head.effectiveArgument(i) ?? null;
    if (isBeanDescriptor(value)) return value.shape.name;
  }
  return BEAN_DESCRIPTOR;
}

/** The arguments of a call as values, whatever form they have in it. Throws `ProtocolError` for what is no descriptor where there has to be one. */
export function argumentValues(head: RequestHead, { form }: ValueForm): Value[] {
  const args: Value[] = [];
  for (let i = 0; i < head.effectiveArgumentCount; i++) {
    const value = head.effectiveArgument(i) ?? null;
    if (form === "bean" && value !== null && !isBeanDescriptor(value)) {
      throw new ProtocolError("dubbo2", `argument ${i} of a generic call in the form bean is no JavaBeanDescriptor`);
    }
    args.push(form === "bean" ? fromBeanForm(value) : value);
  }
  return args;
}

/** An answer's value, its objects of their classes, in the form `bean`; `isEnum` tells an enum's class where that is known. */
export function beanAnswer(
  value: Value,
  { descriptor }: ValueForm,
  isEnum: (className: string) => boolean | undefined,
) {
  return toBeanForm(value, descriptor, (object) => {
    const { fields, name } = object.shape;
    if (fields.length !== 1 || fields[0] !== "name") return false;
    return isEnum(name) ?? enumName(object) !== undefined;
  });
}

import type { Field, ObjectShape, Shape } from "../schema.ts";
import { anything } from "./istio-values.ts";

/** A field that says nothing about a Dubbo call. */
export const meaningless = (why: string, shape: Shape = anything): Field => ({
  shape,
  unused: { code: "TR0227", why: `has no meaning for a Dubbo call: ${why}` },
});

/** An object of these fields. */
export const object = (fields: ObjectShape["fields"], more: Partial<ObjectShape> = {}): ObjectShape => ({
  type: "object",
  fields,
  ...more,
});

import { anything } from "./istio-values.ts";
import type { Field, ObjectShape, Shape } from "./schema.ts";

/** A field that says nothing about a Dubbo call. */
export const meaningless = (why: string, shape: Shape = anything): Field => ({
  shape,
  unused: { code: "TR0227", why: `has no meaning for a Dubbo call: ${why}` },
});

/** A field that would mean something, but is not applied by this version. */
export const notYet = (why = "calls are treated as if it were not there", shape: Shape = anything): Field => ({
  shape,
  unused: { code: "TR0228", why: `is not applied yet: ${why}` },
});

/** An object of these fields. */
export const object = (fields: ObjectShape["fields"], more: Partial<ObjectShape> = {}): ObjectShape => ({
  type: "object",
  fields,
  ...more,
});

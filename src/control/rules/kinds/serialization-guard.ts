import type { SerializationGuard } from "../../../model/rules/serialization-guard.ts";
import { isTrial } from "../dry-run.ts";
import type { Report } from "../findings.ts";
import { type Check, type ObjectShape, quote, type ReadObject } from "../schema.ts";
import { readScope, SCOPE_FIELDS } from "./authorization-schema.ts";
import { flag, listOf, whole } from "./istio-values.ts";
import { object } from "./shapes.ts";

/** Largest bound of a body, and the deepest that Trestle itself walks. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 1_024;

const isClassPattern: Check<string> = (value) =>
  value.length <= 512 && /^(?:[\w$]+(?:\.[\w$]+)*(?:\.?\*)?|\*)$/.test(value)
    ? undefined
    : {
        code: "TR0209",
        problem: `is ${quote(value)}; it must be a class such as "com.acme.Order", or a beginning such as "com.acme.*"`,
      };

const classes = { shape: listOf({ type: "text", check: isClassPattern }) } as const;

/** Spec of Trestle's SerializationGuard (trestle.io/v1alpha1). */
export const serializationGuardSpec: ObjectShape = object(
  {
    ...SCOPE_FIELDS,
    defaults: { shape: flag },
    denyClasses: classes,
    allowClasses: classes,
    maxBodyBytes: { shape: whole(1, MAX_BODY_BYTES) },
    maxDepth: { shape: whole(1, MAX_DEPTH) },
  },
  { exclusive: [["selector", "targetRefs", "targetRef"]] },
);

/** The kind's own part. */
export function readSerializationGuard(
  spec: ReadObject,
  annotations: Readonly<Record<string, string>> | null | undefined,
  report: Report,
): Omit<SerializationGuard, "at" | "kind" | "name" | "namespace" | "createdAtMs"> {
  const { defaults, denyClasses, allowClasses, maxBodyBytes, maxDepth } =
    spec as unknown as Partial<SerializationGuard>;
  return {
    ...readScope(spec, report),
    defaults: defaults ?? true,
    denyClasses: denyClasses ?? [],
    allowClasses: allowClasses ?? [],
    maxBodyBytes,
    maxDepth,
    dryRun: isTrial(annotations),
  };
}

import { isMap, isScalar, type YAMLMap } from "yaml";
import type { Rule } from "../../../model/rule.ts";
import { DRY_RUN, isTrialValue } from "../dry-run.ts";
import { oneEdit, positionOf, quote, type ReadContext } from "../schema.ts";
import { EXPOSE } from "./gateway-object.ts";
import { BALANCER } from "./networking-kinds.ts";

/** The annotations that count, and the kinds that they count on. */
const KINDS_OF: ReadonlyMap<string, readonly Rule["kind"][]> = new Map<string, readonly Rule["kind"][]>([
  [DRY_RUN, ["AuthorizationPolicy", "DubboAuthorizationPolicy", "SerializationGuard"]],
  [BALANCER, ["DestinationRule"]],
  [EXPOSE, ["Gateway"]],
]);

/**
 * Tells of annotations of an object that do not do what they were written for: on a kind that they do not count on, one letter from one that
 * counts, or a trial that is none.
 */
export function reportAnnotations(kind: Rule["kind"], object: YAMLMap, context: ReadContext): void {
  const annotations = object.getIn(["metadata", "annotations"], true);
  if (!isMap(annotations)) return;
  for (const { key, value } of annotations.items) {
    if (!isScalar(key) || typeof key.value !== "string") continue;
    const fault = faultOf(kind, key.value, isScalar(value) ? String(value.value) : "");
    if (fault !== undefined) context.report("TR0254", positionOf(key, context, `${kind}.metadata.annotations`), fault);
  }
}

function faultOf(kind: Rule["kind"], name: string, value: string): string | undefined {
  const kinds = KINDS_OF.get(name);
  if (kinds === undefined) {
    const near = [...KINDS_OF.keys()].find((known) => oneEdit(known, name.toLowerCase()));
    return near && `annotation ${quote(name)} does nothing; did you mean ${near}?`;
  }
  if (!kinds.includes(kind)) return `annotation ${name} does nothing on a ${kind}; it counts on ${kinds.join(", ")}`;
  if (name !== DRY_RUN || isTrialValue(value)) return undefined;
  return `annotation ${name} is ${quote(value)}: the ${kind} is in force; "true" would only try it`;
}

import type { Finding } from "../../../model/entry.ts";
import { readRef, type WrittenRef } from "../../rules/gateway-api/refs.ts";
import type { RuleObject } from "../objects.ts";
import { type Condition, inPlace, messageOf, recordsOf, withTimes } from "./conditions.ts";

/** What parents' entries of ours are told by. */
export const CONTROLLER = "trestle.io/gateway-controller";

/**
 * The parents in the status of a GRPCRoute or HTTPRoute: an entry of ours for each parent that is ours to serve, others' entries as they
 * are. Undefined where none is ours and none was. Source: gateway-api.sigs.k8s.io, RouteStatus.
 */
export function routeStatus(
  object: RuleObject,
  findings: readonly Finding[],
  now: string,
): Readonly<Record<string, unknown>> | undefined {
  const entries = recordsOf(object.status["parents"]);
  const isOurs = (one: Readonly<Record<string, unknown>>) => one["controllerName"] === CONTROLLER;
  const served = object.parentRefs.filter((ref) => isServed(ref, object.namespace));
  if (served.length === 0 && !entries.some(isOurs)) return undefined;
  const ours = served.map((parentRef) => {
    const before = entries.find((one) => isOurs(one) && isSame(one["parentRef"], parentRef));
    const said = [accepted(object, parentRef, findings), resolved(object, findings)];
    return {
      parentRef,
      controllerName: CONTROLLER,
      conditions: withTimes(said, recordsOf(before?.["conditions"]), now),
    };
  });
  return { parents: inPlace(entries, isOurs, ours) };
}

function isServed(ref: Readonly<Record<string, unknown>>, namespace: string): boolean {
  const read = readRef(ref as unknown as WrittenRef, namespace, "gateway.networking.k8s.io", "Gateway");
  return typeof read !== "string";
}

function accepted(
  { generation, state }: RuleObject,
  { name }: Readonly<Record<string, unknown>>,
  findings: readonly Finding[],
): Condition {
  const of = { type: "Accepted", observedGeneration: generation } as const;
  if (!state.valid) return { ...of, status: "False", reason: "UnsupportedValue", message: messageOf(findings, "") };
  const unknown = findings.find(({ code, message }) => code === "TR0220" && message.includes(String(name)));
  if (unknown !== undefined) return { ...of, status: "False", reason: "NoMatchingParent", message: unknown.message };
  const told = findings.filter(({ severity, code }) => severity !== "info" && !UNRESOLVED.has(code));
  return { ...of, status: "True", reason: "Accepted", message: messageOf(told, "in force") };
}

/** Findings that say that a destination is not there. */
const UNRESOLVED: ReadonlySet<string> = new Set(["TR0221"]);

function resolved({ generation }: RuleObject, findings: readonly Finding[]): Condition {
  const missing = findings.filter(({ code }) => UNRESOLVED.has(code));
  const of = { type: "ResolvedRefs", observedGeneration: generation } as const;
  return missing.length === 0
    ? { ...of, status: "True", reason: "ResolvedRefs", message: "all references are known" }
    : { ...of, status: "False", reason: "BackendNotFound", message: messageOf(missing, "") };
}

/** The API server may fill in defaults and order fields anew. */
function isSame(a: unknown, b: Readonly<Record<string, unknown>>): boolean {
  const fields = ["group", "kind", "namespace", "name", "sectionName", "port"];
  const other = (typeof a === "object" && a !== null ? a : {}) as Readonly<Record<string, unknown>>;
  return fields.every((field) => other[field] === b[field]);
}

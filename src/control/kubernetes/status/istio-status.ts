import type { Finding } from "../../../model/entry.ts";
import { RULE_FINDINGS, type RuleFindingCode } from "../../rules/findings.ts";
import type { RuleObject } from "../objects.ts";
import { inPlace, messageOf, recordsOf, withTimes } from "./conditions.ts";

/** The condition that is ours. */
export const APPLIED = "trestle.io/Applied";

/**
 * The status of an object that has Istio's form: one condition of our own, our findings among its messages, the generation that they are
 * of. What others wrote stays. Source: istio/api meta/v1alpha1/status.proto, analysis/v1alpha1/message.proto.
 */
export function istioStatus(
  { generation, status, state }: RuleObject,
  findings: readonly Finding[],
  now: string,
): Readonly<Record<string, unknown>> {
  const told = findings.filter(({ severity }) => severity !== "info");
  const conditions = recordsOf(status["conditions"]);
  const applied = withTimes(
    [
      {
        type: APPLIED,
        status: state.valid ? "True" : "False",
        reason: state.valid ? (told.length === 0 ? "Applied" : "AppliedWithFindings") : "Invalid",
        message: messageOf(told, "in force"),
        observedGeneration: generation,
      },
    ],
    conditions,
    now,
  );
  const others = recordsOf(status["validationMessages"]).filter((one) => !isOurs(one));
  const ours = told.map(({ code, severity }) => ({
    type: { name: RULE_FINDINGS[code as RuleFindingCode]?.title ?? code, code },
    level: severity === "error" ? "ERROR" : "WARNING",
  }));
  const seen = Number(status["observedGeneration"] ?? 0);
  return {
    conditions: inPlace(conditions, ({ type }) => type === APPLIED, applied),
    ...((others.length + ours.length > 0 || status["validationMessages"] !== undefined) && {
      validationMessages: [...others, ...distinct(ours)],
    }),
    observedGeneration: Math.max(generation, Number.isFinite(seen) ? seen : 0),
  };
}

function isOurs(message: Readonly<Record<string, unknown>>): boolean {
  const { code } = (message["type"] ?? {}) as { readonly code?: unknown };
  return typeof code === "string" && /^TR\d{4}$/.test(code);
}

function distinct<T>(list: readonly T[]): readonly T[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
}

import { analyzeRules } from "../../src/control/rules/analyze/analyze.ts";
import type { Entry } from "../../src/model/entry.ts";
import { rulesOf, shortFindings } from "./rules.ts";

/** Findings of analysis as `code line:column message`, for rules against entries, where these protocols are carried and these services are not led. */
export function analyze(
  texts: readonly string[],
  entries?: readonly Entry[],
  protocols?: readonly string[],
  notLed?: ReadonlyMap<string, string>,
): string[] {
  return shortFindings(analyzeRules(rulesOf(...texts), entries, protocols, notLed));
}

import { type RouterStep, type RouterTarget, references } from "../../../model/routing.ts";
import { field, isFalse, readRuleText } from "../rule-text.ts";
import { type Condition, readCondition, readTests } from "./condition.ts";

/** A condition rule of the config centre, under a service's or an application's name. */
export type ConditionRule =
  | { readonly type: "conditions"; readonly steps: readonly RouterStep[]; readonly differs: string | undefined }
  /** Dubbo itself does not take it up and goes on with the rule before it; so do we. */
  | { readonly type: "broken"; readonly why: string }
  /** Dubbo takes it up, and it is not applied here. */
  | { readonly type: "left"; readonly why: string };

/** Most conditions of one rule; each is looked at for each call. */
export const MAX_CONDITIONS = 256;
const MAX_TARGETS = 64;
const DEFAULT_WEIGHT = 100;

/**
 * Reads a condition rule, of configVersion v3.1 (`from`, `to` with weights) or before (texts); undefined where it is switched off or says nothing.
 * Never throws. Reference: ConditionRuleParser, ConditionRouterRule and MultiDestConditionRouterRule of apache/dubbo 3.3.
 */
export function readConditionRule(place: string, text: string): ConditionRule | undefined {
  const rule = readRuleText(text);
  if (typeof rule === "string") return { type: "broken", why: rule };
  if (isFalse(rule["enabled"]) || isFalse(rule["valid"])) return undefined;
  const version = String(rule["configVersion"] ?? "").toLowerCase();
  const isMulti = version.startsWith("v3.1");
  if (!isMulti && version > "v3.1") return { type: "left", why: `it is of configVersion ${version.slice(0, 20)}` };
  const list = rule["conditions"];
  if (list === undefined || list === null || (Array.isArray(list) && list.length === 0)) return undefined;
  if (!Array.isArray(list)) return { type: "broken", why: "its conditions are no list" };
  if (list.length > MAX_CONDITIONS)
    return { type: "left", why: `it has ${list.length} conditions, over ${MAX_CONDITIONS}` };
  const force = String(rule["force"]).toLowerCase() === "true";
  const steps: RouterStep[] = [];
  for (const one of list) {
    const read = isMulti ? readBranches(one) : readCondition(String(one));
    if (typeof read === "string") return { type: "broken", why: `it has ${read}` };
    steps.push({ rule: place, force, ...read });
  }
  return { type: "conditions", steps, differs: isMulti ? MULTI : differenceOf(steps) };
}

const MULTI = "only 3.3 knows its configVersion";

function readBranches(one: unknown): Condition | string {
  const from = field(one, "from");
  const to = field(one, "to") ?? [];
  if (!Array.isArray(to) || to.length > MAX_TARGETS) return `a "to" that is no list of at most ${MAX_TARGETS}`;
  const left = textOf(field(from, "match"));
  const when = left === "true" ? [] : readTests(left);
  if (typeof when === "string") return when;
  const targets: RouterTarget[] = [];
  for (const target of to) {
    const right = textOf(field(target, "match"));
    const match = right === "false" ? [] : readTests(right);
    if (typeof match === "string") return match;
    const weight = Number(field(target, "weight") ?? DEFAULT_WEIGHT);
    if (!Number.isInteger(weight) || weight < 0 || weight > 1_000_000) return "a weight that is no whole number";
    targets.push({ match, weight });
  }
  const text = JSON.stringify({ from, to });
  return { text: text.length > 200 ? `${text.slice(0, 200)}...` : text, when, to: targets };
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value).trim();
}

/** What 2.7 makes something else of than 3.x; undefined for nothing. */
function differenceOf(steps: readonly RouterStep[]): string | undefined {
  const known = new Set(["method", "methods", "host", "address", "protocol", "interface", "application", "side"]);
  for (const { when, to } of steps) {
    for (const { key, is = [], not = [] } of [...when, ...to.flatMap(({ match }) => match)]) {
      if (key.startsWith("attachments")) return "2.7 knows no attachments in conditions";
      if ([...is, ...not].some((pattern) => pattern.includes("~"))) return "2.7 knows no ranges in conditions";
      const isKnown = known.has(key) || key.startsWith("arguments");
      if (not.length > 0 && !isKnown) return `2.7 takes who has no ${key} for other than what follows "!="`;
    }
    if (to.some(({ match }) => match.some(({ key }) => key === "application")))
      return "2.7 compares with the consumer's own application";
  }
  return undefined;
}

/** Whether steps ask for anything that consumers registered with. */
export function asksConsumers(steps: readonly RouterStep[]): boolean {
  return steps.some((step) => step.when.length > 0 || references(step).length > 0);
}

import type { Logger } from "../base/log.ts";
import type { Finding } from "../model/entry.ts";
import { analyzeRules } from "./rules/analyze/analyze.ts";
import type { RuleSet } from "./rules/rule-set.ts";

const MAX_LOGGED = 20;

/** Whether two sets are the same rules with the same findings. */
export function isSameSet(a: RuleSet, b: RuleSet): boolean {
  const isSame = a.loaded === b.loaded && a.files.length === b.files.length;
  return isSame && a.files.every((state, i) => state === b.files[i]) && sameText(a.findings, b.findings);
}

/**
 * Logs what is new: faults of files, and what the rules alone tell of themselves; the services known may add to it later. With `isShallow`
 * the rules are not asked: many objects that change often are looked at once their services are known.
 */
export function tellChange(before: RuleSet, next: RuleSet, logger: Logger, isShallow = false): void {
  const findingsOf = (set: RuleSet) => (isShallow ? set.findings : allFindings(set));
  const known = new Set(findingsOf(before).map(printFinding));
  const news = findingsOf(next).filter((finding) => !known.has(printFinding(finding)));
  for (const { code, severity, message, at } of news.slice(0, MAX_LOGGED))
    logger[severity === "warning" ? "warn" : severity](`${at}: ${message}`, { code });
  if (news.length > MAX_LOGGED)
    logger.warn(`${news.length - MAX_LOGGED} more findings on rules; the admin API has them`);
  if (next.loaded) logger.info("rules taken up", { rules: next.rules.length, files: next.files.length });
}

function sameText(a: readonly Finding[], b: readonly Finding[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function allFindings({ findings, rules }: RuleSet): readonly Finding[] {
  return [...findings, ...analyzeRules(rules, undefined)];
}

function printFinding({ code, at, message }: Finding): string {
  return `${code} ${at} ${message}`;
}

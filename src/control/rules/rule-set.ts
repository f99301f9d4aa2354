import type { Finding } from "../../model/entry.ts";
import type { Rule } from "../../model/rule.ts";
import { compareText, ruleFinding } from "./findings.ts";
import type { ParsedFile } from "./parse.ts";

/** What is known of one rule file. */
export interface RuleFileState {
  readonly path: string;
  /** The rules in force: those of its newest text that could be used. */
  readonly rules: readonly Rule[];
  /** Of its newest text. */
  readonly findings: readonly Finding[];
  /** False while the newest text is wrong. */
  readonly valid: boolean;
}

/** All rules in force and what is wrong with their files. */
export interface RuleSet {
  /** Oldest first, see {@link oldestFirst}. */
  readonly rules: readonly Rule[];
  readonly findings: readonly Finding[];
  /** Sorted by path. */
  readonly files: readonly RuleFileState[];
  /** True once every file was read for the first time. */
  readonly loaded: boolean;
}

/** Before anything was read. */
export const NO_RULES: RuleSet = { rules: [], findings: [], files: [], loaded: false };

/** Takes a file's newest text: a wrong one keeps the rules that were in force and says so. `start` is 0 for what has no lines. */
export function takeFile(
  path: string,
  before: RuleFileState | undefined,
  parsed: ParsedFile,
  start = 1,
): RuleFileState {
  if (parsed.valid) return { path, rules: parsed.rules, findings: parsed.findings, valid: true };
  const rules = before?.rules ?? [];
  const kept = `${path} is not taken up: ${rules.length === 0 ? "none of its rules is in force" : `the ${rules.length} rules of its last good state stay in force`}`;
  const findings = [...parsed.findings, ruleFinding("TR0215", { file: path, line: start, column: start }, kept)];
  return { path, rules, findings, valid: false };
}

/** Joins the files; `faults` are of folders and files that can't be read at all. */
export function joinFiles(states: Iterable<RuleFileState>, faults: readonly Finding[]): RuleSet {
  const files = [...states].sort((a, b) => compareText(a.path, b.path));
  return {
    rules: oldestFirst(files.flatMap(({ rules }) => rules)),
    findings: [...faults, ...files.flatMap(({ findings }) => findings)],
    files,
    loaded: true,
  };
}

/** Sorts by `metadata.creationTimestamp`; rules without one are younger than all others, in the order given. */
export function oldestFirst(rules: readonly Rule[]): Rule[] {
  const age = (rule: Rule): number => rule.createdAtMs ?? Number.MAX_SAFE_INTEGER;
  return [...rules].sort((a, b) => age(a) - age(b));
}

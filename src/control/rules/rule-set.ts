import type { Finding } from "../../model/entry.ts";
import type { PolicyRule, Rule } from "../../model/rule.ts";
import { UNNAMED } from "./closed-policies.ts";
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
  /** No text of it was right since the start: what is in force of it is what stands in for its policies. */
  readonly standsIn?: boolean;
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

/** How a text is taken. */
export interface Taking {
  /** 0 for what has no lines. */
  readonly start?: 0 | 1;
  /** Nothing was read before: a text that is wrong has no last good state that could have been kept. */
  readonly isFirst?: boolean;
}

/**
 * Takes a file's newest text: a wrong one keeps the rules that were in force and says so. One that is wrong from the start has what stands in for
 * its policies in force, so that nobody gets by them because Trestle was started anew.
 */
export function takeFile(
  path: string,
  before: RuleFileState | undefined,
  parsed: ParsedFile,
  { start = 1, isFirst = false }: Taking = {},
): RuleFileState {
  const { findings, standIns } = parsed;
  if (parsed.valid) return { path, rules: parsed.rules, findings, valid: true };
  const at = { file: path, line: start, column: start };
  if (standIns !== undefined && (before?.standsIn ?? isFirst)) {
    const { right, closed } = standIns;
    const kept =
      right.length === 0 ? "none of its rules is" : `of its rules the ${right.length} policies that are right are`;
    const told = ruleFinding("TR0215", at, `${path} is not taken up, and had no good state before: ${kept} in force`);
    const rules = [...right, ...closed];
    return { path, rules, findings: [...findings, told, ...closed.map(tellClosed)], valid: false, standsIn: true };
  }
  const rules = before?.rules ?? [];
  const kept = `${path} is not taken up: ${rules.length === 0 ? "none of its rules is in force" : `the ${rules.length} rules of its last good state stay in force`}`;
  return { path, rules, findings: [...findings, ruleFinding("TR0215", at, kept)], valid: false };
}

function tellClosed({ kind, namespace, name, at }: PolicyRule): Finding {
  const place = name === UNNAMED ? `a ${kind} of namespace ${namespace}` : `${kind} ${namespace}/${name}`;
  const what =
    kind === "PeerAuthentication"
      ? `providers of namespace ${namespace} take no plain text`
      : `no call to a service of namespace ${namespace} is let through`;
  const message = `${place} is wrong and had no good state before: until it is mended or taken away ${what} (of the whole mesh, if that is its root namespace)`;
  return ruleFinding("TR0278", at.position, message);
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

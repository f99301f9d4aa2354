import type { Finding } from "../../model/entry.ts";
import type { PolicyRule, Rule } from "../../model/rule.ts";
import { UNNAMED } from "./closed-policies.ts";
import { compareText, createFindingList, ruleFinding } from "./findings.ts";
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
  /** The same, and which policies it may hold can't be told: nothing may begin before that is known. */
  readonly isUnknown?: true;
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
  const { findings, standIns, isUnknown } = parsed;
  if (parsed.valid) return { path, rules: parsed.rules, findings, valid: true };
  const at = { file: path, line: start, column: start };
  if (standIns !== undefined && (isFirst || isUnknown !== true) && (before?.standsIn ?? isFirst)) {
    const { right, closed } = standIns;
    const told = createFindingList();
    const kept =
      right.length === 0 ? "none of its rules is" : `of its rules the ${right.length} policies that are right are`;
    if (isUnknown) told.report("TR0279", at, tellUnknown(path));
    else told.report("TR0215", at, `${path} is not taken up, and had no good state before: ${kept} in force`);
    for (const one of closed) told.report("TR0278", one.at.position, tellClosed(one));
    const state = { path, rules: [...right, ...closed], findings: [...findings, ...told.list()], valid: false };
    return { ...state, standsIn: true, ...(isUnknown && { isUnknown }) };
  }
  const rules = before?.rules ?? [];
  const kept = `${path} is not taken up: ${rules.length === 0 ? "none of its rules is in force" : `the ${rules.length} rules of its last good state stay in force`}`;
  const standsIn = before?.standsIn === true && { standsIn: true };
  return { path, rules, findings: [...findings, ruleFinding("TR0215", at, kept)], valid: false, ...standsIn };
}

/** What follows from not knowing what a path holds. */
export function tellUnknown(path: string): string {
  return `policies may stand in ${path}, and had no good state before: nothing is served until it can be read, is taken away, or is no more among \`rules\``;
}

function tellClosed({ kind, namespace, name, selector, at, ...more }: PolicyRule): string {
  const place = name === UNNAMED ? `a ${kind} of namespace ${namespace}` : `${kind} ${namespace}/${name}`;
  const isChosen = selector !== undefined || ("targets" in more && more.targets.length > 0);
  const whose = isChosen ? `of namespace ${namespace} that it chooses` : `of namespace ${namespace}`;
  return `${place} is wrong and had no good state before: until it is mended or taken away ${WHAT_CLOSES[kind](whose)} (of the whole mesh, if that is its root namespace)`;
}

const NO_CALL = (whose: string): string => `no call to a service ${whose} is let through`;
const WHAT_CLOSES: Readonly<Record<PolicyRule["kind"], (whose: string) => string>> = {
  AuthorizationPolicy: NO_CALL,
  DubboAuthorizationPolicy: NO_CALL,
  PeerAuthentication: (whose) => `providers ${whose} take no plain text`,
  RequestAuthentication: (whose) => `no call with a token to a service ${whose} is let through by it`,
  SerializationGuard: (whose) =>
    `calls to services ${whose} are held to the classes denied by default, and to what can be read of it`,
};

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

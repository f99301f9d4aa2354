import { createReadStream } from "node:fs";
import { type Clock, realClock } from "../base/clock.ts";
import { Latest } from "../base/latest.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { createPathWatch, type PathScan, reasonOf } from "./path-watch.ts";
import { isSameSet, tellChange } from "./rule-changes.ts";
import { ruleFinding } from "./rules/findings.ts";
import { MAX_FILE_BYTES, type ParsedFile, parseRules } from "./rules/parse.ts";
import { joinFiles, NO_RULES, type RuleFileState, type RuleSet, takeFile, tellUnknown } from "./rules/rule-set.ts";

/** Rule files and folders, followed. */
export interface RuleFiles {
  /** The rules in force; `loaded` once nothing is left of which it is not known whether policies stand in it. */
  readonly current: Latest<RuleSet>;
  /** Looks at once instead of waiting for the next event or poll. */
  rescan(): Promise<void>;
  /** Follows other files and folders from now on; rules of paths that are no longer among them go. */
  setPaths(paths: readonly string[]): void;
  close(): void;
}

/** Which files are followed and how closely. */
export interface RuleFilesOptions {
  /** Files and folders; folders are read with all that is under them. */
  readonly paths: readonly string[];
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How often everything is looked at, ms; file system events make it sooner. */
  readonly pollMs?: number;
  /** How long a file must stay as it is before it is read, or gone before its rules go, ms: editors write in steps. */
  readonly settleMs?: number;
  /** Nobody goes by these rules: what can't be read holds nothing up. */
  readonly isOptional?: boolean;
}

const MAX_FILES = 10_000;
const RULE_FILE = /\.(ya?ml|json)$/i;

/** What was seen of one file, and what it became. */
interface Followed {
  /** Identity, size and times of the text that was read last. */
  read: string;
  /** What it looked like at the last look. */
  seen: string;
  root: string;
  state: RuleFileState | undefined;
}

/**
 * Reads rules from files and folders and follows them: a change is in force within a second. A wrong file keeps its last
 * good state, and so does everything under a path that can't be read; a file that was removed takes its rules along. What can't be read from the
 * start on may be policies: until it can, or is gone, the rules are not `loaded`. A path at which nothing stands has none, as an empty folder has not.
 */
export function createRuleFiles(options: RuleFilesOptions): RuleFiles {
  const { clock = realClock, logger = silentLogger, isOptional = false } = options;
  const current = new Latest<RuleSet>(NO_RULES);
  const followed = new Map<string, Followed>();
  let closed = false;

  const look = async (scan: PathScan): Promise<boolean> => {
    const settled = await takeUp(scan, followed, !current.get().loaded);
    if (!closed) publish(scan);
    return settled;
  };

  const publish = (scan: PathScan): void => {
    const before = current.get();
    const isFirst = !before.loaded;
    const isUnknownPath = (path: string) => isFirst && !scan.missing.has(path);
    const faults = [...scan.unreadable].flatMap(([path, why]) => {
      const at = { file: path, line: 1, column: 1 };
      const fault = ruleFinding("TR0201", at, `${path} can't be read: ${why}`);
      return isUnknownPath(path) ? [fault, ruleFinding("TR0279", at, tellUnknown(path))] : [fault];
    });
    const states = [...followed.values()].flatMap(({ state }) => (state === undefined ? [] : [state]));
    const isUnknown = [...scan.unreadable.keys()].some(isUnknownPath) || states.some((state) => state.isUnknown);
    const isHeld = isFirst && !isOptional && isUnknown;
    const next = { ...joinFiles(states, faults), loaded: !isHeld };
    if (isSameSet(before, next)) return;
    tellChange(before, next, logger);
    current.set(next);
  };

  const { paths, pollMs, settleMs } = options;
  const watch = createPathWatch({
    ...{ paths, names: RULE_FILE, what: "rule files", maxFiles: MAX_FILES, look, clock },
    ...(pollMs !== undefined && { pollMs }),
    ...(settleMs !== undefined && { settleMs }),
  });
  return {
    current,
    rescan: () => watch.rescan(),
    setPaths: (next) => watch.setPaths(next),
    close() {
      closed = true;
      watch.close();
      current.close();
    },
  };
}

/** Reads what changed and stayed so for two looks; false where something has yet to settle. */
async function takeUp(scan: PathScan, followed: Map<string, Followed>, first: boolean): Promise<boolean> {
  let settled = true;
  for (const [path, { root, signature, bytes }] of scan.files) {
    const file = followed.get(path) ?? { read: "", seen: "", root, state: undefined };
    followed.set(path, file);
    const changed = file.read !== signature;
    if (changed && (first || file.seen === signature)) {
      const parsed = await readRules(path, bytes);
      // What keeps it from being read may be over before the file changes: it is tried again with each look.
      const isAgain = parsed.findings[0]?.code === "TR0201";
      const isKnown = isAgain && file.state?.findings[0]?.message === parsed.findings[0]?.message;
      if (!isKnown) file.state = takeFile(path, file.state, parsed, { isFirst: first });
      file.read = isAgain ? "" : signature;
    } else if (changed) settled = false;
    file.seen = signature;
  }
  for (const [path, file] of followed) {
    if (
      scan.files.has(path) ||
      [...scan.unreadable.keys()].some((broken) => path === broken || path.startsWith(`${broken}/`))
    )
      continue;
    if (file.seen === "gone") followed.delete(path);
    else settled = false;
    file.seen = "gone";
  }
  return settled;
}

async function readRules(path: string, bytes: number): Promise<ParsedFile> {
  const fault = (code: "TR0201" | "TR0202" | "TR0216", message: string): ParsedFile => ({
    rules: [],
    findings: [ruleFinding(code, { file: path, line: 1, column: 1 }, message)],
    valid: false,
    standIns: { right: [], closed: [] },
    isUnknown: true,
  });
  if (bytes > MAX_FILE_BYTES) return fault("TR0216", `${path} has ${bytes} bytes, over the limit of ${MAX_FILE_BYTES}`);
  try {
    const content = await readBounded(path);
    if (content.length > MAX_FILE_BYTES) return fault("TR0216", `${path} has over ${MAX_FILE_BYTES} bytes, the limit`);
    return parseRules(path, new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch (error) {
    if (error instanceof TypeError) return fault("TR0202", `${path} is no UTF-8 text`);
    return fault("TR0201", `${path} can't be read: ${reasonOf(error)}`);
  }
}

/** One byte more than a file may have at most: what a pipe gives, and what a file has become meanwhile, is not known before. */
async function readBounded(path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(path, { end: MAX_FILE_BYTES })) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

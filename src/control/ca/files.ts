import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createPathWatch, type PathScan, reasonOf } from "../path-watch.ts";
import { AUTHORITY_FILES, type AuthorityTexts } from "./authority.ts";

/** Files that are read together, followed. */
export interface FollowedFiles {
  /** Looks at once instead of waiting for the next event or poll. */
  rescan(): Promise<void>;
  close(): void;
}

/** Which files are followed and what takes them. */
export interface FollowOptions {
  readonly paths: readonly string[];
  /**
   * Takes the texts, in the order of the paths, whenever one has changed and none has since the look before; a missing file is
   * undefined. What it throws is logged, and the files are looked at again when they change.
   */
  readonly take: (texts: readonly (string | undefined)[]) => void;
  /** How to call them in logs. */
  readonly what: string;
  readonly logger: Logger;
  /** Hears why they can't be used, and with undefined that they can be again. */
  readonly onFault?: (reason: string | undefined) => void;
  readonly clock?: Clock;
  readonly pollMs?: number;
}

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Follows some files as one: what holds a part of the new and a part of the old is not taken as long as it changes. */
export function followFiles({ take, what, logger, clock, pollMs = 1_000, ...options }: FollowOptions): FollowedFiles {
  const paths = options.paths.map((path) => normalize(path));
  /** Where people look: the file, or the folder of several. */
  const path = paths.length === 1 ? paths[0]! : dirname(paths[0] ?? "");
  let seen: string | undefined;
  let taken: string | undefined;
  let said = "";

  const look = async ({ files }: PathScan): Promise<boolean> => {
    const now = JSON.stringify(paths.map((path) => files.get(path)?.signature ?? null));
    const isFirst = taken === undefined;
    const isSettled = now === seen || isFirst;
    seen = now;
    if (now === taken) return true;
    if (!isSettled) return false;
    taken = now;
    try {
      const tooLarge = paths.find((path) => (files.get(path)?.bytes ?? 0) > MAX_FILE_BYTES);
      if (tooLarge !== undefined) throw new Error(`${tooLarge} is over ${MAX_FILE_BYTES} bytes`);
      take(await Promise.all(paths.map((path) => (files.has(path) ? readFile(path, "utf8") : undefined))));
      if (said !== "") logger.info(`${what} can be used again`);
      said = "";
      options.onFault?.(undefined);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== said) logger.error(`${what} can't be used; what was read before stays`, { path, reason });
      said = reason;
      options.onFault?.(reason.includes(path) ? reason : `${path}: ${reason}`);
    }
    return true;
  };

  return createPathWatch({
    paths,
    names: /./,
    what,
    maxFiles: 100,
    look,
    pollMs,
    ...(clock !== undefined && { clock }),
  });
}

/** The paths of an authority's files in a folder, in the order of {@link textsOf}. */
export function authorityPaths(folder: string): readonly string[] {
  return Object.values(AUTHORITY_FILES).map((name) => join(folder, name));
}

/** Texts of {@link authorityPaths} by what they are; a missing file is empty. */
export function textsOf(texts: readonly (string | undefined)[]): AuthorityTexts {
  return Object.fromEntries(
    Object.keys(AUTHORITY_FILES).map((part, i) => [part, texts[i] ?? ""]),
  ) as unknown as AuthorityTexts;
}

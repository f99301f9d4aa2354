import { type FSWatcher, watch as watchPath } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, realClock, type Timer } from "../base/clock.ts";

const MAX_DEPTH = 16;
const MAX_WATCHED_FOLDERS = 256;

/** A file that was found. */
export interface ScannedFile {
  /** The path of the list that it is, or that it stands under. */
  readonly root: string;
  /** Its identity, size and times; another one means other content. */
  readonly signature: string;
  readonly bytes: number;
}

/** What was found under the paths. */
export interface PathScan {
  readonly files: ReadonlyMap<string, ScannedFile>;
  readonly folders: ReadonlySet<string>;
  /** Roots and folders that can't be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Of these the roots at which nothing stands. */
  readonly missing: ReadonlySet<string>;
}

/** Files and folders, followed. */
export interface PathWatch {
  /** Looks at once instead of waiting for the next event or poll. */
  rescan(): Promise<void>;
  /** Follows other files and folders from now on. */
  setPaths(paths: readonly string[]): void;
  close(): void;
}

/** What is followed, how closely, and what looks at it. */
export interface PathWatchOptions {
  /** Files and folders; folders are read with all that is under them. */
  readonly paths: readonly string[];
  /** Which names in folders count; a file that is in `paths` counts whatever its name is. */
  readonly names: RegExp;
  /** How to call them where there are over `maxFiles`, such as `rule files`. */
  readonly what: string;
  readonly maxFiles: number;
  /** Looks at what was found; false where something has yet to settle, so that the next look is soon. */
  readonly look: (scan: PathScan) => Promise<boolean>;
  readonly clock?: Clock;
  /** How often everything is looked at, ms; file system events make it sooner. */
  readonly pollMs?: number;
  /** When to look again after a look that was not settled, ms. */
  readonly settleMs?: number;
}

/** Follows paths: `look` is called with what is there at the first {@link PathWatch.rescan}, soon after each change, and with each poll; never twice at a time. */
export function createPathWatch(options: PathWatchOptions): PathWatch {
  const { clock = realClock, pollMs = 400, settleMs = 60 } = options;
  let { paths } = options;
  const watchers = new Map<string, FSWatcher>();
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  const lookIn = (delayMs: number): void => {
    timer?.cancel();
    if (!closed) timer = clock.after(delayMs, () => void rescan());
  };

  const rescan = (): Promise<void> => {
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = lookNow().finally(() => {
      running = undefined;
      if (again) {
        again = false;
        lookIn(0);
      }
    });
    return running;
  };

  const lookNow = async (): Promise<void> => {
    const scan = await scanPaths(paths, options);
    if (closed) return;
    const settled = await options.look(scan);
    if (closed) return;
    followFolders(scan.folders);
    lookIn(settled ? pollMs : settleMs);
  };

  const followFolders = (folders: ReadonlySet<string>): void => {
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of folders) {
      if (watchers.has(folder) || watchers.size >= MAX_WATCHED_FOLDERS) continue;
      try {
        const watcher = watchPath(folder, { persistent: false }, () => lookIn(10));
        // A watcher that fails (limits, a folder gone) costs only time: the poll sees the change.
        watcher.on("error", () => watchers.delete(folder));
        watchers.set(folder, watcher);
      } catch {
        break;
      }
    }
  };

  return {
    rescan,
    setPaths(next) {
      paths = next;
      lookIn(0);
    },
    close() {
      closed = true;
      timer?.cancel();
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

async function scanPaths(
  paths: readonly string[],
  { names: wanted, what, maxFiles }: PathWatchOptions,
): Promise<PathScan> {
  const files = new Map<string, ScannedFile>();
  const folders = new Set<string>();
  const unreadable = new Map<string, string>();
  const missing = new Set<string>();

  const visit = async (path: string, root: string, above: readonly string[]): Promise<void> => {
    try {
      const found = await stat(path, { bigint: true });
      if (found.isDirectory()) {
        if (above.length > MAX_DEPTH) throw new Error(`it is nested over ${MAX_DEPTH} folders deep`);
        // A link that leads back to a folder that it stands in has nothing new.
        const identity = `${found.dev} ${found.ino}`;
        if (above.includes(identity)) return;
        folders.add(path);
        // Names with a leading dot are editors' and a ConfigMap's own; its files are links into them and are followed.
        const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
        for (const name of names) await visit(join(path, name), root, [...above, identity]);
      } else if (path === root || wanted.test(path)) {
        // One that is named itself may be a pipe, as shells make them of a command's output.
        if (path !== root && !found.isFile()) throw new Error("it is no file");
        if (files.size >= maxFiles) throw new Error(`over ${maxFiles} ${what}`);
        if (path === root) folders.add(dirname(path));
        const signature = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
        files.set(path, { root, signature, bytes: Number(found.size) });
      }
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      // A file that went between listing and looking is simply gone.
      if (path !== root && isMissing) return;
      if (isMissing) missing.add(path);
      unreadable.set(path, reasonOf(error));
    }
  };

  for (const root of paths) await visit(join(root), join(root), []);
  return { files, folders, unreadable, missing };
}

/** Why a file could not be read, in words for people. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file or folder";
  if (code === "EACCES") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

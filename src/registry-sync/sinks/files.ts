import { createHash } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { TransientError } from "../../base/errors.ts";
import type { Entry } from "../../model/entry.ts";
import type { Changes, Sink, StoredEntry } from "../contracts.ts";
import { fromServiceEntry, toServiceEntry } from "../service-entry.ts";

/** Where a files sink writes, and as whom. */
export interface FilesSinkOptions {
  readonly directory: string;
  /** Legal as a Kubernetes label's value. */
  readonly owner: string;
}

const ENDING = ".yaml";
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 200_000;
/** File systems take 255 bytes in a name. */
const MAX_NAME = 255;

/**
 * A folder of Istio ServiceEntry files, one for each entry, named after its host. A file is replaced whole: written beside
 * it, forced to disk, renamed; a reader sees the old text or the new one. Files that do not carry the owner are never
 * changed or deleted, whatever they are called. The folder is made when there is something to write.
 */
export function createFilesSink({ directory, owner }: FilesSinkOptions): Sink {
  const known = new WeakMap<Entry, Entry>();
  return {
    name: `files=${directory}`,
    async current() {
      return reachable(directory, async () => {
        const names = (await listOf(directory)).filter((name) => name.endsWith(ENDING) && !name.startsWith("."));
        if (names.length > MAX_FILES) throw new Error(`${names.length} files are over the limit of ${MAX_FILES}`);
        const stored: StoredEntry[] = [];
        for (const name of names.sort()) stored.push(await readStored(directory, name));
        return stored;
      });
    },
    async apply(changes: Changes) {
      await reachable(directory, () => applyAll(directory, owner, changes));
    },
    stored(entry) {
      const before = known.get(entry);
      if (before !== undefined) return before;
      const kept = fromServiceEntry(toServiceEntry(entry, owner))?.entry ?? entry;
      known.set(entry, kept);
      return kept;
    },
  };
}

/** An entry's YAML text: the same for equal entries. */
export function printServiceEntry(entry: Entry, owner: string): string {
  return stringify(toServiceEntry(entry, owner), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The name of an entry's file; a host too long for a file name is cut and told apart by a hash. */
export function fileNameOf(host: string): string {
  if (host.length + ENDING.length <= MAX_NAME - TEMP_MARK.length) return `${host}${ENDING}`;
  const hash = createHash("sha256").update(host).digest("hex").slice(0, 16);
  return `${host.slice(0, 200)}-${hash}${ENDING}`;
}

const TEMP_MARK = ".tmp-";

async function applyAll(directory: string, owner: string, changes: Changes): Promise<void> {
  const writes = [...changes.create, ...changes.update.map((update) => update.after)];
  const refused: string[] = [];
  await mkdir(directory, { recursive: true });
  for (const entry of writes) {
    const name = fileNameOf(entry.host);
    if (await isForeign(directory, name, owner)) refused.push(name);
    else await replaceFile(directory, name, printServiceEntry(entry, owner));
  }
  for (const entry of changes.delete) {
    const name = fileNameOf(entry.host);
    if (await isForeign(directory, name, owner)) refused.push(name);
    else await rm(join(directory, name), { force: true });
  }
  await syncFolder(directory);
  if (refused.length > 0)
    throw new Error(`${refused.slice(0, 3).join(", ")} belong to someone else and were left alone`);
}

async function replaceFile(directory: string, name: string, text: string): Promise<void> {
  const temporary = join(directory, `.${name.slice(0, MAX_NAME - TEMP_MARK.length - 10)}${TEMP_MARK}${process.pid}`);
  const file = await open(temporary, "w", 0o644);
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
}

/** Makes renames and deletions last; file systems that cannot do it for folders are taken as they are. */
async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, "r");
  try {
    await folder.sync();
  } catch {
    return;
  } finally {
    await folder.close();
  }
}

async function isForeign(directory: string, name: string, owner: string): Promise<boolean> {
  const stored = await readStored(directory, name).catch((error) =>
    isMissing(error) ? undefined : Promise.reject(error),
  );
  return stored !== undefined && stored.owner !== owner;
}

/** What a file holds; of one that is no ServiceEntry, too big or no regular file, only that it stands in the way. */
async function readStored(directory: string, name: string): Promise<StoredEntry> {
  const path = join(directory, name);
  const host = name.slice(0, -ENDING.length);
  const status = await lstat(path);
  if (!status.isFile() || status.size > MAX_FILE_BYTES) return { host, owner: "", entry: undefined };
  const read = readServiceEntryText(await readFile(path, "utf8"));
  if (read === undefined || fileNameOf(read.host) !== name) return { host, owner: "", entry: undefined };
  return read;
}

function readServiceEntryText(text: string): StoredEntry | undefined {
  try {
    return fromServiceEntry(parse(text, { maxAliasCount: 0, logLevel: "silent" }));
  } catch {
    return undefined;
  }
}

async function listOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function reachable<T>(directory: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new TransientError(`files sink ${directory}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

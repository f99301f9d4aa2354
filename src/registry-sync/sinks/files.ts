import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TransientError } from "../../base/errors.ts";
import type { Entry } from "../../model/entry.ts";
import type { Changes, Sink, StoredEntry } from "../contracts.ts";
import { fromServiceEntry, toServiceEntry } from "../entries/service-entry.ts";
import type { ServiceEntryStyle } from "../entries/service-entry-forms.ts";
import { printYaml, readYaml } from "./plain-yaml.ts";

/** Where a files sink writes, and as whom. */
export interface FilesSinkOptions {
  readonly directory: string;
  /** Legal as a Kubernetes label's value. */
  readonly owner: string;
  /** Whose form the entries have; Trestle's own unless told. */
  readonly style?: ServiceEntryStyle;
}

const ENDING = ".yaml";
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 200_000;
/** File systems take 255 bytes in a name. */
const MAX_NAME = 255;
/** Files that are written, or read, at a time. */
const AT_ONCE = 8;

/**
 * A folder of Istio ServiceEntry files, one for each entry, named after its host. A file is replaced whole: written beside
 * it, forced to disk, renamed; a reader sees the old text or the new one. Files that do not carry the owner are never
 * changed or deleted, whatever they are called. The folder is made when there is something to write.
 */
export function createFilesSink({ directory, owner, style }: FilesSinkOptions): Sink {
  const own: OwnFiles = new Map();
  return {
    name: `files=${directory}`,
    async current() {
      return reachable(directory, async () => {
        const names = (await listOf(directory)).filter((name) => name.endsWith(ENDING) && !name.startsWith("."));
        if (names.length > MAX_FILES) throw new Error(`${names.length} files are over the limit of ${MAX_FILES}`);
        own.clear();
        const stored: StoredEntry[] = [];
        await forEachOf(names.sort(), async (name, index) => {
          const { mark, ...found } = await readStored(directory, name);
          stored[index] = found;
          if (found.owner === owner && mark !== undefined) own.set(name, mark);
        });
        return stored;
      });
    },
    async apply(changes: Changes) {
      await reachable(directory, () => applyAll({ directory, owner, style, own }, changes));
    },
    stored(entry) {
      return fromServiceEntry(toServiceEntry(entry, owner, style))?.entry ?? entry;
    },
  };
}

/** An entry's YAML text: the same for equal entries. */
export function printServiceEntry(entry: Entry, owner: string, style?: ServiceEntryStyle): string {
  return printYaml(toServiceEntry(entry, owner, style));
}

/**
 * The name of an entry's file in its folder. A host too long for a file name is cut and told apart by a hash; so is one that naming
 * styles made of what anybody may register and that names another folder, a hidden file or no file at all.
 */
export function fileNameOf(host: string): string {
  const isPlain = !NOT_IN_NAMES.test(host);
  if (isPlain && Buffer.byteLength(host) + ENDING.length <= MAX_NAME - TEMP_MARK.length) return `${host}${ENDING}`;
  const hash = createHash("sha256").update(host).digest("hex").slice(0, 16);
  const stem = host.replace(/[^A-Za-z0-9.:_@-]/g, "-").replace(/^\./, "-");
  return `${stem.slice(0, 200)}-${hash}${ENDING}`;
}

const NOT_IN_NAMES = /^\.|[/\\\x00-\x1f\x7f]/;

const TEMP_MARK = ".tmp-";

/** The files that are known to be ours, each by what it was when it was read or written last: one that somebody replaced is another. */
type OwnFiles = Map<string, string>;

interface Folder extends Omit<FilesSinkOptions, "style"> {
  readonly own: OwnFiles;
  readonly style: ServiceEntryStyle | undefined;
}

async function applyAll(folder: Folder, changes: Changes): Promise<void> {
  const { directory, owner, style, own } = folder;
  const refused: string[] = [];
  await mkdir(directory, { recursive: true });
  await forEachOf([...changes.create, ...changes.update.map((update) => update.after)], async (entry) => {
    const name = fileNameOf(entry.host);
    if (await isForeign(folder, name)) refused.push(name);
    else own.set(name, await replaceFile(directory, name, printServiceEntry(entry, owner, style)));
  });
  await forEachOf(changes.delete, async (entry) => {
    const name = fileNameOf(entry.host);
    if (await isForeign(folder, name)) refused.push(name);
    else await rm(join(directory, name), { force: true });
    own.delete(name);
  });
  await syncFolder(directory);
  if (refused.length > 0)
    throw new Error(`${refused.sort().slice(0, 3).join(", ")} belong to someone else and were left alone`);
}

/** Runs a few at a time. After a failure no more are begun, and those under way are waited for. */
async function forEachOf<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        await run(items[index]!, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, runner));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Gives the new file's mark. */
async function replaceFile(directory: string, name: string, text: string): Promise<string> {
  const stem = Buffer.byteLength(name) <= 200 ? name : createHash("sha256").update(name).digest("hex");
  const temporary = join(directory, `.${stem}${TEMP_MARK}${process.pid}`);
  const file = await open(temporary, "w", 0o644);
  let mark: string;
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
    mark = markOf(await file.stat());
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
  return mark;
}

function markOf({ ino, size, mtimeMs }: Pick<Stats, "ino" | "size" | "mtimeMs">): string {
  return `${ino} ${size} ${mtimeMs}`;
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

async function isForeign({ directory, owner, own }: Folder, name: string): Promise<boolean> {
  try {
    const known = own.get(name);
    if (known !== undefined && markOf(await lstat(join(directory, name))) === known) return false;
    return (await readStored(directory, name)).owner !== owner;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What a file holds, with its mark; of one that is no ServiceEntry, too big or no regular file, only that it stands in the way. */
async function readStored(directory: string, name: string): Promise<StoredEntry & { readonly mark?: string }> {
  const path = join(directory, name);
  const host = name.slice(0, -ENDING.length);
  const status = await lstat(path);
  if (!status.isFile() || status.size > MAX_FILE_BYTES) return { host, owner: "", entry: undefined };
  const read = readServiceEntryText(await readFile(path, "utf8"));
  if (read === undefined || fileNameOf(read.host) !== name) return { host, owner: "", entry: undefined };
  return { ...read, mark: markOf(status) };
}

function readServiceEntryText(text: string): StoredEntry | undefined {
  try {
    return fromServiceEntry(readYaml(text));
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

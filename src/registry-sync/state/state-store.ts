import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Entry, World } from "../../model/entry.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import {
  printStateEntry,
  printStateGone,
  printStateHead,
  printStateNoSchema,
  printStateSchema,
  readStateText,
  stateIdOf,
} from "./state-text.ts";

/** Where the last good worlds are kept, and how often. */
export interface StateStoreOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Least time between two writes, ms; 5,000 unless told. */
  readonly pauseMs?: number;
  /** Whether files are left as they are, damaged ones too. */
  readonly isReader?: boolean;
}

/** What was last known of each registry, over restarts. */
export interface StateStore {
  /** What was kept of a registry; undefined where nothing was, or where it is damaged: that is told, and the file put aside. */
  load(registry: string): Promise<World | undefined>;
  /** These are the guarded worlds now. What changed is written a few seconds later at most. */
  note(worlds: readonly World[]): void;
  /** Writes what is still waiting. */
  close(): Promise<void>;
}

const MAX_BYTES = 512 * 1024 * 1024;
/** Lines that are written in one go while a file is made anew. */
const SLICE = 500;
/** A file of fewer lines is not made anew because some of them no longer count. */
const FEW_LINES = 1_000;

/**
 * Keeps the guarded world of each registry in a file of its own in `directory`/worlds, as lines that are appended: a write costs what
 * changed. A file is made anew, beside the old one and then in its place, when over half of its lines no longer count. Files hold
 * tokens, so only their owner may read them (mode 0600).
 */
export function createStateStore(options: StateStoreOptions): StateStore {
  return new FileStateStore(options);
}

/** What is known to stand in one file. */
interface Kept {
  readonly path: string;
  readonly entries: Map<string, Entry>;
  readonly schemas: Map<string, ServiceSchema>;
  lines: number;
}

class FileStateStore implements StateStore {
  readonly #options: StateStoreOptions;
  readonly #folder: string;
  readonly #kept = new Map<string, Kept>();
  #waiting: readonly World[] = [];
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(options: StateStoreOptions) {
    this.#options = options;
    this.#folder = join(options.directory, "worlds");
  }

  async load(registry: string): Promise<World | undefined> {
    const path = join(this.#folder, fileNameOf(registry));
    const text = await this.#read(path);
    if (text === undefined) return undefined;
    const read = readStateText(text, registry);
    if (typeof read === "string") {
      await this.#putAside(path, read);
      return undefined;
    }
    const { entries, schemas, lines } = read;
    this.#kept.set(registry, {
      path,
      entries: new Map(entries.map((entry) => [stateIdOf(entry), entry])),
      schemas: new Map(schemas.map((schema) => [schema.name, schema])),
      // A last line that was cut off would spoil the one behind it: such a file is made anew.
      lines: text.endsWith("\n") ? lines : Number.POSITIVE_INFINITY,
    });
    return Object.freeze({
      name: registry,
      entries: Object.freeze(entries),
      consumers: [],
      findings: [],
      ...(schemas.length > 0 && { schemas }),
    });
  }

  note(worlds: readonly World[]): void {
    if (this.#isClosed) return;
    this.#waiting = worlds;
    this.#writeSoon();
  }

  #writeSoon(): void {
    this.#timer ??= this.#options.clock.after(this.#options.pauseMs ?? 5_000, () => {
      this.#timer = undefined;
      this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#write());
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    const worlds = this.#waiting;
    this.#waiting = [];
    const { directory, logger } = this.#options;
    try {
      for (const world of worlds) await this.#writeWorld(world);
      if (this.#isFailing) logger.info("the last good state is kept again", { data: directory });
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        logger.warn("the last good state cannot be kept; a start without registries would know less", {
          data: directory,
          reason: error instanceof Error ? error.message : String(error),
        });
      this.#isFailing = true;
      this.#kept.clear();
      // What could not be written is tried again by itself: it may be long until something else changes.
      if (this.#waiting.length === 0) this.#waiting = worlds;
      if (!this.#isClosed) this.#writeSoon();
    }
  }

  async #writeWorld(world: World): Promise<void> {
    const kept = this.#kept.get(world.name);
    const lines = kept === undefined ? [] : changedLines(kept, world);
    if (kept !== undefined && lines.length === 0) return;
    const needed = world.entries.length + (world.schemas?.length ?? 0);
    if (kept === undefined || kept.lines + lines.length > 2 * needed + FEW_LINES) await this.#makeAnew(world);
    else {
      await append(kept.path, lines);
      kept.lines += lines.length;
      takeOver(kept, world);
    }
  }

  async #makeAnew(world: World): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, fileNameOf(world.name));
    // Another process on the folder has a file of its own beside this one.
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await writeAnew(temporary, world);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await rename(temporary, path);
    const kept: Kept = { path, entries: new Map(), schemas: new Map(), lines: 0 };
    takeOver(kept, world);
    kept.lines = 1 + kept.entries.size + kept.schemas.size;
    this.#kept.set(world.name, kept);
  }

  async #read(path: string): Promise<string | undefined> {
    try {
      const { size } = await stat(path);
      if (size > MAX_BYTES) throw new Error(`${size} bytes are over the limit of ${MAX_BYTES}`);
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      await this.#putAside(path, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  async #putAside(path: string, reason: string): Promise<void> {
    const aside = `${path}.damaged`;
    const moved =
      this.#options.isReader !== true &&
      (await rename(path, aside).then(
        () => true,
        () => false,
      ));
    this.#options.logger.warn("a file of the last good state cannot be used and is ignored", {
      file: moved ? aside : path,
      reason,
    });
  }
}

/** The lines that make what a file says what the world is. */
function changedLines({ entries, schemas }: Kept, world: World): string[] {
  const lines: string[] = [];
  const goneEntries = new Set(entries.keys());
  for (const entry of world.entries) {
    const id = stateIdOf(entry);
    goneEntries.delete(id);
    const before = entries.get(id);
    if (before === entry) continue;
    const line = printStateEntry(entry);
    if (before === undefined || printStateEntry(before) !== line) lines.push(line);
    else entries.set(id, entry);
  }
  for (const id of goneEntries) lines.push(printStateGone(id));
  const goneSchemas = new Set(schemas.keys());
  for (const schema of world.schemas ?? []) {
    goneSchemas.delete(schema.name);
    const before = schemas.get(schema.name);
    if (before === schema) continue;
    const line = printStateSchema(schema);
    if (before === undefined || printStateSchema(before) !== line) lines.push(line);
    else schemas.set(schema.name, schema);
  }
  for (const name of goneSchemas) lines.push(printStateNoSchema(name));
  return lines;
}

function takeOver(kept: Kept, world: World): void {
  kept.entries.clear();
  for (const entry of world.entries) kept.entries.set(stateIdOf(entry), entry);
  kept.schemas.clear();
  for (const schema of world.schemas ?? []) kept.schemas.set(schema.name, schema);
}

/** `writeFile` goes on where a disk took a part of the text alone; `write` would say how much that was and leave it there. */
async function writeAnew(path: string, { name, entries, schemas = [] }: World): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(printStateHead(name));
    const writeAll = async <T>(items: readonly T[], print: (item: T) => string): Promise<void> => {
      for (let at = 0; at < items.length; at += SLICE) {
        const part = items.slice(at, at + SLICE);
        await file.writeFile(part.map(print).join(""));
      }
    };
    await writeAll(entries, printStateEntry);
    await writeAll(schemas, printStateSchema);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function append(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    await file.writeFile(lines.join(""));
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A registry's name as a file's: legal everywhere, told apart where it is long. */
function fileNameOf(registry: string): string {
  const name = encodeURIComponent(registry).replaceAll("*", "%2A").replace(/^\./, "%2E");
  if (name.length <= 150) return `${name}.jsonl`;
  return `${name.slice(0, 120)}-${createHash("sha256").update(registry).digest("hex").slice(0, 16)}.jsonl`;
}

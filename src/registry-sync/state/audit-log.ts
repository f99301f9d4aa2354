import { appendFile, type FileHandle, mkdir, open, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Changes, SyncState } from "../contracts.ts";
import { diffRows } from "../diff.ts";

/** One applied change. */
export interface AuditRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly sink: string;
  readonly host: string;
  /** The printed service key. */
  readonly service: string;
  readonly action: "create" | "update" | "delete";
  /** `+ endpoint`, `- endpoint` or `~ endpoint field: before -> after`; secrets are named, never shown. */
  readonly changed: readonly string[];
  /** How many more lines there were than are kept in `changed`; absent for none. */
  readonly more?: number;
  /** The registries whose endpoints it has or had. */
  readonly origins: readonly string[];
  /** `start`: taken over from before the start; `registry`: a registry changed; `guard`: the guard let go of what it held, or of an empty entry. */
  readonly why: SyncState["cause"];
}

/** Settings of {@link createAuditLog}. */
export interface AuditLogOptions {
  /** The folder whose `audit` holds the files. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A file over this is closed and another begun, bytes; 16 MiB unless told. */
  readonly maxFileBytes?: number;
  /** Older ones are deleted; 8 unless told. */
  readonly maxFiles?: number;
}

/** Writes down what was done to sinks. */
export interface AuditLog {
  /** Queues a record for each change; never throws. */
  note(sink: string, changes: Changes, state: Pick<SyncState, "cause">): void;
  /** Resolves when all that was queued is written. */
  close(): Promise<void>;
}

const CURRENT = "audit.jsonl";
const OLDER = /^audit\.(\d{1,6})\.jsonl$/;
/** Most lines of one change that are kept. */
const MAX_CHANGED = 200;
/** Most text that waits to be written; over this, records are dropped, and counted in the process' log. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Time after which a write that failed is tried again, ms. */
const RETRY_MS = 5_000;
const DEFAULT_FILE_BYTES = 16 * 1024 * 1024;
const DEFAULT_FILES = 8;

/**
 * Applied changes as JSON lines in `directory`/audit/audit.jsonl. A file that has grown over its limit becomes `audit.1.jsonl`, the one
 * before that `audit.2.jsonl`, and so on up to the limit of files. Files are for their owner alone (mode 0600).
 */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  const folder = join(options.directory, "audit");
  const { clock, logger, maxFileBytes = DEFAULT_FILE_BYTES, maxFiles = DEFAULT_FILES } = options;
  let waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let isFailing = false;
  let isClosed = false;
  let again: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const lines = waiting;
    const bytes = waitingBytes;
    waiting = [];
    waitingBytes = 0;
    if (lines.length === 0) return;
    try {
      await append(folder, lines.join(""), maxFileBytes, maxFiles);
      if (dropped > 0)
        logger.warn("changes were not written to the audit log, there were too many at once", { dropped });
      if (isFailing) logger.info("the audit log is written again", { folder });
      dropped = 0;
      isFailing = false;
    } catch (error) {
      if (!isFailing)
        logger.error("the audit log cannot be written; what waits for it is kept for a while", {
          folder,
          reason: error instanceof Error ? error.message : String(error),
        });
      isFailing = true;
      // They are the older ones; what came since is in its limit with them only as far as there is room.
      waiting = lines.concat(waiting);
      waitingBytes += bytes;
      for (; waitingBytes > MAX_WAITING_BYTES; dropped++) waitingBytes -= waiting.pop()!.length;
      if (!isClosed)
        again ??= clock.after(RETRY_MS, () => {
          again = undefined;
          writing = writing.then(write);
        });
    }
  };

  return {
    note(sink, changes, { cause }) {
      const time = new Date(clock.now()).toISOString();
      for (const record of auditRecords(time, sink, changes, cause)) {
        const line = `${JSON.stringify(record)}\n`;
        if (waitingBytes + line.length > MAX_WAITING_BYTES) {
          dropped++;
          continue;
        }
        waiting.push(line);
        waitingBytes += line.length;
      }
      if (again === undefined) writing = writing.then(write);
    },
    async close() {
      isClosed = true;
      again?.cancel();
      await writing;
      await write();
      const lost = waiting.length + dropped;
      if (lost > 0) logger.error("changes are missing in the audit log", { folder, missing: lost });
    },
  };
}

/** Writes all of the text or, as far as the disk lets us, none of it: a line that was cut off would spoil the one behind it. */
async function append(folder: string, text: string, maxFileBytes: number, maxFiles: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, CURRENT);
  const sizeOf = (): Promise<number> =>
    stat(path).then(
      (found) => found.size,
      () => 0,
    );
  let size = await sizeOf();
  if (size > 0 && size + text.length > maxFileBytes) {
    await rotate(folder, maxFiles);
    size = await sizeOf();
  }
  try {
    await appendFile(path, text, { mode: 0o600 });
  } catch (error) {
    await truncate(path, size).catch(() => {});
    throw error;
  }
}

/** The records of what was done at once. */
export function auditRecords(
  time: string,
  sink: string,
  changes: Changes,
  why: SyncState["cause"],
): readonly AuditRecord[] {
  const entries = [
    ...changes.create.map((entry) => [entry]),
    ...changes.update.map(({ before, after }) => [before, after]),
    ...changes.delete.map((entry) => [entry]),
  ];
  return diffRows(changes).map(({ change, host, service, details }, index) => {
    const origins = new Set(entries[index]!.flatMap(({ endpoints }) => endpoints.map(({ origin }) => origin)));
    return {
      time,
      sink,
      host,
      service,
      action: change,
      changed: details.slice(0, MAX_CHANGED),
      ...(details.length > MAX_CHANGED && { more: details.length - MAX_CHANGED }),
      origins: [...origins].sort(),
      why,
    };
  });
}

/** Which records {@link readAudit} gives. */
export interface AuditFilter {
  /** Text that the host or the service contains; any case. */
  readonly host?: string;
  /** Not before this time, ms since 1970. */
  readonly sinceMs?: number;
  /** Before this time, ms since 1970. */
  readonly untilMs?: number;
  /** The newest so many. */
  readonly last: number;
}

/** The newest records of a folder that fit, oldest first. Lines that are no records are left out. Throws where the folder cannot be read. */
export async function readAudit(directory: string, filter: AuditFilter): Promise<readonly AuditRecord[]> {
  const folder = join(directory, "audit");
  const found: AuditRecord[] = [];
  const wanted = filter.host?.toLowerCase();
  const files = await openAll(folder);
  try {
    for (const file of files) {
      for await (const line of file.readLines({ autoClose: false })) {
        const record = readRecord(line);
        if (record === undefined || !fits(record, filter, wanted)) continue;
        found.push(record);
        if (found.length > 2 * filter.last) found.splice(0, found.length - filter.last);
      }
    }
  } finally {
    await closeAll(files);
  }
  return found.slice(-filter.last);
}

/**
 * Every file, oldest first, each once: they are renamed while they are opened where the writer closes one then. Then all are opened again.
 */
async function openAll(folder: string): Promise<readonly FileHandle[]> {
  for (let tries = 1; ; tries++) {
    const names = await filesOf(folder);
    const files: FileHandle[] = [];
    try {
      for (const name of names) files.push(await open(join(folder, name), "r"));
      const inodes = await Promise.all(files.map(async (file) => (await file.stat()).ino));
      const now = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).ino));
      if (String(inodes) === String(now) && String(names) === String(await filesOf(folder))) return files;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        await closeAll(files);
        throw error;
      }
    }
    await closeAll(files);
    if (tries === 10) throw new Error(`the files of ${folder} are renamed faster than they can be opened`);
  }
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  for (const file of files) await file.close();
}

function fits(record: AuditRecord, { sinceMs, untilMs }: AuditFilter, wanted: string | undefined): boolean {
  const ms = Date.parse(record.time);
  if (sinceMs !== undefined && !(ms >= sinceMs)) return false;
  if (untilMs !== undefined && !(ms < untilMs)) return false;
  return wanted === undefined || `${record.host} ${record.service}`.toLowerCase().includes(wanted);
}

function readRecord(line: string): AuditRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<AuditRecord> | null;
    const isRecord =
      typeof value?.time === "string" &&
      typeof value.host === "string" &&
      typeof value.service === "string" &&
      Array.isArray(value.changed) &&
      Array.isArray(value.origins);
    return isRecord ? (value as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** Oldest first. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const older = names
    .map((name) => [name, Number(OLDER.exec(name)?.[1] ?? 0)] as const)
    .filter(([, number]) => number > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name]) => name);
  return names.includes(CURRENT) ? [...older, CURRENT] : older;
}

async function rotate(folder: string, maxFiles: number): Promise<void> {
  for (const name of await filesOf(folder)) {
    const next = Number(OLDER.exec(name)?.[1] ?? 0) + 1;
    if (next >= maxFiles) await rm(join(folder, name), { force: true });
    else await rename(join(folder, name), join(folder, `audit.${next}.jsonl`));
  }
}

import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";

/** The file that is locked, in the folder itself. It stays: a file that is deleted and made anew could be locked twice. */
export const LOCK_FILE = "trestle.lock";

/** Settings of {@link lockFolder}. */
export interface FolderLockOptions {
  readonly logger: Logger;
  /** The program that locks the file of descriptor 3 as util-linux's `flock -n 3` does; `flock` unless told. */
  readonly program?: string;
}

/** A folder that no other process has. */
export interface FolderLock {
  /** Lets go of it, as the end of the process does. */
  close(): void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The running system's id: process ids of before a reboot mean nothing. */
  readonly boot: string;
  readonly since: string;
}

/**
 * Takes a folder for this process alone, until it is closed or the process ends in any way; makes the folder if need be. Throws a
 * `ConfigError` where another process has it. The lock is the system's own (flock), so nothing stale is ever left, and it holds
 * between containers that share a volume, and over NFS where the server locks. Node has no call for it: `flock` of util-linux or
 * busybox locks the open file that it is handed, which stays locked with us. Where that program is missing or the file system has no
 * locks, the process that the file names is looked for on this host alone, and that is told. Where the file cannot be made, that is
 * told too, and nothing is locked.
 */
export function lockFolder(directory: string, { logger, program = "flock" }: FolderLockOptions): FolderLock {
  let fd: number;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Read and write without cutting it: it names who has it.
    fd = openSync(join(directory, LOCK_FILE), "a+", 0o600);
  } catch (error) {
    logger.warn("the data folder cannot be locked: another process could use it too", {
      data: directory,
      reason: error instanceof Error ? error.message : String(error),
    });
    return { close() {} };
  }
  try {
    const before = readHolder(fd);
    const { status, stderr, error } = spawnSync(program, ["-n", "3"], {
      stdio: ["ignore", "ignore", "pipe", fd],
      timeout: 10_000,
    });
    if (status === 1) throw inUse(directory, before);
    if (status !== 0) {
      if (before !== undefined && isAlive(before)) throw inUse(directory, before);
      logger.warn("the data folder is guarded against processes of this host alone", {
        data: directory,
        reason: error?.message ?? (stderr.toString().trim() || `${program} ended with ${status}`),
      });
    }
    writeHolder(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    close() {
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

function inUse(directory: string, holder: Holder | undefined): ConfigError {
  const who =
    holder === undefined ? "another process" : `process ${holder.pid} of ${holder.host} since ${holder.since}`;
  return new ConfigError("data", `the data folder ${directory} is in use by ${who}; each trestle needs one of its own`);
}

/** A full disk takes the name from the lock, not the lock. */
function writeHolder(fd: number): void {
  const holder: Holder = { pid: process.pid, host: hostname(), boot: bootId(), since: new Date().toISOString() };
  try {
    ftruncateSync(fd);
    writeSync(fd, `${JSON.stringify(holder)}\n`);
  } catch {}
}

function readHolder(fd: number): Holder | undefined {
  const bytes = Buffer.alloc(1_000);
  try {
    const value = JSON.parse(bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, 0))) as Partial<Holder>;
    const { pid, host, boot, since } = value;
    const isHolder = Number.isInteger(pid) && [host, boot, since].every((text) => typeof text === "string");
    return isHolder ? (value as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, boot }: Holder): boolean {
  if (host !== hostname() || boot !== bootId() || pid === process.pid || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Empty where the system has none. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

// JVMs of peers map the classes that they are known to load from archives (class data sharing), in place of reading, checking and laying
// out each: a start takes a third less of a core. `make peers` makes them (share-classes.ts); without one a JVM starts as ever.

/** While archives are made: a file to which JVMs write the classes that they load. */
export const RECORD = "TRESTLE_RECORD_CLASSES";

let recorded = 0;

/** Flags of a JVM whose class path begins with these jars; folders can only come after them. */
export function sharedClasses(jars: string): readonly string[] {
  const record = process.env[RECORD];
  if (record !== undefined) return [`-XX:DumpLoadedClassList=${record}.${++recorded}`];
  const archive = archiveOf(jars);
  // The JVM itself sees whether the jars are still those: if not, it does without.
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, "-Xlog:cds=off"] : [];
}

/** The archive for a class path, outside the clone: it is of one JVM, as the file of its program tells, and of jars whose path names their version. */
export function archiveOf(jars: string): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const found = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "java"));
  const java = realpathSync(found.find((path) => existsSync(path)) ?? ".");
  const { size, mtimeMs } = statSync(java);
  const key = createHash("sha256").update([java, size, mtimeMs, jars].join("\0")).digest("hex").slice(0, 16);
  return join(cache, "trestle", "classes", `${key}.jsa`);
}

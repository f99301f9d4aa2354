import type { Stats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, realClock } from "../../../base/clock.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import type { Endpoint, Entry, Finding, World } from "../../../model/entry.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { Source, SourceStatus } from "../../contracts.ts";
import { compareEndpoints, compareText, endpointId } from "../../dubbo/endpoint.ts";
import { finding } from "../../findings.ts";
import { readServicesText, type ServicesText } from "./services-text.ts";

/** Settings of {@link createFileSource}. */
export interface FileSourceOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** A file, or a folder whose .yaml, .yml and .json files count, those in folders under it too. */
  readonly path: string;
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  readonly onConnected?: (connected: boolean) => void;
  readonly clock?: Clock;
  /** Names the registry in its fields already. */
  readonly log?: Logger;
  /** How often files are looked at, ms; 300 unless told. */
  readonly pollMs?: number;
}

const NAMES = /^[^.].*\.(?:ya?ml|json)$/i;
const MAX_FILES = 20_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 8;
const POLL_MS = 300;
/** A change is read once it has stood still for this time, ms: whoever writes in place makes a file empty first. */
const SETTLE_MS = 60;

/** After so many looks at which something changed each time, what stood still meanwhile is read: others' files may never stop to change. */
const MAX_LOOKS = 8;

/** A file as it was read last. */
interface Known {
  readonly signature: string;
  /** The last good content. */
  readonly entries: readonly Entry[];
  readonly fault: string | undefined;
}

/**
 * Files of services as a registry: looked at again and again, read when they have changed. A file that is wrong keeps its last good
 * content, with TR0171; a path that cannot be read at all, or a folder that had files and has none (one that is not mounted any more looks
 * so), yields nothing, so that what was known stands. A service that several files name has
 * the endpoints of all, those of the first file by path before others alike.
 */
export function createFileSource(options: FileSourceOptions): Source {
  const { name, path, clock = realClock, log = silentLogger, pollMs = POLL_MS } = options;
  let state: SourceStatus["state"] = "connecting";
  let errors = 0;
  let lastError: string | undefined;
  return {
    name,
    status: () => ({ state, errors, ...(lastError !== undefined && { lastError }) }),
    async *watch(signal, onDisturbed) {
      let known = new Map<string, Known>();
      const worlds = new WorldBuilder(name, options.isOwnAddress ?? (() => false));
      let isFirst = true;
      let scanned: ReadonlyMap<string, string> = new Map();
      let looks = 0;
      while (!signal.aborted) {
        try {
          const files = await filesUnder(path);
          if (files.size === 0 && known.size > 0)
            throw new Error(
              `${path} had ${known.size} files and has none; is it mounted? A file without services says that there are none`,
            );
          const isSettled = isFirst || sameSignatures(files, scanned);
          looks = isSettled ? 0 : looks + 1;
          const wanted = isSettled ? files : settledOf(files, scanned, known);
          scanned = files;
          if (!isSettled && looks % MAX_LOOKS !== 0) {
            await pause(clock, SETTLE_MS, signal);
            continue;
          }
          const next = await look(wanted, name, known);
          if (state === "lost") onDisturbed?.();
          if (state !== "connected") options.onConnected?.(true);
          state = "connected";
          if (isFirst || next !== known) {
            isFirst = false;
            known = next;
            errors += [...known.values()].filter(({ fault }) => fault !== undefined).length;
            yield worlds.build(known);
          }
        } catch (error) {
          errors++;
          lastError = error instanceof Error ? error.message : String(error);
          if (state !== "lost") {
            log.warn("the files of a registry cannot be read; what was known stands", { reason: lastError });
            onDisturbed?.();
            options.onConnected?.(false);
          }
          state = "lost";
        }
        await pause(clock, pollMs, signal);
      }
      options.onConnected?.(false);
    },
  };
}

function sameSignatures(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([file, signature]) => b.get(file) === signature);
}

/** The files that stand still, by their signatures; of the others what is known of them. */
function settledOf(
  files: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, Known>,
): ReadonlyMap<string, string> {
  const settled = new Map<string, string>();
  for (const file of new Set([...files.keys(), ...before.keys()])) {
    const now = files.get(file);
    const signature = now === before.get(file) ? now : known.get(file)?.signature;
    if (signature !== undefined) settled.set(file, signature);
  }
  return settled;
}

/** The files as they are now; the same map while nothing changed. */
async function look(
  files: ReadonlyMap<string, string>,
  registry: string,
  known: Map<string, Known>,
): Promise<Map<string, Known>> {
  const next = new Map<string, Known>();
  let isChanged = files.size !== known.size;
  for (const [file, signature] of [...files].sort(([a], [b]) => compareText(a, b))) {
    const before = known.get(file);
    if (before?.signature === signature) next.set(file, before);
    else {
      isChanged = true;
      next.set(file, await read(file, signature, registry, before));
    }
  }
  return isChanged ? next : known;
}

async function read(file: string, signature: string, registry: string, before: Known | undefined): Promise<Known> {
  const bytes = await readFile(file).catch((error: Error) => error);
  // Whoever began to write in place meanwhile had made it empty first: it is read at a later look.
  if (before !== undefined && (await stat(file).then(signatureOf, () => "")) !== signature) return before;
  const hadSome = before !== undefined && before.entries.length > 0;
  const content = bytes instanceof Error ? { fault: bytes.message } : readServices(bytes, registry, hadSome);
  if (content.fault === undefined) return { signature, entries: kept(content.entries, before), fault: undefined };
  return { signature, entries: before?.entries ?? [], fault: content.fault };
}

function readServices(bytes: Uint8Array, registry: string, hadSome: boolean): ServicesText {
  // A busy disk leaves a file that is written in place empty for longer than changes settle.
  if (hadSome && bytes.length === 0) return { fault: "it is empty; services: [] says that there are none" };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // A name read wrong would be another name.
    return { fault: "it is not UTF-8" };
  }
  return readServicesText(text, registry);
}

/** Entries and endpoints that say the same as before are the same objects. */
function kept(entries: readonly Entry[], before: Known | undefined): readonly Entry[] {
  if (before === undefined) return entries;
  const old = new Map(before.entries.map((entry) => [JSON.stringify(entry), entry]));
  const oldOfService = new Map(before.entries.map((entry) => [printServiceKey(entry.service), entry]));
  return entries.map((entry) => {
    const same = old.get(JSON.stringify(entry));
    const changed = oldOfService.get(printServiceKey(entry.service));
    if (same !== undefined || changed === undefined) return same ?? entry;
    const known = new Map(changed.endpoints.map((one) => [JSON.stringify(one), one]));
    const endpoints = entry.endpoints.map((one) => known.get(JSON.stringify(one)) ?? one);
    return Object.freeze({ ...entry, endpoints: Object.freeze(endpoints) });
  });
}

/** Files with their signatures. Throws where the path cannot be read. */
async function filesUnder(path: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const walk = async (at: string, depth: number, isNamed: boolean): Promise<void> => {
    const status = await stat(at);
    if (status.isDirectory()) {
      if (depth > MAX_DEPTH) return;
      for (const name of (await readdir(at)).sort()) {
        const child = join(at, name);
        if (NAMES.test(name)) await walk(child, depth + 1, false).catch(ignoreMissing);
        else if (!name.startsWith(".") && (await isFolder(child)))
          await walk(child, depth + 1, false).catch(ignoreMissing);
      }
    } else if (isNamed || status.isFile()) {
      if (status.size > MAX_FILE_BYTES)
        throw new Error(`${at} has ${status.size} bytes, over the limit of ${MAX_FILE_BYTES}`);
      if (found.size >= MAX_FILES) throw new Error(`there are over ${MAX_FILES} files under ${path}`);
      found.set(at, signatureOf(status));
    }
  };
  await walk(path, 0, true);
  return found;
}

function signatureOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** A file that went while the folder was looked at is not there. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/** Makes worlds of files; unchanged entries keep their identity. */
class WorldBuilder {
  readonly #name: string;
  readonly #isOwn: (address: string, port: number) => boolean;
  readonly #made = new WeakMap<Entry, { readonly parts: readonly Entry[]; readonly entry: Entry }>();

  constructor(name: string, isOwn: (address: string, port: number) => boolean) {
    this.#name = name;
    this.#isOwn = isOwn;
  }

  build(files: ReadonlyMap<string, Known>): World {
    const byKey = new Map<string, Entry[]>();
    const findings: Finding[] = [];
    for (const [file, { entries, fault }] of files) {
      if (fault !== undefined)
        findings.push(
          finding("TR0171", `a file of registry ${this.#name} is wrong; its last good content counts: ${fault}`, file),
        );
      for (const entry of entries) {
        const key = printServiceKey(entry.service);
        byKey.set(key, [...(byKey.get(key) ?? []), entry]);
      }
    }
    const own = new Set<string>();
    const entries = [...byKey.values()].map((parts) => this.#join(parts, own));
    for (const id of own)
      findings.push(finding("TR0110", `registry ${this.#name} names ${id}, which is Trestle's own address`, id));
    entries.sort((a, b) => compareText(a.host, b.host));
    return Object.freeze({ name: this.#name, entries: Object.freeze(entries), consumers: [], findings });
  }

  #join(parts: readonly Entry[], own: Set<string>): Entry {
    const first = parts[0]!;
    const known = this.#made.get(first);
    const isSame = known?.parts.length === parts.length && parts.every((part, i) => part === known.parts[i]);
    const endpoints = new Map<string, Endpoint>();
    for (const { endpoints: given } of parts) {
      for (const one of given) {
        const id = endpointId(one);
        if (this.#isOwn(one.address, one.port)) own.add(id);
        else if (!endpoints.has(id)) endpoints.set(id, one);
      }
    }
    if (isSame && known !== undefined && known.entry.endpoints.length === endpoints.size) return known.entry;
    if (parts.length === 1 && endpoints.size === first.endpoints.length) return first;
    const sorted = Object.freeze([...endpoints.values()].sort(compareEndpoints));
    const entry = Object.freeze({ ...first, endpoints: sorted });
    this.#made.set(first, { parts, entry });
    return entry;
  }
}

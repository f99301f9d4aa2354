import { chmod, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../../base/log.ts";
import { SECRET_TYPE } from "../../../codecs/xds/resources.ts";
import { HELD_TYPES, HeldResources, type HeldType } from "./held.ts";

const FILE = "control.json";
/** What a file may have, bytes: some 100,000 services. */
const MAX_BYTES = 1024 * 1024 * 1024;
const FORMAT = "trestle-control-2";

/** What control gave last, kept in a folder: a proxy that starts while control is away begins with it. */
export class StateFile {
  readonly #path: string;
  readonly #log: Logger;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string, log: Logger) {
    this.#path = join(folder, FILE);
    this.#log = log;
  }

  /** What was kept; undefined where there is nothing, or it cannot be read, which is logged. */
  async load(): Promise<HeldResources | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#warn("cannot be read", error as Error);
      return undefined;
    }
    try {
      if (text.length > MAX_BYTES) throw new Error(`it has ${text.length} characters, over the limit of ${MAX_BYTES}`);
      return readState(text);
    } catch (error) {
      this.#warn("is not what was written", error as Error);
      return undefined;
    }
  }

  /** Keeps these resources in place of what was kept; one after the other, a failure is logged. */
  save(held: HeldResources): Promise<void> {
    this.#writing = this.#writing.then(() =>
      this.#replace(printState(held)).catch((error: Error) => this.#warn("cannot be written", error)),
    );
    return this.#writing;
  }

  async #replace(text: string): Promise<void> {
    const part = `${this.#path}.part`;
    const file = await open(part, "w", 0o600);
    try {
      await chmod(part, 0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, this.#path).catch(async (error: Error) => {
      await rm(part, { force: true });
      throw error;
    });
  }

  #warn(what: string, error: Error): void {
    this.#log.warn(`what control gave last ${what}`, { file: this.#path, error: error.message });
  }
}

/** The text of what is kept. */
export function printState(held: HeldResources): string {
  return JSON.stringify({
    format: FORMAT,
    types: Object.fromEntries(HELD_TYPES.map((type) => [type, held.list(type)])),
  });
}

/** Reads {@link printState}'s text. Throws an `Error` for any other. */
export function readState(text: string): HeldResources {
  const { format, types } = JSON.parse(text) as { format?: unknown; types?: Record<string, unknown> };
  if (format !== FORMAT || typeof types !== "object" || types === null) throw new Error(`its format is not ${FORMAT}`);
  const held = new HeldResources();
  for (const type of HELD_TYPES) held.apply({ typeUrl: type, resources: listIn(types[type], type), removed: [] });
  return held;
}

function listIn(list: unknown, type: HeldType) {
  // Those who wrote before secrets were kept have none.
  if (list === undefined && type === SECRET_TYPE) return [];
  if (!Array.isArray(list)) throw new Error(`it has no list of ${type}`);
  return list.map((one: unknown) => {
    const { name, version, resource } = (one ?? {}) as Record<string, unknown>;
    if (typeof name !== "string" || typeof version !== "string" || typeof resource !== "object" || resource === null)
      throw new Error(`something in its list of ${type} is no resource`);
    return { name, version, resource };
  });
}

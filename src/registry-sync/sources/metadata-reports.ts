/**
 * What providers report of their interfaces' methods and types (Dubbo's ServiceDefinition), wherever a registry or a metadata centre
 * keeps it. Reports stay for ever, so that only those count that a provider of now has written: its key says which, and only these are read.
 */
import type { Entry, Finding } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import type { JavaDefinition, JavaMethod, JavaType, ServiceSchema } from "../../model/schema.ts";
import { finding } from "../findings.ts";
import { MAX_DEFINITION_BYTES, parseDefinition } from "./metadata-definition.ts";

/** What tells one provider's report from others. */
export interface ReportIdentity {
  readonly interfaceName: string;
  /** Empty for none; so is the group. */
  readonly version: string;
  readonly group: string;
  readonly application: string;
}

/** Where reports are kept, and under which keys. */
export interface ReportPlace {
  /** As findings call it: `registry legacy`. */
  readonly name: string;
  /** What holds all reports: a folder, or the place itself. */
  readonly top: string;
  /** The key of a report, such as a node's path; undefined where it can have none. */
  readonly keyOf: (identity: ReportIdentity) => string | undefined;
  /** What stands between `top` and a report, from the top down. */
  readonly foldersOf: (key: string) => readonly string[];
}

/** What is known of what a key holds: undefined or null data for nothing. */
export interface ReportText {
  readonly data: Uint8Array | null | undefined;
}

/** What is kept of the reports, with the keys that it needs. Pure state. */
export interface MetadataReports {
  /** Whether a key is that of a report, or of one on the way to a report, or (undefined) nothing that is read. */
  wants(key: string): "report" | "folder" | undefined;
  /** The keys of all reports that are wanted. */
  wanted(): Iterable<string>;
  /**
   * Follows the providers of a world. Gives the keys whose being wanted changed, from the top down: those that are wanted now have to be
   * read, the others are to be let go.
   */
  follow(entries: readonly Entry[]): readonly string[];
  /**
   * Takes up reports that changed, but no more than a few milliseconds' work: while {@link MetadataReports.isBehind} it is to be called
   * again soon. Says whether {@link MetadataReports.schemas} or findings changed.
   */
  take(texts: ReadonlyMap<string, ReportText>, changed: ReadonlySet<string>): boolean;
  /** Whether reports that changed have not been taken up yet. */
  readonly isBehind: boolean;
  /** Sorted by name, each interface once; the same array as before while nothing changed. */
  readonly schemas: readonly ServiceSchema[];
  readonly findings: readonly Finding[];
}

/** Most reports that are read. */
const MAX_REPORTS = 50_000;
/** Most bytes of reports that are taken up together; what is over it is left out. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** Reports that are read in one go, about a tenth of a millisecond each: registries hold thousands. */
const REPORTS_AT_ONCE = 100;
/** Findings on single reports. */
const MAX_FINDINGS = 100;

/** Keys that {@link MetadataReports.follow} tells of. */
interface Changes {
  readonly newFolders: string[];
  readonly newKeys: string[];
  readonly oldFolders: string[];
  readonly oldKeys: string[];
}

interface Report {
  readonly interfaceName: string;
  readonly bytes: number;
  readonly definition: JavaDefinition | undefined;
  readonly fault: string | undefined;
  /** It was deleted since. */
  readonly isGone: boolean;
}

/** Creates the state for the reports of one place, none of which was read yet. */
export function createMetadataReports(place: ReportPlace): MetadataReports {
  return new Reports(place);
}

class Reports implements MetadataReports {
  schemas: readonly ServiceSchema[] = [];
  findings: readonly Finding[] = [];
  readonly #place: ReportPlace;
  #entries: readonly Entry[] = [];
  /** Key of each report that is wanted to its interface. */
  readonly #wanted = new Map<string, string>();
  readonly #wantedByInterface = new Map<string, ReadonlySet<string>>();
  /** The keys that providers of now have, each with the number of entries that it is from; interfaces without any are left out. */
  readonly #provided = new Map<string, Map<string, number>>();
  /** How many wanted reports stand in a folder. */
  readonly #folders = new Map<string, number>();
  /** There were more than may be read: whenever something goes, all others are looked at again. */
  #isOver = false;
  readonly #reports = new Map<string, Report>();
  readonly #byInterface = new Map<string, ServiceSchema>();
  readonly #pending = new Set<string>();
  #bytes = 0;

  constructor(place: ReportPlace) {
    this.#place = place;
  }

  wants(key: string): "report" | "folder" | undefined {
    if (this.#wanted.has(key)) return "report";
    return key === this.#place.top || this.#folders.has(key) ? "folder" : undefined;
  }

  wanted(): Iterable<string> {
    return this.#wanted.keys();
  }

  get isBehind(): boolean {
    return this.#pending.size > 0;
  }

  follow(entries: readonly Entry[]): readonly string[] {
    if (entries === this.#entries) return [];
    const { gone, came } = entryChanges(this.#entries, entries);
    this.#entries = entries;
    const touched = new Set<string>();
    for (const entry of gone) this.#count(entry, -1, touched);
    for (const entry of came) this.#count(entry, 1, touched);
    if (this.#isOver) {
      this.#isOver = false;
      for (const name of this.#provided.keys()) touched.add(name);
    }
    const changes: Changes = { newFolders: [], newKeys: [], oldFolders: [], oldKeys: [] };
    const late: string[] = [];
    // What goes makes room for what comes.
    for (const name of touched) if (!this.#settle(name, changes, false)) late.push(name);
    for (const name of late) this.#settle(name, changes, true);
    // A folder that one report left and another came into is as it was.
    const left = new Set(changes.oldFolders);
    const newFolders = changes.newFolders.filter((folder) => !left.has(folder));
    const oldFolders = changes.oldFolders.filter((folder) => !this.#folders.has(folder));
    return [...newFolders, ...changes.newKeys, ...oldFolders, ...changes.oldKeys];
  }

  /** Counts the keys of an entry's providers in or out. */
  #count({ service, endpoints }: Entry, step: 1 | -1, touched: Set<string>): void {
    const name = service.interface;
    const keys = this.#provided.get(name) ?? new Map<string, number>();
    const said = new Set<string>();
    for (const { params } of endpoints) said.add(identityText(params));
    const own = new Set<string>();
    for (const text of said) {
      const key = text === "" ? undefined : this.#place.keyOf({ interfaceName: name, ...readIdentity(text) });
      if (key !== undefined) own.add(key);
    }
    for (const key of own) {
      const count = (keys.get(key) ?? 0) + step;
      if (count > 0) keys.set(key, count);
      else keys.delete(key);
    }
    if (own.size === 0) return;
    touched.add(name);
    if (keys.size > 0) this.#provided.set(name, keys);
    else this.#provided.delete(name);
  }

  /**
   * Brings the wanted keys of an interface up to date; false where keys come and `mayGrow` is not said. Providers that went may come
   * back, and calls to them be under way: types stay until other providers say others.
   */
  #settle(name: string, changes: Changes, mayGrow: boolean): boolean {
    const before = this.#wantedByInterface.get(name) ?? new Set<string>();
    const provided = this.#provided.get(name);
    if (provided === undefined) {
      for (const key of before) if (this.#reports.get(key)?.isGone === true) this.#pending.add(key);
      return true;
    }
    const after = new Set([...before].filter((key) => provided.has(key)));
    for (const key of before) if (!after.has(key)) this.#forget(key, changes);
    const missing = [...provided.keys()].filter((key) => !after.has(key));
    if (mayGrow) for (const key of missing) if (this.#want(key, name, changes)) after.add(key);
    if (after.size > 0) this.#wantedByInterface.set(name, after);
    else this.#wantedByInterface.delete(name);
    return mayGrow || missing.length === 0;
  }

  #want(key: string, name: string, changes: Changes): boolean {
    this.#isOver ||= this.#wanted.size >= MAX_REPORTS;
    if (this.#wanted.size >= MAX_REPORTS) return false;
    this.#wanted.set(key, name);
    changes.newKeys.push(key);
    for (const folder of this.#place.foldersOf(key)) {
      const count = this.#folders.get(folder) ?? 0;
      if (count === 0) changes.newFolders.push(folder);
      this.#folders.set(folder, count + 1);
    }
    return true;
  }

  #forget(key: string, changes: Changes): void {
    this.#wanted.delete(key);
    changes.oldKeys.push(key);
    for (const folder of this.#place.foldersOf(key)) {
      const count = (this.#folders.get(folder) ?? 1) - 1;
      if (count > 0) this.#folders.set(folder, count);
      else if (this.#folders.delete(folder)) changes.oldFolders.push(folder);
    }
  }

  take(texts: ReadonlyMap<string, ReportText>, changed: ReadonlySet<string>): boolean {
    for (const key of changed) if (this.#wanted.has(key) || this.#reports.has(key)) this.#pending.add(key);
    const touched = new Set<string>();
    let count = 0;
    for (const key of this.#pending) {
      if (++count > REPORTS_AT_ONCE) break;
      this.#pending.delete(key);
      const before = this.#reports.get(key);
      const interfaceName = this.#wanted.get(key);
      const data = interfaceName === undefined ? undefined : texts.get(key)?.data;
      if (before === undefined && (data === undefined || data === null)) continue;
      // Older providers delete their report before they write it anew: what it said stays while a provider of now may have written it.
      if (interfaceName !== undefined && (data === undefined || data === null)) {
        if (before?.definition !== undefined && this.#provided.has(interfaceName)) {
          this.#reports.set(key, { ...before, fault: undefined, isGone: true });
          if (before.fault !== undefined) touched.add(interfaceName);
          continue;
        }
      }
      if (before !== undefined) {
        this.#reports.delete(key);
        this.#bytes -= before.bytes;
        touched.add(before.interfaceName);
      }
      if (interfaceName === undefined || data === undefined || data === null) continue;
      this.#reports.set(key, this.#read(interfaceName, data, before?.definition));
      this.#bytes += data.length;
      touched.add(interfaceName);
    }
    if (touched.size === 0) return false;
    this.#rebuild(touched);
    return true;
  }

  /** A report that broke keeps what it said `before`. */
  #read(interfaceName: string, data: Uint8Array, before: JavaDefinition | undefined): Report {
    try {
      if (data.length > MAX_DEFINITION_BYTES)
        throw new Error(`it has ${data.length} bytes, over the limit of ${MAX_DEFINITION_BYTES}`);
      if (this.#bytes + data.length > MAX_TOTAL_BYTES)
        throw new Error(`all reports have over ${MAX_TOTAL_BYTES} bytes together`);
      const definition = parseDefinition(new TextDecoder().decode(data), interfaceName);
      return { interfaceName, bytes: data.length, definition, fault: undefined, isGone: false };
    } catch (error) {
      return { interfaceName, bytes: data.length, definition: before, fault: (error as Error).message, isGone: false };
    }
  }

  #rebuild(touched: ReadonlySet<string>): void {
    const definitions = new Map<string, JavaDefinition[]>();
    const findings: Finding[] = [];
    const broken = [...this.#reports.values()].filter(({ fault }) => fault !== undefined).length;
    for (const [key, { interfaceName, definition, fault }] of [...this.#reports].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (fault !== undefined && findings.length < MAX_FINDINGS) {
        const rest = definition === undefined ? "no types are known from it" : "what it said before counts";
        const message = `${this.#place.name} has a metadata report of ${interfaceName} that cannot be read: ${fault}; ${rest}`;
        findings.push(finding("TR0160", message, key));
      }
      if (definition === undefined || !touched.has(interfaceName)) continue;
      const list = definitions.get(interfaceName);
      if (list === undefined) definitions.set(interfaceName, [definition]);
      else list.push(definition);
    }
    if (broken > MAX_FINDINGS) {
      const message = `${this.#place.name} has ${broken - MAX_FINDINGS} more metadata reports that cannot be read`;
      findings.push(finding("TR0160", message, this.#place.top));
    }
    for (const name of touched) {
      const list = definitions.get(name);
      if (list === undefined) this.#byInterface.delete(name);
      else this.#byInterface.set(name, Object.freeze({ name, java: joinDefinitions(list) }));
    }
    this.findings = findings;
    this.schemas = [...this.#byInterface.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** What of a provider's parameters names its report, as one text; empty where it writes none. */
function identityText(params: Readonly<Record<string, string>>): string {
  // What dubbo-go of some versions reports names Go's types.
  if (params["release"]?.startsWith("dubbo-golang") === true) return "";
  const { application = "", version = "", group = "" } = params;
  return application === "" ? "" : `${application}\n${version}\n${group}`;
}

function readIdentity(text: string): Omit<ReportIdentity, "interfaceName"> {
  const [application = "", version = "", group = ""] = text.split("\n");
  return { application, version, group };
}

/** One definition for all groups, versions and applications: methods by their signatures, classes by name with all their properties; the first says. */
function joinDefinitions(list: readonly JavaDefinition[]): JavaDefinition {
  if (list.length === 1) return list[0]!;
  const methods = new Map<string, JavaMethod>();
  const types = new Map<string, JavaType>();
  for (const definition of list) {
    for (const method of definition.methods) {
      const key = `${method.name}(${method.parameterTypes.join()})`;
      if (!methods.has(key)) methods.set(key, method);
    }
    for (const [name, type] of Object.entries(definition.types)) {
      const before = types.get(name);
      types.set(name, before === undefined ? type : joinTypes(before, type));
    }
  }
  return { methods: [...methods.values()], types: Object.fromEntries(types) };
}

function joinTypes(first: JavaType, later: JavaType): JavaType {
  if (first.enums !== undefined)
    return later.enums === undefined ? first : { enums: [...new Set([...first.enums, ...later.enums])] };
  return later.properties === undefined ? first : { properties: { ...later.properties, ...first.properties } };
}

import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Clock, realClock } from "../../../base/clock.ts";
import { Latest } from "../../../base/latest.ts";
import type { Logger } from "../../../base/log.ts";
import { createPathWatch, type PathScan, reasonOf } from "../../../control/path-watch.ts";
import type { Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { PROTO_NAMES, ProtoFault } from "./proto-fault.ts";
import { schemaFinding } from "./schema-findings.ts";

const MAX_FILES = 4_000;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_SERVICES = 4_096;
const MAX_LOGGED = 20;

/** What the files of the configuration say of the types of calls. */
export interface ProtoState {
  /** False until the first look is done. */
  readonly loaded: boolean;
  readonly schemas: readonly ServiceSchema[];
  readonly findings: readonly Finding[];
}

/** Proto files and descriptor sets, followed. */
export interface ProtoFiles {
  readonly current: Latest<ProtoState>;
  /** Looks at once instead of waiting for the next event or poll. */
  rescan(): Promise<void>;
  /** Follows other files and folders from now on. */
  setPaths(paths: readonly string[]): void;
  close(): void;
}

/** Which files are followed, and how closely. */
export interface ProtoFilesOptions {
  readonly paths: readonly string[];
  readonly log: Logger;
  readonly clock?: Clock;
}

/**
 * Reads proto files and descriptor sets and follows them, as rule files are followed: a change is in force within a second, a file
 * that breaks keeps its last good services, one that is removed takes them along. Files that are imported from elsewhere are read, but
 * a change of them counts only with the next change of a file that is followed.
 */
export function createProtoFiles(options: ProtoFilesOptions): ProtoFiles {
  const { log, clock = realClock } = options;
  const current = new Latest<ProtoState>({ loaded: false, schemas: [], findings: [] });
  const services = new Map<string, readonly ServiceSchema[]>();
  let seen = "";
  let read: string | undefined;
  let closed = false;

  const look = async (scan: PathScan): Promise<boolean> => {
    const now = signatureOf(scan);
    if (now === read) return true;
    const isSettled = read === undefined || now === seen;
    seen = now;
    if (!isSettled) return false;
    const findings = await takeUp(scan, services);
    if (closed) return true;
    read = now;
    publish(findings);
    return true;
  };

  const publish = (faults: readonly Finding[]): void => {
    const { schemas, findings } = joinServices(services);
    const before = current.get();
    const next = { loaded: true, schemas, findings: [...faults, ...findings] };
    tellNews(before.findings, next.findings, log);
    if (schemas.length > 0 || before.schemas.length > 0)
      log.info("types of calls taken up from files", { services: schemas.length, files: services.size });
    current.set(next);
  };

  const watch = createPathWatch({
    ...{ paths: options.paths, names: PROTO_NAMES, what: "proto files", maxFiles: MAX_FILES, look, clock },
  });
  return {
    current,
    rescan: () => watch.rescan(),
    setPaths: (paths) => watch.setPaths(paths),
    close() {
      closed = true;
      watch.close();
      current.close();
    },
  };
}

function signatureOf({ files, unreadable }: PathScan): string {
  const parts = [...files].map(([path, { signature }]) => `${path} ${signature}`);
  return JSON.stringify([parts, [...unreadable]]);
}

/** Reads all files anew: what one says depends on what it imports. Gives what is wrong. */
async function takeUp(scan: PathScan, services: Map<string, readonly ServiceSchema[]>): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [path, why] of scan.unreadable) {
    const code = why.startsWith("over ") ? "TR0304" : "TR0301";
    findings.push(schemaFinding(code, `${path} can't be read: ${why}`, path));
  }
  const folders = [...new Set([...scan.files.values()].map(({ root }) => root))].filter((root) =>
    scan.folders.has(root),
  );
  const texts = new Map<string, string | undefined>();
  const readText = (path: string): string | undefined => {
    if (!texts.has(path)) texts.set(path, readImport(path));
    return texts.get(path);
  };
  for (const [path, { bytes }] of scan.files) {
    // Its parsers are loaded where there is something to read.
    const { readProtoServices } = await import("./proto-services.ts");
    await nextTurn();
    try {
      if (bytes > MAX_FILE_BYTES)
        throw new ProtoFault(path, `${path} has ${bytes} bytes, over the limit of ${MAX_FILE_BYTES}`);
      services.set(path, readProtoServices({ path, content: await readFile(path), folders, read: readText }));
    } catch (error) {
      findings.push(findingOf(path, error, (services.get(path)?.length ?? 0) > 0));
    }
  }
  const kept = [...scan.unreadable.keys()];
  for (const path of services.keys()) {
    if (!scan.files.has(path) && !kept.some((broken) => path === broken || path.startsWith(`${broken}/`)))
      services.delete(path);
  }
  return findings;
}

function findingOf(path: string, error: unknown, wasGood: boolean): Finding {
  const stays = wasGood ? "; what it said before stays in force" : "";
  if (!(error instanceof ProtoFault))
    return schemaFinding("TR0301", `${path} can't be read: ${reasonOf(error)}${stays}`, path);
  const code = error.message.includes("over the limit of") ? "TR0304" : "TR0302";
  return schemaFinding(code, `${error.message}${stays}`, error.at);
}

function readImport(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`${path} has ${size} bytes, over the limit of ${MAX_FILE_BYTES}`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw code === undefined ? error : new Error(`${path} can't be read: ${reasonOf(error)}`);
  }
}

/** All services, each once: of two files that define one, the first by path counts. */
function joinServices(services: ReadonlyMap<string, readonly ServiceSchema[]>): Omit<ProtoState, "loaded"> {
  const found = new Map<string, { readonly path: string; readonly schema: ServiceSchema }>();
  const findings: Finding[] = [];
  let count = 0;
  for (const [path, list] of [...services].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const schema of list) {
      const first = found.get(schema.name);
      if (first !== undefined && first.schema.protobuf !== schema.protobuf) {
        const message = `service ${schema.name} is defined in ${first.path} already, otherwise than here; that one counts`;
        findings.push(schemaFinding("TR0303", message, path));
      } else if (first === undefined && ++count <= MAX_SERVICES) found.set(schema.name, { path, schema });
    }
  }
  if (count > MAX_SERVICES) {
    const message = `the proto files have ${count} services, over the limit of ${MAX_SERVICES}; the rest is left out`;
    findings.push(schemaFinding("TR0304", message, "protos"));
  }
  return { schemas: [...found.values()].map(({ schema }) => schema), findings };
}

function tellNews(before: readonly Finding[], now: readonly Finding[], log: Logger): void {
  const textOf = ({ code, at, message }: Finding) => `${code} ${at} ${message}`;
  const known = new Set(before.map(textOf));
  const news = now.filter((finding) => !known.has(textOf(finding)));
  for (const { code, severity, at, message } of news.slice(0, MAX_LOGGED))
    log[severity === "warning" ? "warn" : "error"](`${at}: ${message}`, { code });
  if (news.length > MAX_LOGGED)
    log.warn(`${news.length - MAX_LOGGED} more findings on proto files; trestle rules --findings lists them`);
}

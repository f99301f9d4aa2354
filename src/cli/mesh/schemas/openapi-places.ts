import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { parse } from "yaml";
import { authorityOf } from "../../../base/address.ts";
import { checkYamlDepth } from "../../../base/yaml-documents.ts";
import { openSocket } from "../../socket.ts";
import type { AskedPlace, Reach } from "../reach.ts";
import type { DocumentAnswer } from "./openapi-documents.ts";

/** All that asking one endpoint may take, ms. */
const TIMEOUT_MS = 2_000;
/** Most bytes of a document, unpacked. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Asks one endpoint for its document, as JSON, within two seconds; never rejects. Redirects are not followed. */
export async function askForDocument(reach: Reach, at: AskedPlace, path: string): Promise<DocumentAnswer> {
  const place = `http://${authorityOf(at.address, at.port)}${path}`;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let socket: Socket | undefined;
  try {
    const { pathname, search, host } = new URL(place);
    socket = await openSocket({ ...reach(at, { protocol: "http", port: at.port }), signal });
    const open = socket;
    const headers = { host, accept: "application/json", "accept-encoding": "identity" };
    const options = { path: `${pathname}${search}`, headers, signal, createConnection: () => open };
    const [answer] = (await once(request(options).end(), "response", { signal })) as [IncomingMessage];
    if (answer.statusCode !== 200) return failed(`${place} answers ${answer.statusCode}`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) return failed(`${place} answers more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return parsed(place, Buffer.concat(chunks).toString("utf8"), JSON.parse);
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${TIMEOUT_MS} ms` : (error as Error).message;
    return failed(`${place}: ${reason}`);
  } finally {
    socket?.on("error", () => {}).destroy();
  }
}

/** Reads a file that has a document, as JSON or YAML, unless it still has the `stamp` of an earlier answer; never rejects. */
export async function readDocument(file: string, stamp?: string): Promise<DocumentAnswer> {
  try {
    const { size, mtimeMs, ctimeMs, ino } = await stat(file);
    if (size > MAX_BYTES) return failed(`${file} has ${size} bytes, over the limit of ${MAX_BYTES}`);
    // A megabyte of YAML takes two seconds.
    const now = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    if (now === stamp) return { type: "same" };
    const text = await readFile(file, "utf8");
    return { ...parsed(file, text, /^\s*\{/.test(text) ? JSON.parse : parseYaml), stamp: now };
  } catch (error) {
    return failed(`${file}: ${(error as Error).message}`);
  }
}

function parseYaml(text: string): unknown {
  checkYamlDepth(text);
  return parse(text, { maxAliasCount: 100, logLevel: "error" });
}

type ReadAnswer = Exclude<DocumentAnswer, { type: "same" }>;

function parsed(place: string, text: string, parseText: (text: string) => unknown): ReadAnswer {
  try {
    return { type: "document", document: parseText(text.replace(/^\uFEFF/, "")) };
  } catch (error) {
    return failed(`${place}: ${(error as Error).message.split("\n")[0]!.slice(0, 200)}`);
  }
}

function failed(why: string): ReadAnswer {
  return { type: "failed", why };
}

import { Option } from "commander";
import { printAddress } from "../base/address.ts";
import { parseAddress } from "./config/address.ts";

/** Where client commands look for a running instance unless told. */
export const DEFAULT_ADMIN = "http://127.0.0.1:15000";

/** The `--admin URL` option of every client command. */
export function adminOption(description = "address of the running instance to ask"): Option {
  return new Option("--admin <url>", description).default(DEFAULT_ADMIN);
}

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

/**
 * Asks a running instance; the answer's JSON. Throws an `Error` whose message is one line that says what is wrong and what
 * to do: nobody listens there, it is no Trestle, or the instance's own words.
 */
export async function askAdmin<T>(
  admin: string,
  path: string,
  method: "GET" | "POST" = "GET",
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const url = adminUrl(admin, path);
  let response: Response;
  try {
    response = await fetch(url, { method, signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
    throw new Error(
      `no answer from ${url.origin} (${cause?.code ?? cause?.message ?? (error as Error).message}); start trestle there or name its address with --admin`,
    );
  }
  const text = await response.text();
  if (text.length > MAX_ANSWER_BYTES) throw new Error(`the answer of ${url} is over ${MAX_ANSWER_BYTES} bytes`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(
      `${url.origin} did not answer with JSON (status ${response.status}); is it Trestle's admin address?`,
    );
  }
  if (response.ok) return answer as T;
  const said = (answer as { error?: unknown } | null)?.error;
  throw new Error(`${url} answered ${response.status}${typeof said === "string" ? `: ${said}` : ""}`);
}

/** Admin's own port, where an address without a scheme names none. */
const DEFAULT_PORT = 15_000;

function adminUrl(admin: string, path: string): URL {
  const address = parseAddress(admin, DEFAULT_PORT);
  const host = address === undefined ? admin : printAddress(address.host, address.port);
  const text = /^https?:\/\//.test(admin) ? admin : `http://${host}`;
  try {
    return new URL(path, text);
  } catch {
    throw new Error(`--admin ${JSON.stringify(admin)} is no address such as ${DEFAULT_ADMIN}`);
  }
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { builtGoTool } from "./go-peers.ts";

const run = promisify(execFile);

/** Runs all of h2spec's cases against a port of 127.0.0.1; returns its whole output, also when cases fail. */
export async function runH2spec(port: number, flags: readonly string[]): Promise<string> {
  const args = ["-h", "127.0.0.1", "-p", String(port), "-o", "5", ...flags];
  try {
    return (await run(builtGoTool("h2spec"), args, { timeout: 60_000 })).stdout;
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    if (!stdout) throw error;
    return `${stdout}\n${message}`;
  }
}

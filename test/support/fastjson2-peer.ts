import { spawn } from "node:child_process";
import { join } from "node:path";
import { builtPeer } from "./maven.ts";

const OPENED = ["lang", "util", "math", "util.concurrent", "util.concurrent.atomic", "io", "time", "net"];

/** What real fastjson2 2.0.52 sees in each of these values: a text with every class named, or `!` and the exception. */
export async function seenByFastjson2(values: readonly Uint8Array[]): Promise<string[]> {
  const output = await run("read", values.map((value) => `${Buffer.from(value).toString("hex")}\n`).join(""));
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(`"${line}"`) as string);
}

/** The lines of fixtures/wire/fastjson2, written anew. */
export function writtenByFastjson2(): Promise<string> {
  return run("vectors", "");
}

function run(mode: "read" | "vectors", input: string): Promise<string> {
  const home = builtPeer("hessian");
  const args = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Duser.timezone=UTC",
    "--add-opens=java.sql/java.sql=ALL-UNNAMED",
    ...OPENED.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    "-cp",
    `${join(home, "target/classes")}:${join(home, "target/lib/fastjson2-2.0.52")}/*`,
    "com.acme.wire.Fastjson2Peer",
    mode,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let log = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-5_000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString("utf8"));
      else reject(new Error(`fastjson2 ended with ${code}:\n${log}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

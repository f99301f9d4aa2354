import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Recording } from "./hessian-vectors.ts";
import { builtPeer } from "./maven.ts";

const OPENED = [
  "lang",
  "util",
  "math",
  "util.concurrent",
  "util.concurrent.atomic",
  "io",
  "time",
  "net",
  "lang.reflect",
];
const COMPACT = "-Dcom.caucho.hessian.io.java.time.serializer.compactMode=true";

/** What a real hessian-lite sees in each of these bodies: a text with every class named, or `!` and the exception. */
export async function seenByJava(recording: Recording, bodies: readonly Uint8Array[]): Promise<string[]> {
  const input = bodies.map((body) => Buffer.from(body).toString("hex") + "\n").join("");
  const output = await run(recording, "read", input);
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(`"${line}"`) as string);
}

/** The lines of fixtures/wire/hessian, written anew. */
export function writtenByJava(recording: Recording): Promise<string> {
  return run(recording, "vectors", "");
}

function run(recording: Recording, mode: "read" | "vectors", input: string): Promise<string> {
  const home = builtPeer("hessian");
  const [version, compact] = recording.split("-");
  const args = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--add-opens=java.sql/java.sql=ALL-UNNAMED",
    ...OPENED.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    ...(compact === undefined ? [] : [COMPACT]),
    "-cp",
    `${join(home, "target/classes")}:${join(home, "target/lib", version!)}/*`,
    "com.acme.wire.Peer",
    mode,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let log = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-5_000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString("utf8"));
      else reject(new Error(`hessian-lite ${recording} ended with ${code}:\n${log}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

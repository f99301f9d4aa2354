import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const peers = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/peers");
const maxOutputChars = 100_000;

/** Files that a project takes from other folders of fixtures/peers; they come to lie under its `borrowed/`. */
const borrowed: Readonly<Record<string, readonly string[]>> = {
  nacos: ["dubbo/api/src/main/java/peer/Json.java"],
  idl: [
    ...["orders", "relay", "feed"].map((name) => `grpc/${name}.proto`),
    ...["Flags", "Json", "Samples"].map((name) => `dubbo/api/src/main/java/peer/${name}.java`),
    ...["Endless", "Incoming"].map((name) => `dubbo/triple/src/main/java/peer/${name}.java`),
    ...["Customer", "Node", "Order", "OrderLine", "OrderStatus", "Times"].map(
      (name) => `dubbo/api/src/main/java/com/acme/${name}.java`,
    ),
  ],
};

/**
 * Where the built Maven project `fixtures/peers/<name>` is or will be: outside the clone, by the hash of its sources, so that a
 * changed source is built anew and a fresh clone of the same commit is not.
 */
export function peerHome(name: string): string {
  const source = join(peers, name);
  const hash = createHash("sha256");
  for (const file of filesOf(source)) {
    hash.update(relative(source, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  for (const file of borrowed[name] ?? [])
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(peers, file)));
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "trestle", "peers", `${name}-${hash.digest("hex").slice(0, 16)}`);
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.name === "target") return [];
      const path = join(dir, entry.name);
      return entry.isDirectory() ? filesOf(path) : [path];
    });
}

/** The directory of the built project; throws with what to do when it has not been built. */
export function builtPeer(name: string): string {
  const home = peerHome(name);
  if (!existsSync(home)) throw new Error(`the peers of fixtures/peers/${name} are not built: run \`make peers\``);
  return home;
}

/** Builds the project unless it is built already. Needs `mvn`, a JDK and, with an empty ~/.m2, a Maven repository. */
export async function buildPeer(name: string, say: (text: string) => void): Promise<string> {
  const home = peerHome(name);
  if (existsSync(home)) return home;
  const work = `${home}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await cp(join(peers, name), work, {
    recursive: true,
    filter: (path) => !/\/target(\/|$)/.test(relative(peers, path)),
  });
  for (const file of borrowed[name] ?? []) await cp(join(peers, file), join(work, "borrowed", file));
  say(`building fixtures/peers/${name} with Maven (the first time it downloads about 110 MB)`);
  const before = Date.now();
  await maven(work, say);
  await rename(work, home).catch(async (error: NodeJS.ErrnoException) => {
    // Another run has built the same in the meantime.
    if (!existsSync(home)) throw error;
    await rm(work, { recursive: true, force: true });
  });
  say(`built fixtures/peers/${name} in ${Math.round((Date.now() - before) / 1000)} s`);
  return home;
}

async function maven(cwd: string, say: (text: string) => void): Promise<void> {
  // A repository's passing failure must not fail the run: the downloads that succeeded are kept, so a second try is short.
  for (let attempt = 1; ; attempt++) {
    const { code, output } = await run("mvn", ["-q", "-B", "-ntp", "-Dstyle.color=never", "package"], cwd, say);
    if (code === 0) return;
    if (attempt === 3) throw new Error(`mvn package failed (exit code ${code}):\n${output.slice(-5_000)}`);
    say(`mvn package failed, trying again:\n${output.slice(-1_000)}`);
  }
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  say: (text: string) => void,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const before = Date.now();
    const timer = setInterval(() => say(`  still building, ${Math.round((Date.now() - before) / 1000)} s`), 30_000);
    let output = "";
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-maxOutputChars);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => {
      clearInterval(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearInterval(timer);
      resolve({ code, output });
    });
  });
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hosts } from "./netns.ts";
import { type Peer, sleep, startProcess } from "./process.ts";

const cli = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");

/** A finished command of the command line. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `trestle up`. */
export interface Trestle {
  readonly peer: Peer;
  /** The facade's address, as an application's registry address. */
  readonly registry: string;
  /** host:port of the admin API. */
  readonly admin: string;
  /** Status and body of an admin answer; status 0 when nobody answers within 5 s. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** The body as JSON; throws unless the status is 200. */
  json(path: string): Promise<unknown>;
  /** Process ids of the proxy workers. */
  workers(): number[];
  /** A command against this instance, as `trestle NAME... --admin ADDRESS`. */
  command(...args: string[]): Promise<Ran>;
  stop(): Promise<void>;
}

export interface TrestleOptions {
  /** A real registry's address; without one the embedded registry stands behind the facade. */
  readonly registry?: string;
  /** Empty for none. */
  readonly facade?: string;
  readonly host?: string;
  readonly rules?: string;
  readonly admin?: string;
  readonly output?: string;
  readonly extra?: readonly string[];
  /** What /ready must answer for it to have started; 200 unless told. */
  readonly readyStatus?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `dist/cli.js up` and waits until /ready says 200, or what the options say. */
export async function startTrestle(options: TrestleOptions = {}): Promise<Trestle> {
  if (!existsSync(cli)) throw new Error("dist/cli.js is missing: run `make build`");
  const host = options.host ?? hosts.trestle;
  const facade = options.facade ?? `zookeeper://${host}:2181`;
  const admin = options.admin ?? `${host}:15000`;
  const args = [cli, "up", "--proxy-host", host, "--admin", admin];
  if (facade !== "") args.push("--facade", facade);
  if (options.registry !== undefined) args.push("--registry", options.registry);
  if (options.rules !== undefined) args.push("--rules", options.rules);
  if (options.output !== undefined) args.push("--output", options.output);
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    try {
      const answer = await fetch(`http://${admin}${path}`, { signal: AbortSignal.timeout(5_000) });
      return { status: answer.status, body: await answer.text() };
    } catch {
      return { status: 0, body: "" };
    }
  };
  let ready = { status: 0, body: "" };
  const peer = await startProcess({
    name: "trestle up",
    command: process.execPath,
    args: [...args, ...(options.extra ?? [])],
    ...(options.env === undefined ? {} : { env: options.env }),
    ready: async () => {
      ready = await get("/ready");
      return ready.status === (options.readyStatus ?? 200);
    },
    deadlineMs: 20_000,
    describe: () => `/ready answered ${ready.status}: ${ready.body}`,
  });
  return {
    peer,
    registry: facade,
    admin,
    get,
    async json(path) {
      const { status, body } = await get(path);
      if (status !== 200) throw new Error(`admin ${path} answered ${status}: ${body.slice(0, 500)}`);
      return JSON.parse(body);
    },
    workers: () => readFileSync(`/proc/${peer.pid}/task/${peer.pid}/children`, "utf8").trim().split(" ").map(Number),
    command: (...command) => runTrestle([...command, "--admin", admin]),
    stop: async () => void (await peer.stop(10_000)),
  };
}

/** Runs one command to its end; after `timeoutMs` it is killed and its code is null: a restart takes over 30 s on a busy machine. */
export async function runTrestle(args: readonly string[], timeoutMs = 90_000): Promise<Ran> {
  let stderr = "";
  const peer = await startProcess({
    name: `trestle ${args[0]}`,
    command: process.execPath,
    args: [cli, ...args],
    ready: () => true,
  });
  peer.child.stderr!.on("data", (chunk: string) => {
    stderr += chunk;
  });
  const exit = (await Promise.race([peer.exited, sleep(timeoutMs)])) ?? (await peer.kill());
  return { code: exit.signal === null ? exit.code : null, stdout: peer.stdout(), stderr };
}

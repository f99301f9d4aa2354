import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started program; ended by its process id, never by a name. */
export interface Peer {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Settles when the program ends, whoever ended it. */
  readonly exited: Promise<Exit>;
  /** The last `lines` lines of both outputs. */
  log(lines?: number): string;
  /** Everything on standard output so far, up to 8 MB. */
  stdout(): string;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
  stop(graceMs?: number): Promise<Exit>;
  /** SIGKILL: no goodbye to anybody. */
  kill(): Promise<Exit>;
  /** SIGSTOP and SIGCONT: alive, silent, its sockets open. */
  suspend(): void;
  resume(): void;
}

export interface ProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Asked again every 50 ms until it says true; it must give up by itself (see {@link probeText}). */
  readonly ready: (peer: Peer) => Promise<boolean> | boolean;
  readonly deadlineMs?: number;
  /** What to say of one that is late, besides its log. */
  readonly describe?: () => string;
  /** Opens standard input for writing. */
  readonly stdin?: boolean;
}

const maxLogLines = 2000;
const maxStdoutChars = 8_000_000;
/** Those that run, and by what command. */
const running = new Map<Peer, string>();

process.on("exit", () => {
  for (const peer of running.keys()) peer.child.kill("SIGKILL");
});

/** Starts a program and waits until it is ready; its last 50 log lines are in the error when it ends first or is late. */
export async function startProcess(options: ProcessOptions): Promise<Peer> {
  const peer = launch(options);
  const deadlineMs = options.deadlineMs ?? 60_000;
  const deadline = Date.now() + deadlineMs;
  let ended: Exit | undefined;
  void peer.exited.then((exit) => {
    ended = exit;
  });
  while (!(await options.ready(peer))) {
    if (ended !== undefined) {
      throw new Error(`${peer.name} ended (${describe(ended)}) before it was ready:\n${peer.log()}`);
    }
    if (Date.now() > deadline) {
      await peer.kill();
      throw new Error(
        `${peer.name} was not ready within ${deadlineMs} ms: ${options.describe?.() ?? ""}\n${peer.log()}`,
      );
    }
    await sleep(50);
  }
  return peer;
}

function launch(options: ProcessOptions): Peer {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  let lines: string[] = [];
  let out = "";
  const keep = (text: string): void => {
    lines.push(...text.split("\n").filter((line) => line !== ""));
    if (lines.length > maxLogLines) lines = lines.slice(-maxLogLines / 2);
  };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    keep(text);
    out = (out + text).slice(-maxStdoutChars);
  });
  child.stderr!.setEncoding("utf8").on("data", keep);
  const exited = new Promise<Exit>((resolve) => {
    child.on("error", (error) => {
      keep(String(error));
      resolve({ code: null, signal: null });
    });
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const signalAndWait = async (signal: NodeJS.Signals, graceMs: number): Promise<Exit> => {
    child.kill(signal);
    const exit = await Promise.race([exited, sleep(graceMs)]);
    if (exit !== undefined) return exit;
    child.kill("SIGKILL");
    return exited;
  };
  const peer: Peer = {
    name: options.name,
    pid: child.pid ?? -1,
    child,
    exited,
    log: (count = 50) => lines.slice(-count).join("\n"),
    stdout: () => out,
    stop: (graceMs = 15_000) => signalAndWait("SIGTERM", graceMs),
    kill: () => signalAndWait("SIGKILL", 5_000),
    suspend: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
  running.set(peer, options.command);
  void exited.then(() => running.delete(peer));
  return peer;
}

function describe(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/** Ends everything that this test file has started and that still runs; for `afterAll`. Nobody waits for Java: Dubbo takes 2 s to end in order. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(([peer, command]) => (command === "java" ? peer.kill() : peer.stop(3_000))));
}

export function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}

/** Asks again every `everyMs` until `check` returns something truthy, and returns that; throws `what` and the last answer when late. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T> | T,
  deadlineMs = 10_000,
  everyMs = 50,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `not within ${deadlineMs} ms: ${what} (last: ${last instanceof Error ? last.message : String(last)})`,
      );
    }
    await sleep(everyMs);
  }
}

/** Sends `text` to a port and returns what comes until the peer closes or `timeoutMs` passes; "" when it cannot connect. */
export function probeText(host: string, port: number, text: string, timeoutMs = 1_000): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(text));
    socket.on("data", (chunk: string) => {
      got += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(got);
    });
  });
}

/** Most memory that a process has had at once, MiB. */
export function peakMemoryMb(pid: number): number {
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

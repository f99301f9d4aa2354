import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { builtPeer } from "./maven.ts";
import { nacosJars } from "./nacos.ts";
import { type Peer, startProcess } from "./process.ts";
import { sharedClasses } from "./shared-classes.ts";

/** The lines of Dubbo Java that most tests run: 2.6.12, 2.7.23, 3.2.18, 3.3.6. */
export const lines = ["2.6", "2.7", "3.2", "3.3"] as const;
/** 3.1.11 too, which answers exceptions as status and details. */
export type DubboLine = (typeof lines)[number] | "3.1";

const modules: Readonly<Record<DubboLine, string>> = {
  "2.6": "d26",
  "2.7": "d27",
  "3.1": "d31",
  "3.2": "d32",
  "3.3": "d33",
};
const opened = [
  "lang",
  "math",
  "util",
  "util.concurrent",
  "util.concurrent.atomic",
  "net",
  "io",
  "time",
  "lang.reflect",
  "lang.invoke",
];

/** Flags of `peer.Provider` (fixtures/peers/dubbo): the registry address is all that joins it to Trestle. */
export interface ProviderOptions {
  /** Without one it registers nowhere. One of Nacos brings its client: not for 2.6. */
  readonly registry?: string;
  readonly host: string;
  readonly port?: number;
  readonly group?: string;
  readonly version?: string;
  /** What `whoAmI`, `sleep` and the orders' `servedBy` say. */
  readonly label?: string;
  readonly application?: string;
  readonly mode?: "interface" | "instance" | "all";
  /** `port` is the first one's. */
  readonly protocol?: "dubbo" | "tri" | "dubbo,tri";
  /** Port of `tri` beside `dubbo`; the one after `port` without it. */
  readonly triPort?: number;
  /** Serves what only Triple carries, too: OrderFeed (streams of objects) and Relay (protobuf); 3.2 and 3.3. */
  readonly streams?: boolean;
  readonly tag?: string;
  readonly weight?: number;
  readonly warmup?: number;
  readonly token?: string;
  readonly payload?: number;
  readonly params?: Readonly<Record<string, string>>;
}

/** Flags of `peer.Consumer`. */
export interface ConsumerOptions {
  readonly registry?: string;
  /** A direct address in place of a registry: dubbo://host:port or tri://host:port */
  readonly url?: string;
  /** Takes only addresses of this protocol. */
  readonly protocol?: "dubbo" | "tri";
  readonly group?: string;
  readonly version?: string;
  readonly application?: string;
  readonly timeout?: number;
  readonly retries?: number;
  readonly check?: boolean;
  readonly tag?: string;
  readonly payload?: number;
  readonly loadbalance?: string;
  readonly cluster?: string;
  readonly connections?: number;
  readonly params?: Readonly<Record<string, string>>;
}

function flags(options: ProviderOptions | ConsumerOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === "params") return Object.entries(value as Record<string, string>).map(([k, v]) => `--param=${k}=${v}`);
    return [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}=${String(value)}`];
  });
}

/** What a provider's JVM is started with beside its own flags. */
export interface JavaOptions {
  /** -D flags. */
  readonly properties?: readonly string[];
  /** Further jars, as a class path has them. */
  readonly jars?: string;
}

/** The jars of a line, as a class path has them. */
export function dubboJars(line: DubboLine): string {
  const module = modules[line];
  const target = join(builtPeer("dubbo"), module, "target");
  return `${target}/peer-${module}-1.jar:${target}/dep/*`;
}

function java(
  line: DubboLine,
  main: string,
  args: readonly string[],
  { properties = [], jars }: JavaOptions,
): string[] {
  const path = [dubboJars(line)];
  if (jars !== undefined) path.push(jars);
  // 2.7 asks for the client that speaks HTTP; 3.x for one that speaks gRPC.
  else if (args.some((arg) => arg.startsWith("--registry=nacos:")))
    path.push(nacosJars(line === "2.7" ? "1.4" : "2.4"));
  return [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    ...sharedClasses(dubboJars(line)),
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    // Dubbo keeps registry caches in the home directory: a fresh one, or an old run would decide a new one.
    `-Duser.home=${mkdtempSync(join(tmpdir(), "trestle-home-"))}`,
    ...opened.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    ...properties,
    "-cp",
    path.join(":"),
    main,
    ...args,
  ];
}

/**
 * Starts a provider and waits until it has registered. SIGTERM (`stop`) is Dubbo's graceful shutdown. With `registerHost` it
 * registers that address in place of the one it listens on (Dubbo's own DUBBO_IP_TO_REGISTRY): for a relay in between.
 */
export function startProvider(
  line: DubboLine,
  options: ProviderOptions,
  registerHost?: string,
  jvm: JavaOptions = {},
): Promise<Peer> {
  // Triple's own health and reflection services are off unless asked for.
  const properties = options.streams ? ["-Ddubbo.tri.builtin.service.init=true"] : [];
  return startProcess({
    ...(registerHost === undefined ? {} : { env: { DUBBO_IP_TO_REGISTRY: registerHost } }),
    name: `provider ${line} ${options.label ?? ""}`.trim(),
    command: "java",
    args: java(line, "peer.Provider", flags(options), {
      ...jvm,
      properties: [...properties, ...(jvm.properties ?? [])],
    }),
    ready: (peer) => peer.stdout().includes("READY"),
  });
}

/** One row of the suite: `said` tells what came instead when it is not right. */
export interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly said: string;
}

/** What a loop counted; `counts` by "method@label of the provider". */
export interface LoopSummary {
  readonly calls: number;
  readonly failed: number;
  readonly slowestMs: number;
  readonly counts: Readonly<Record<string, number>>;
  /** The longest call of each key of `counts`, ms. */
  readonly slowest: Readonly<Record<string, number>>;
  readonly errors: readonly { readonly atMs: number; readonly method: string; readonly error: string }[];
}

export interface LoopOptions {
  readonly methods?: string;
  /** In all; without it the loop goes on until it is stopped. */
  readonly calls?: number;
  /** Between two calls of one thread. */
  readonly delay?: number;
  readonly threads?: number;
  readonly attach?: Readonly<Record<string, string>>;
  readonly ref?: string;
}

/** One call of OrderFeed or Relay; see peer.TripleStreams. */
export interface StreamCommand {
  readonly kind: "orders" | "collect" | "review" | "say" | "count" | "sum" | "talk";
  /** Of `say` and `talk`; see fixtures/peers/grpc/relay.proto. */
  readonly text?: string;
  /** Messages that come or go; 3 without it. */
  readonly count?: number;
  readonly cancelAfter?: number;
  /** The last order of a review is refused. */
  readonly refuse?: boolean;
  readonly attach?: Readonly<Record<string, string>>;
  readonly ref?: string;
}

/** What came of it: `ended` is completed, cancelled, late (20 s), or the error's text. */
export interface StreamResult {
  readonly values: readonly string[];
  readonly ended: string;
}

/** A running loop of calls. */
export interface Loop {
  stats(reset?: boolean): Promise<LoopSummary>;
  stop(): Promise<LoopSummary>;
}

export interface BurstResult {
  readonly ok: number;
  readonly failed: number;
  readonly tookMs: number;
  readonly labels: Readonly<Record<string, number>>;
  readonly errors: readonly string[];
}

/** A consumer JVM that is driven call by call, so that many cases share one start. */
export interface Consumer {
  readonly line: DubboLine;
  readonly peer: Peer;
  /** One command of `peer.Driver`; the answer as it came, `error` set when it failed. */
  ask(command: Readonly<Record<string, unknown>>, timeoutMs?: number): Promise<Record<string, unknown>>;
  /** The value of a call; throws with the Java exception's text. */
  call(method: string, arg?: unknown, attach?: Readonly<Record<string, string>>, ref?: string): Promise<unknown>;
  /** A further reference under a name of its own. */
  refer(ref: string, options: ConsumerOptions): Promise<void>;
  /** A call of a service that only Triple carries; throws with the Java exception's text where the call does. */
  stream(command: StreamCommand): Promise<StreamResult>;
  suite(ref?: string): Promise<readonly Check[]>;
  /** The fields of com.acme.Kinds, some of which no line of Dubbo can carry. */
  kinds(): Promise<readonly Check[]>;
  burst(calls: number, ms: number, ref?: string): Promise<BurstResult>;
  loop(options: LoopOptions): Promise<Loop>;
  stop(): Promise<void>;
}

/** Starts a consumer. Its references connect at their first call. `properties` are -D flags, `env` variables of the environment. */
export async function startConsumer(
  line: DubboLine,
  options: ConsumerOptions,
  properties: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Consumer> {
  const peer = await startProcess({
    env,
    name: `consumer ${line}`,
    command: "java",
    args: java(line, "peer.Consumer", ["--stdin", ...flags(options)], { properties }),
    stdin: true,
    ready: (started) => started.stdout().includes("READY"),
  });
  return drive(line, peer);
}

interface Waiting {
  readonly resolve: (answer: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** Asks a peer that takes a JSON command a line and answers each with a line that has its `id`; rejects when it ends. */
export function answersByLine(
  peer: Peer,
): (command: Readonly<Record<string, unknown>>, timeoutMs?: number) => Promise<Record<string, unknown>> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  createInterface({ input: peer.child.stdout! }).on("line", (text) => {
    if (!text.startsWith("{")) return;
    const answer = JSON.parse(text) as Record<string, unknown>;
    waiting.get(Number(answer["id"]))?.resolve(answer);
    waiting.delete(Number(answer["id"]));
  });
  void peer.exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${peer.name} ended:\n${peer.log()}`));
  });
  return (command, timeoutMs = 90_000) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(
          new Error(`${peer.name} gave no answer to ${JSON.stringify(command)} in ${timeoutMs} ms:\n${peer.log()}`),
        );
      }, timeoutMs);
      waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      peer.child.stdin!.write(JSON.stringify({ ...command, id }) + "\n");
    });
}

function drive(line: DubboLine, peer: Peer): Consumer {
  const ask = answersByLine(peer);
  const must = async (command: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
    const answer = await ask(command);
    if (answer["error"] !== undefined) throw new Error(`${peer.name}: ${String(answer["error"])}`);
    return answer;
  };
  let loops = 0;
  return {
    line,
    peer,
    ask,
    call: async (method, arg, attach, ref) => (await must({ op: "call", method, arg, attach, ref }))["value"],
    refer: async (ref, options) => void (await must({ op: "refer", ref, flags: flags(options) })),
    stream: async (command) => {
      const { values, ended } = await must({ op: "stream", ...command });
      return { values: values as string[], ended: String(ended) };
    },
    kinds: async () => (await must({ op: "kinds" }))["rows"] as readonly Check[],
    suite: async (ref) => (await must({ op: "suite", ref }))["rows"] as readonly Check[],
    burst: async (calls, ms, ref) => (await must({ op: "burst", calls, ms, ref })) as unknown as BurstResult,
    loop: async (options) => {
      const loop = `loop-${++loops}`;
      await must({ op: "start", loop, ...options });
      return {
        stats: async (reset = false) => (await must({ op: "stats", loop, reset })) as unknown as LoopSummary,
        stop: async () => (await must({ op: "stop", loop })) as unknown as LoopSummary,
      };
    },
    stop: async () => void (await peer.kill()),
  };
}

/** The checks that are not right, without those that the `known` list explains; a known one that passes is named too. */
export function surprises(checks: readonly Check[], known: Readonly<Record<string, string>>): string[] {
  const failed = checks
    .filter((row) => !row.ok && known[row.check] === undefined)
    .map((row) => `${row.check}: ${row.said}`);
  const healed = checks.filter((row) => row.ok && known[row.check] !== undefined);
  return [...failed, ...healed.map((row) => `${row.check}: passes, though expected not to: ${known[row.check]}`)];
}

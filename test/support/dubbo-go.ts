import { createInterface } from "node:readline";
import { builtDubboGo } from "./go-peers.ts";
import { type Peer, startProcess } from "./process.ts";

/** dubbo-go as provider and consumer of com.acme.OrderService: fixtures/peers/dubbo-go. */

interface Place {
  /** `zookeeper://host:port` or `nacos://host:port`; of ZooKeeper, also without the scheme. */
  readonly registry: string;
  readonly protocol: "dubbo" | "tri";
  readonly group?: string;
  readonly version?: string;
}

/** Where a provider listens, and what it calls itself. */
export interface GoProviderOptions extends Place {
  readonly host: string;
  readonly port: number;
  readonly label: string;
}

/** How a consumer looks for providers, and its calls' time-out in ms. */
export interface GoConsumerOptions extends Place {
  /** `interface` unless given. */
  readonly level?: "interface" | "instance" | "all";
  readonly timeout?: number;
}

/** A consumer that is driven call by call. */
export interface GoConsumer {
  readonly peer: Peer;
  /** The value of a call; throws with Go's type of the error and its text. */
  call(method: string, arg?: unknown, attach?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 30_000;

/** Starts a provider, which registers at both levels; resolves when it listens. */
export function startGoProvider(options: GoProviderOptions): Promise<Peer> {
  return startProcess({
    name: `dubbo-go provider ${options.label}`,
    command: builtDubboGo(),
    args: ["provider", ...flags(options)],
    ready: (peer) => peer.stdout().includes("READY"),
  });
}

/** Starts a consumer. */
export async function startGoConsumer(options: GoConsumerOptions): Promise<GoConsumer> {
  const peer = await startProcess({
    name: `dubbo-go consumer ${options.protocol}`,
    command: builtDubboGo(),
    args: ["consumer", ...flags(options)],
    stdin: true,
    ready: (started) => started.stdout().includes("READY"),
  });
  const waiting = new Map<number, (answer: { error?: string; value?: unknown }) => void>();
  void peer.exited.then(() => {
    for (const settle of waiting.values()) settle({ error: `${peer.name} ended:\n${peer.log()}` });
    waiting.clear();
  });
  createInterface({ input: peer.child.stdout! }).on("line", (text) => {
    if (!text.startsWith('{"')) return;
    const answer = JSON.parse(text) as { id: number; error?: string; value?: unknown };
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let lastId = 0;
  return {
    peer,
    call: (method, arg, attach) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error(`${peer.name} did not end ${method} in ${TIMEOUT_MS} ms:\n${peer.log()}`));
        }, TIMEOUT_MS);
        waiting.set(id, ({ error, value }) => {
          clearTimeout(timer);
          if (error === undefined) resolve(value);
          else reject(new Error(error));
        });
        peer.child.stdin!.write(`${JSON.stringify({ id, method, arg, attach })}\n`);
      }),
    stop: async () => void (await peer.kill()),
  };
}

function flags(options: GoProviderOptions | GoConsumerOptions): string[] {
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

import { type FSWatcher, readFileSync, watch } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { serviceKey } from "../../src/model/service.ts";
import { hostOf } from "../../src/registry-sync/naming/naming.ts";
import { fileNameOf } from "../../src/registry-sync/sinks/files.ts";
import { frame, hessianString, request } from "../support/raw-dubbo.ts";
import { type Change, VERSION } from "./registry-world.ts";

/** Providers that answer each call with their own port. */
export async function startEchoes(host: string, ports: readonly number[]): Promise<{ close(): void }> {
  const servers: Server[] = [];
  for (const port of ports) {
    const body = Buffer.concat([Buffer.from([0x91]), hessianString(String(port))]);
    const server = createServer({ noDelay: true }, (socket) => {
      onFrames(socket, (flags, id) => {
        if ((flags & 0x80) === 0) return;
        const isEvent = (flags & 0x20) !== 0;
        socket.write(frame(isEvent ? 0x22 : 0x02, id, isEvent ? Buffer.from("N") : body, undefined, 20));
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    servers.push(server);
  }
  return {
    close() {
      for (const server of servers) server.close();
    },
  };
}

/** Looks at the entries' files as they are replaced. */
export class FileProbe {
  readonly #directory: string;
  readonly #watcher: FSWatcher;
  readonly #mover: string;
  readonly #waiting = new Map<string, { readonly change: Change; readonly sentMs: number }[]>();
  readonly entryMs: number[] = [];

  /** `mover` is what a file has of the mover wherever it is listed. */
  constructor(directory: string, mover: string) {
    this.#directory = directory;
    this.#mover = mover;
    this.#watcher = watch(directory, (_, name) => {
      if (name !== null && !name.startsWith(".")) this.#look(name);
    });
  }

  get open(): number {
    return this.#waiting.size;
  }

  expect(change: Change, sentMs: number): void {
    const name = fileNameOf(hostOf(serviceKey(change.service, "", VERSION)));
    const list = this.#waiting.get(name) ?? [];
    list.push({ change, sentMs });
    this.#waiting.set(name, list);
  }

  close(): void {
    this.#watcher.close();
  }

  #look(name: string): void {
    const list = this.#waiting.get(name);
    if (list === undefined) return;
    const text = readFileSync(join(this.#directory, name), "utf8");
    const nowMs = performance.now();
    const isOut = ({ mark }: Change) => (mark === undefined ? !text.includes(this.#mover) : text.includes(mark));
    // What overtook an earlier change of the same service has brought that out as well.
    const last = list.findLastIndex(({ change }) => isOut(change));
    for (const { sentMs } of list.splice(0, last + 1)) this.entryMs.push(nowMs - sentMs);
    if (list.length === 0) this.#waiting.delete(name);
  }
}

interface Pending {
  readonly change: Change;
  readonly sentMs: number;
  readonly open: Set<CallProbe>;
  routedMs: number;
}

const EVERY_MS = 5;
/** After so many calls in a row that the mover did not get, no call goes to it any more: it got nearly all before. */
const MISSES = 4;

/** Calls through every worker to the services that change, until each goes where the change says. */
export class RouteProbes {
  readonly routedMs: number[] = [];
  failedCalls = 0;
  readonly #pending = new Set<Pending>();
  readonly #workers: readonly CallProbe[];
  readonly #timer: NodeJS.Timeout;

  constructor(host: string, ports: readonly number[], moverPort: number) {
    this.#workers = ports.map((port) => new CallProbe(host, port, String(moverPort), () => this.failedCalls++));
    this.#timer = setInterval(() => this.#send(), EVERY_MS);
  }

  get open(): number {
    return this.#pending.size;
  }

  expect(change: Change, sentMs: number): void {
    this.#pending.add({ change, sentMs, open: new Set(this.#workers), routedMs: 0 });
  }

  close(): void {
    clearInterval(this.#timer);
    for (const worker of this.#workers) worker.close();
  }

  #send(): void {
    for (const pending of this.#pending) {
      for (const worker of pending.open) worker.call(pending.change, (atMs) => this.#done(pending, worker, atMs));
    }
  }

  #done(pending: Pending, worker: CallProbe, atMs: number): void {
    if (!pending.open.delete(worker)) return;
    pending.routedMs = Math.max(pending.routedMs, atMs - pending.sentMs);
    if (pending.open.size > 0) return;
    // What overtook earlier changes of the same service has brought those into force as well.
    for (const one of this.#pending) {
      if (one.change.service !== pending.change.service || one.sentMs > pending.sentMs) continue;
      this.#pending.delete(one);
      this.routedMs.push(one === pending ? one.routedMs : atMs - one.sentMs);
    }
  }
}

/** One connection to one worker. */
class CallProbe {
  readonly #socket: Socket;
  readonly #mover: string;
  readonly #onFailed: () => void;
  readonly #calls = new Map<bigint, (text: string) => void>();
  readonly #misses = new Map<Change, { count: number; firstMs: number }>();
  #nextId = 1n;

  constructor(host: string, port: number, mover: string, onFailed: () => void) {
    this.#mover = mover;
    this.#onFailed = onFailed;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("error", () => this.#onFailed());
    onFrames(this.#socket, (flags, id, status, body) => {
      if ((flags & 0xa0) !== 0) return;
      const onAnswer = this.#calls.get(id);
      this.#calls.delete(id);
      if (status !== 20) this.#onFailed();
      else onAnswer?.(body.toString("latin1", 2));
    });
  }

  /** `done` is told when calls are seen to go where the change says; more than once. */
  call(change: Change, done: (atMs: number) => void): void {
    const id = this.#nextId++;
    this.#calls.set(id, (text) => {
      const nowMs = performance.now();
      const isMover = text.startsWith(this.#mover);
      if (change.takesCalls) {
        if (isMover) done(nowMs);
        return;
      }
      if (isMover) {
        this.#misses.delete(change);
        return;
      }
      const misses = this.#misses.get(change) ?? { count: 0, firstMs: nowMs };
      this.#misses.set(change, misses);
      if (++misses.count < MISSES) return;
      this.#misses.delete(change);
      done(misses.firstMs);
    });
    this.#socket.write(request({ id, service: change.service, version: VERSION, method: "getOrder" }));
  }

  close(): void {
    this.#socket.destroy();
  }
}

function onFrames(socket: Socket, take: (flags: number, id: bigint, status: number, body: Buffer) => void): void {
  let buffered: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    while (buffered.length >= 16 && buffered.length >= 16 + buffered.readInt32BE(12)) {
      const end = 16 + buffered.readInt32BE(12);
      take(buffered[2]!, buffered.readBigInt64BE(4), buffered[3]!, buffered.subarray(16, end));
      buffered = buffered.subarray(end);
    }
  });
}

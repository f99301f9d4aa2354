import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningTrestle, startTrestleUp } from "../bench/trestle.ts";
import { answerOk, envelope, type H2Provider, openH2Caller, startH2Provider } from "../support/h2-peers.ts";
import { freePort } from "../support/lone-proxy.ts";
import { sleep, stopAll } from "../support/process.ts";

// The published floods of HTTP/2 against a running worker: the connection ends with the right code, and costs little until then;
// somebody else's calls are served all the while.

const CALM = 11;
const PROTOCOL_ERROR = 1;
const COMPRESSION_ERROR = 9;
const CONNECTIONS = 8;
const GREEDY = 3;
const PATH = "/o.Orders/getOrder";
const BIG = Buffer.alloc(512 * 1024, 7);

let directory: string;
let provider: H2Provider;
let trestle: RunningTrestle;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "trestle-floods-"));
  provider = await startH2Provider();
  provider.onEnd = (call) => answerOk(call, call.body.length > 100 ? BIG : Buffer.from("ok"));
  const ports = { facade: await freePort(), proxy: await freePort(), tri: await freePort(), admin: await freePort() };
  const speak = { callers: "tri", providers: "tri" } as const;
  trestle = await startTrestleUp(directory, provider.port, speak, ports, (command, args) => ({
    command,
    args: [...args],
  }));
});

afterAll(async () => {
  await trestle?.close();
  await provider?.close();
  await stopAll();
  await rm(directory, { recursive: true, force: true });
});

const frame = (type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer => {
  const body = typeof payload === "string" ? Buffer.from(payload, "hex") : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
};

const [DATA, HEADERS, RST, SETTINGS, PING, WINDOW, CONTINUATION] = [0, 1, 3, 4, 6, 8, 9];
const END_STREAM = 1;
const END_HEADERS = 4;
const literal = (name: string, value: string) => {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
};
const BLOCK = Buffer.concat([
  Buffer.from("8386", "hex"),
  literal(":path", PATH),
  literal(":authority", "x"),
  literal("content-type", "application/grpc"),
  literal("te", "trailers"),
]);

/** Takes bytes to the proxy until it has had enough of them. */
class Attacker {
  readonly socket: Socket;
  /** Code of the GOAWAY; -1 for none. */
  code = -1;
  closed = false;
  #in = Buffer.alloc(0);

  constructor(port: number, settings = "") {
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("data", (chunk: Buffer) => {
      this.#in = Buffer.concat([this.#in, chunk]);
      while (this.#in.length >= 9 && this.#in.length >= 9 + this.#in.readUIntBE(0, 3)) {
        if (this.#in[3] === 7) this.code = this.#in.readUInt32BE(13);
        this.#in = this.#in.subarray(9 + this.#in.readUIntBE(0, 3));
      }
    });
    this.socket.write(
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(SETTINGS, 0, 0, settings)]),
    );
    this.socket.write(frame(SETTINGS, 1, 0));
  }

  /** Writes what `next` makes, as fast as it is taken, `bytes` at most; resolves when the connection is closed. */
  async flood(next: (n: number) => Buffer, bytes: number): Promise<void> {
    let sent = 0;
    for (let n = 0; !this.closed && sent < bytes; ) {
      const parts: Buffer[] = [];
      for (let size = 0; size < Math.min(bytes, 64 * 1024); ) {
        const part = next(n++);
        size += part.length;
        parts.push(part);
      }
      const chunk = Buffer.concat(parts);
      sent += chunk.length;
      if (!this.socket.write(chunk)) await Promise.race([once(this.socket, "drain"), once(this.socket, "close")]);
      else await sleep(0);
    }
    for (let waits = 0; waits < 250 && !this.closed; waits++) await sleep(20);
  }
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

/** CPU ms and resident MB of the worker. */
async function used(): Promise<{ cpuMs: number; rssMb: number }> {
  const stat = await readFile(`/proc/${trestle.workerPid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  const status = await readFile(`/proc/${trestle.workerPid}/status`, "utf8");
  return { cpuMs: (user + system) * 10, rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024 };
}

/** Runs `attack` while somebody else calls; what it cost the worker, and how the other one fared. */
async function beside(attack: () => Promise<void>) {
  const caller = await openH2Caller(trestle.port);
  let over = false;
  const statuses: (number | undefined)[] = [];
  const loop = (async () => {
    while (!over) {
      const call = await caller.call(PATH, { body: envelope(Buffer.from("hi")) }).done(20_000);
      statuses.push(call.status);
      await sleep(10);
    }
  })();
  await sleep(50);
  const before = await used();
  await attack();
  const after = await used();
  over = true;
  await loop;
  caller.close();
  return { statuses, cpuMs: after.cpuMs - before.cpuMs, grownMb: after.rssMb - before.rssMb };
}

const stream = (n: number) => 2 * n + 1;
const begin = (n: number) => frame(HEADERS, END_HEADERS, stream(n), BLOCK);

/** Blocks that say the same long value, which is in the table, over and over: little to send, much to hold. */
const BOMB = Buffer.concat([
  Buffer.from("8386", "hex"),
  literal(":path", PATH),
  literal(":authority", "x"),
  Buffer.concat([Buffer.of(0x40, 1, 0x78, 0x7f, 0x81, 0x1e), Buffer.alloc(3_968, "y")]),
  Buffer.alloc(12_000, 0xbe),
]);

interface Flood {
  readonly name: string;
  readonly codes: readonly number[];
  readonly first?: Buffer;
  readonly next: (n: number) => Buffer;
  /** Bytes of it that are too many. */
  readonly enough?: number;
}

const floods: readonly Flood[] = [
  {
    name: "rapid reset",
    codes: [CALM],
    next: (n) => Buffer.concat([begin(n), frame(RST, 0, stream(n), "00000008")]),
  },
  {
    name: "MadeYouReset, by a window that grows by nothing",
    codes: [CALM],
    next: (n) => Buffer.concat([begin(n), frame(WINDOW, 0, stream(n), "00000000")]),
  },
  {
    name: "MadeYouReset, by content after the end",
    codes: [CALM, 5],
    next: (n) =>
      Buffer.concat([frame(HEADERS, END_HEADERS | END_STREAM, stream(n), BLOCK), frame(DATA, 0, stream(n), "00")]),
  },
  {
    name: "CONTINUATION without end",
    codes: [CALM],
    first: frame(HEADERS, 0, 1, BLOCK),
    next: () => frame(CONTINUATION, 0, 1, literal("x", "y")),
  },
  {
    name: "empty CONTINUATION",
    codes: [CALM],
    first: frame(HEADERS, 0, 1, BLOCK),
    next: () => frame(CONTINUATION, 0, 1),
  },
  {
    name: "heads of no bytes",
    codes: [CALM],
    next: (n) => frame(HEADERS, END_HEADERS | END_STREAM, stream(n)),
  },
  {
    name: "fields without a name",
    codes: [CALM],
    next: (n) => frame(HEADERS, END_HEADERS | END_STREAM, stream(n), Buffer.alloc(30)),
  },
  {
    name: "changes of the table's size",
    codes: [COMPRESSION_ERROR],
    next: (n) => frame(HEADERS, END_HEADERS | END_STREAM, stream(n), Buffer.alloc(12_000, 0x20)),
    enough: 1,
  },
  { name: "SETTINGS", codes: [CALM], next: () => frame(SETTINGS, 0, 0, "000300000064") },
  { name: "PING", codes: [CALM], next: () => frame(PING, 0, 0, "0000000000000000") },
  { name: "empty DATA", codes: [CALM], first: begin(0), next: () => frame(DATA, 0, 1) },
  { name: "windows of one byte", codes: [CALM], first: begin(0), next: () => frame(WINDOW, 0, 1, "00000001") },
  { name: "frames of no known type", codes: [CALM], next: () => frame(0xfa, 0, 0, "00") },
  { name: "PRIORITY", codes: [CALM, PROTOCOL_ERROR], next: (n) => frame(2, 0, stream(n), "0000000010") },
  {
    name: "HPACK bombs",
    codes: [COMPRESSION_ERROR],
    next: (n) => frame(HEADERS, END_HEADERS | END_STREAM, stream(n), BOMB),
    enough: 1,
  },
];

test.each(floods)(
  "a flood ends its connection, soon and at little cost: $name",
  async ({ codes, first, next, enough = 60_000 }) => {
    const told: number[] = [];
    const cutOff: boolean[] = [];
    const attack = async (bytes: number) => {
      const attacker = new Attacker(trestle.port);
      if (first !== undefined) attacker.socket.write(first);
      await attacker.flood(next, bytes);
      attacker.socket.destroy();
      return attacker;
    };
    const { statuses, cpuMs, grownMb } = await beside(async () => {
      // Some go on no longer than they must, and read the goodbye; others write on, and the kernel resets their connection.
      for (let i = 0; i < CONNECTIONS; i++) told.push((await attack(enough)).code);
      for (let i = 0; i < GREEDY; i++) cutOff.push((await attack(16 * 1024 * 1024)).closed);
    });
    for (const code of told) expect(codes).toContain(code);
    expect(cutOff).toEqual(Array(GREEDY).fill(true));
    expect(statuses.length).toBeGreaterThan(0);
    expect(new Set(statuses)).toEqual(new Set([0]));
    expect(cpuMs).toBeLessThan((CONNECTIONS + GREEDY) * 1_000);
    expect(grownMb).toBeLessThan(128);
  },
);

test("callers that take no byte of their answers hold a bounded part of memory, and nobody else up", async () => {
  const attackers: Attacker[] = [];
  const { statuses, grownMb } = await beside(async () => {
    for (let i = 0; i < CONNECTIONS; i++) {
      const attacker = new Attacker(trestle.port, "000400000000");
      attackers.push(attacker);
      const ask = Buffer.concat([Buffer.of(0, 0, 0, 0, 200), Buffer.alloc(200)]);
      for (let n = 0; n < 20; n++) {
        attacker.socket.write(Buffer.concat([begin(n), frame(DATA, END_STREAM, stream(n), ask)]));
      }
    }
    await sleep(2_000);
  });
  // 80 MB of answers are asked for; what waits for a stream is no more than its window, 40 MB in all.
  expect(grownMb).toBeLessThan(160);
  expect(new Set(statuses)).toEqual(new Set([0]));
  for (const { socket } of attackers) socket.destroy();
});

import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { connectDubbo } from "../../src/cli/dubbo/client.ts";
import type { SocketOptions } from "../../src/cli/socket.ts";
import { callTriple } from "../../src/cli/triple/call.ts";
import { encodeRequestWrapper, encodeResponseWrapper } from "../../src/codecs/triple/body.ts";
import { serviceKey } from "../../src/model/service.ts";
import { answerOk, envelope, openH2Caller, type SeenCall, startH2Provider } from "../support/h2-peers.ts";
import { eventually } from "../support/process.ts";
import { frame, hessianString, openRaw, request } from "../support/raw-dubbo.ts";
import { restMethod, restSchema } from "../support/rest-schema.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

// Providers that answer before they were asked, never answer, or give up: what callers are told, whatever both speak, and that the
// next call of the same caller is served. HTTP/1.1 callers have the same in http-faults.test.ts.

type Near = "dubbo" | "tri";
type Far = "dubbo" | "tri" | "http";
type Fault =
  | "answers early"
  | "never answers"
  | "resets"
  | "refuses"
  | "resets within"
  | "hangs up"
  | "hangs up within";

const key = "com.acme.Hostile";
const text = "java.lang.String";
const WORD = hessianString("word");
const wrapped = (data: Buffer) => encodeResponseWrapper({ serializeType: "hessian4", data, type: text });
let stage: TripleStage;

beforeEach(async () => {
  stage = await startTripleStage("127.0.0.1");
});

afterEach(async () => {
  await eventually("nothing is held", () => Object.values(stage.held()).every((count) => count === 0));
  await stage.close();
});

/** A provider that does as it is told with each call; the port it listens on, and connections so far. */
interface Callee {
  readonly port: number;
  fault: Fault | undefined;
}

async function triCallee(): Promise<Callee> {
  const provider = await startH2Provider();
  onTestFinished(() => provider.close());
  const callee: Callee = { port: provider.port, fault: undefined };
  const half = ({ link, stream }: SeenCall) => {
    link.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
    link.machine.data(stream, envelope(wrapped(WORD)).subarray(0, 9), false);
    link.flush();
  };
  provider.onHead = (call) => {
    if (callee.fault === "answers early") answerOk(call, wrapped(WORD));
  };
  provider.onData = ({ link, stream }, bytes) => {
    if (callee.fault !== "answers early") link.machine.release(stream, bytes.length);
  };
  provider.onEnd = (call) => {
    const { link, stream } = call;
    if (callee.fault === undefined) answerOk(call, wrapped(WORD));
    if (callee.fault?.endsWith("within")) half(call);
    if (callee.fault?.startsWith("resets")) link.machine.reset(stream, 2);
    if (callee.fault === "refuses") link.machine.reset(stream, 7);
    link.flush();
    if (callee.fault?.startsWith("hangs up")) link.socket.end();
  };
  return callee;
}

/** A provider of bytes: `answer` to each request, told from where a request begins and ends. */
async function rawCallee(answer: (head: Buffer) => Buffer, size: (bytes: Buffer) => number): Promise<Callee> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    let buffered = Buffer.alloc(0);
    let answered = false;
    socket.on("data", (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 16) {
        const whole = size(buffered);
        const early = callee.fault === "answers early" && !answered;
        if (early) socket.write(answer(buffered));
        answered ||= early;
        if (buffered.length < whole) return;
        if (callee.fault === undefined && !answered) socket.write(answer(buffered));
        if (callee.fault?.endsWith("within")) socket.write(answer(buffered).subarray(0, -3));
        if (callee.fault?.startsWith("resets")) setTimeout(() => socket.resetAndDestroy(), 20);
        if (callee.fault?.startsWith("hangs up")) socket.end();
        buffered = buffered.subarray(whole);
        answered = false;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const callee: Callee = { port: (server.address() as { port: number }).port, fault: undefined };
  return callee;
}

const callees: Record<Far, () => Promise<Callee>> = {
  tri: triCallee,
  dubbo: () =>
    rawCallee(
      (head) => frame(0x02, head.readBigInt64BE(4), Buffer.concat([Buffer.of(0x91), WORD]), undefined, 20),
      (head) => 16 + head.readInt32BE(12),
    ),
  http: () =>
    rawCallee(
      () => Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nword"),
      (head) => {
        const at = head.indexOf("\r\n\r\n");
        if (at < 0) return Number.POSITIVE_INFINITY;
        return at + 4 + Number(/content-length: (\d+)/i.exec(head.latin1Slice(0, at))?.[1] ?? 0);
      },
    ),
};

/** A caller with one connection; what it is told by each call. */
interface Caller {
  call(word: Buffer): Promise<number | string>;
}

async function callerOf(near: Near): Promise<Caller> {
  if (near === "tri") {
    const caller = await openH2Caller(stage.port);
    onTestFinished(() => caller.close());
    return {
      call: async (word) => {
        const body = envelope(encodeRequestWrapper({ serializeType: "hessian4", args: [word], argTypes: [text] }));
        const made = await caller.call(`/${key}/say`, { body }).done();
        if (caller.closed) throw new Error("the caller's connection has ended");
        return made.status ?? `reset ${made.resetCode}`;
      },
    };
  }
  const caller = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => caller.destroy());
  let id = 0n;
  return {
    call: async (word) => {
      caller.write(request({ id: ++id, service: key, method: "say", types: "Ljava/lang/String;", args: word }));
      const answer = await caller.answer();
      expect(answer.id).toBe(id);
      return answer.status;
    },
  };
}

/** A string of 3 MB, in Hessian2's pieces of 32 KB. */
const LARGE = Buffer.concat([
  ...Array.from({ length: 96 }, () => Buffer.concat([Buffer.from("528000", "hex"), Buffer.alloc(0x8000, "a")])),
  Buffer.of(0),
]);

/** What callers are told of each fault: Triple callers a gRPC status, Dubbo2 ones theirs. */
const TOLD: Record<Near, Record<Fault, number>> = {
  tri: {
    "answers early": 0,
    "never answers": 4,
    resets: 14,
    refuses: 14,
    "resets within": 14,
    "hangs up": 14,
    "hangs up within": 14,
  },
  dubbo: {
    "answers early": 20,
    "never answers": 31,
    resets: 80,
    refuses: 80,
    "resets within": 80,
    "hangs up": 80,
    "hangs up within": 80,
  },
};

const rows: readonly { readonly near: Near; readonly far: Far }[] = [
  { near: "tri", far: "tri" },
  { near: "dubbo", far: "tri" },
  { near: "tri", far: "dubbo" },
  { near: "tri", far: "http" },
  { near: "dubbo", far: "http" },
];

describe.each(rows)("a $far provider and a $near caller", ({ near, far }) => {
  /** A stream can be refused alone, a connection cannot; and what was relayed in part can only be broken off. */
  const faults = (Object.keys(TOLD[near]) as Fault[]).filter((fault) => fault !== "refuses" || far === "tri");
  test.each(faults)("that %s", async (fault) => {
    const callee = await callees[far]();
    const types = { parameterTypes: [text], returnType: text };
    const rest = restSchema([restMethod("say", "POST /say", [{ name: "word", in: "body" }], types)]);
    const routes = [{ name: "all", match: { prefix: "/" }, route: { cluster: clusterName(key), timeout: "0.5s" } }];
    const endpoints = [{ port: callee.port, protocol: far }];
    await stage.apply([{ key, endpoints, routes }], far === "http" ? [{ ...rest, name: key }] : []);
    const caller = await callerOf(near);
    const good = TOLD[near]["answers early"];
    expect(await caller.call(WORD)).toBe(good);
    callee.fault = fault;
    const isCutOff = far === "tri" && near === "tri" && fault.endsWith("within");
    expect(await caller.call(fault === "answers early" ? LARGE : WORD)).toBe(isCutOff ? "reset 2" : TOLD[near][fault]);
    callee.fault = undefined;
    expect(await caller.call(WORD)).toBe(good);
  });
});

describe("a question of Trestle's own that is given up", () => {
  /** Long past any test. */
  const never = 300_000;
  const asks: Record<string, (at: SocketOptions) => Promise<unknown>> = {
    Dubbo2: async (at) => {
      const client = await connectDubbo(at);
      const call = { interface: key, method: "say", descriptor: "", args: [], attachments: {} };
      return client.call({ ...call, group: "", version: "", twoWay: true }, never).finally(() => client.close());
    },
    Triple: ({ signal, ...at }) =>
      callTriple({
        address: { scheme: "tri", ...at },
        service: serviceKey(key),
        request: { method: "say", descriptor: "", args: [], attachments: {} },
        options: { timeout: never, maxMessage: 1_024, attachment: [] },
        ...(signal && { signal }),
      }),
  };

  test.each(Object.keys(asks))("over %s ends, and the connection with it, whoever never answers", async (over) => {
    const heard = { bytes: 0, closed: 0 };
    const server = createServer((socket) => {
      socket.on("data", (chunk) => {
        heard.bytes += chunk.length;
      });
      socket.on("error", () => {}).on("close", () => heard.closed++);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const stop = new AbortController();
    const at = { host: "127.0.0.1", port, connectTimeoutMs: never, signal: stop.signal };
    const asked = asks[over]!(at).catch((error: Error) => error.message);
    await eventually("asked", () => heard.bytes > 0);
    stop.abort();
    expect(await asked).toContain(`127.0.0.1:${port}`);
    await eventually("closed", () => heard.closed === 1);
    expect(await asks[over]!(at).catch((error: Error) => error.message)).toBe(
      `no connection to 127.0.0.1:${port}: it was given up`,
    );
  });
});

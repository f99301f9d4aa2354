import { Agent, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { FAULT_FILTER, PREVIOUS_HOSTS, type Route } from "../../src/codecs/xds/route.ts";
import { soon } from "../support/fault-stage.ts";
import {
  type HttpProvider,
  type HttpProxy,
  openRawHttp,
  type RawCaller,
  type RawProvider,
  startHttpProvider,
  startHttpProxy,
  startRawProvider,
} from "../support/http-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

/*
 * Callers and providers of HTTP/1.1 that do wrong, one after the other: what each is told, what the metrics say, and that nothing is
 * left of it in the proxy.
 */

const LIMITS = { frameTimeoutMs: 1_000 };
const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";

let good: HttpProvider;
let raw: RawProvider;
let proxy: HttpProxy;
const opened: RawCaller[] = [];

beforeAll(async () => {
  good = await startHttpProvider((_, response) => response.end("good"));
  raw = await startRawProvider(() => {});
  proxy = await startHttpProxy({ ports: { "": [good.port] } }, LIMITS);
});

beforeEach(async () => {
  good.answer = (_, response) => response.end("good");
  await proxy.apply({ ports: { "": [good.port] } });
});

afterEach(async () => {
  for (const caller of opened.splice(0)) caller.socket.destroy();
  await soon(
    () => {
      const { gauges } = proxy.proxy.stats();
      expect(gauges).toMatchObject({ callsInFlight: 0, callsHeldByRules: 0, downstreamOpen: 0 });
    },
    5_000,
    "the proxy holds nothing of what is gone",
  );
});

afterAll(async () => {
  await proxy?.close();
  await good?.close();
  await raw?.close();
});

async function open(): Promise<RawCaller> {
  const caller = await openRawHttp(proxy.port);
  opened.push(caller);
  return caller;
}

/** Asks once and gives the whole answer, a head and its content. */
async function ask(text: string): Promise<string> {
  const caller = await open();
  caller.write(text);
  return caller.until((all, ended) => {
    const [head, ...rest] = all.split("\r\n\r\n");
    const length = /content-length: (\d+)/i.exec(head!)?.[1];
    return ended || (rest.length > 0 && length !== undefined && rest.join("\r\n\r\n").length >= Number(length));
  });
}

function counted(flags: string): number {
  return proxy.proxy
    .stats()
    .calls.filter((one) => one.responseFlags === flags)
    .reduce((sum, { count }) => sum + count, 0);
}

const all = (extra: object = {}, more: Partial<Route> = {}): Route[] => [
  { name: "rule", match: { prefix: "/" }, route: { cluster: clusterName("shop"), ...extra }, ...more },
];

/** A number once it has begun to grow and has not for a while. */
async function settled(read: () => number): Promise<number> {
  for (let last = 0, same = 0; ; ) {
    await sleep(100);
    const now = read();
    same = now === last && now > 0 ? same + 1 : 0;
    if (same === 6) return now;
    last = now;
  }
}

/** Requests that two servers could read in two ways, and others that are none. */
test.each([
  [
    "both lengths",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400],
  ["a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400],
  ["a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400],
  ["chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501],
  ["chunked by another name", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501],
  ["a blank before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400],
  ["a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400],
  ["a bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["a control byte", "GET / HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  ["HTTP/2 in words", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
  ["HTTP/2's beginning", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["a target that is too long", `GET /${"a".repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ["too many lines", `GET / HTTP/1.1\r\nHost: a\r\n${"x: y\r\n".repeat(200)}\r\n`, 431],
  ["a head that is too long", `GET / HTTP/1.1\r\nHost: a\r\n${`x: ${"y".repeat(2_000)}\r\n`.repeat(40)}\r\n`, 431],
  ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003", 400],
])("%s never reaches a provider", async (_, text, status) => {
  const before = good.requests;
  const caller = await open();
  caller.write(Buffer.from(text, "latin1"));
  const answer = await caller.until((_text, ended) => ended);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain("connection: close");
  expect(good.requests).toBe(before);
});

test("a request behind a broken one is not served; one before it is", async () => {
  const caller = await open();
  caller.write(`${GET}GET / HTTP/1.1\r\nBad Line\r\n\r\n${GET}`);
  const answer = await caller.until((_, ended) => ended);
  expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
});

test("CONNECT is refused: the proxy leads nowhere else", async () => {
  expect(await ask("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n")).toMatch(/^HTTP\/1.1 405 /);
});

test("a head that is not finished in time ends its connection, byte by byte or not", async () => {
  const [silent, slow] = [await open(), await open()];
  silent.write("GET / HTTP/1.1\r\nHo");
  slow.write("GET / HTTP/1.1\r\n");
  const drip = setInterval(() => slow.write("x"), 100);
  await Promise.all([silent, slow].map((caller) => caller.until((_, ended) => ended)));
  clearInterval(drip);
});

test("of a thousand pipelined requests each is answered in its turn, without many being held", async () => {
  const caller = await open();
  good.answer = (request, response) => response.end(request.url);
  caller.write(Array.from({ length: 1_000 }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
  const text = await caller.until((all_) => all_.includes("/999"));
  expect(text.match(/\r\n\r\n\/\d+/g)?.map((one) => Number(one.slice(5)))).toEqual(
    Array.from({ length: 1_000 }, (_, n) => n),
  );
});

test("pipelined requests that Trestle answers itself are all answered, though nothing more comes", async () => {
  await proxy.apply({ ports: { "": [] } });
  const caller = await open();
  caller.write(GET.repeat(20));
  const text = await caller.until((all_) => (all_.match(/HTTP\/1.1 503 /g) ?? []).length === 20);
  expect(text).toContain("no provider of");
  await proxy.apply({ ports: { "": [good.port] } });
});

test("a provider that is not there is 503 UF; with another one nobody notices", async () => {
  const gone = await startHttpProvider(() => {});
  await gone.close();
  await proxy.apply({ ports: { "": [gone.port] } });
  const before = counted("UF");
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 503 [\s\S]*no connection to 127\.0\.0\.1/);
  expect(counted("UF")).toBe(before + 1);
  await proxy.apply({ ports: { "": [gone.port, good.port] } });
  for (let i = 0; i < 6; i++) expect(await ask(GET)).toMatch(/^HTTP\/1.1 200 /);
});

test("no provider at all is 503 UH, and no route 404 NR", async () => {
  await proxy.apply({ ports: { "": [] } });
  const before = [counted("UH"), counted("NR")];
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 503 [\s\S]*no provider of/);
  await proxy.apply({
    ports: { "": [good.port] },
    routes: [{ name: "none", match: { prefix: "/" }, route: { weightedClusters: { clusters: [] } } }],
  });
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 404 /);
  expect([counted("UH"), counted("NR")]).toEqual([before[0]! + 1, before[1]! + 1]);
});

test("a rule's time-out is 504 UT, and the provider's connection is not used again", async () => {
  let sockets = 0;
  raw.serve = (socket) => {
    sockets++;
    socket.on("data", () => {});
  };
  await proxy.apply({ ports: { "": [raw.port] }, routes: all({ timeout: "0.2s" }) });
  const before = counted("UT");
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 504 /);
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 504 /);
  expect(counted("UT")).toBe(before + 2);
  expect(sockets).toBeGreaterThanOrEqual(2);
});

test("a caller that leaves takes its call along", async () => {
  let left = false;
  raw.serve = (socket) => {
    socket.on("data", () => {});
    socket.on("close", () => {
      left = true;
    });
  };
  await proxy.apply({ ports: { "": [raw.port] } });
  const caller = await open();
  caller.write(GET);
  await soon(() => expect(proxy.proxy.stats().gauges["callsInFlight"]).toBe(1), 2_000, "the call waits");
  caller.socket.destroy();
  await soon(() => expect(left).toBe(true), 2_000, "the provider's connection ends");
});

test.each<{ name: string; serve: (socket: Socket) => void; answer: RegExp; cut?: true }>([
  { name: "resets at once", serve: (s) => s.once("data", () => s.resetAndDestroy()), answer: /^HTTP\/1.1 503 / },
  { name: "closes without an answer", serve: (s) => s.once("data", () => s.end()), answer: /^HTTP\/1.1 503 / },
  {
    name: "answers no HTTP",
    serve: (s) => s.once("data", () => s.end("SSH-2.0-OpenSSH_9.6\r\n\r\n")),
    answer: /^HTTP\/1.1 503 /,
  },
  {
    name: "has two lengths",
    serve: (s) => s.once("data", () => s.end("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")),
    answer: /^HTTP\/1.1 503 /,
  },
  {
    name: "changes protocol unasked",
    serve: (s) => s.once("data", () => s.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")),
    answer: /^HTTP\/1.1 503 /,
  },
  {
    name: "sends interim answers without an end",
    serve: (s) => s.once("data", () => s.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50))),
    answer: /HTTP\/1.1 503 /,
  },
  {
    name: "ends in its head",
    serve: (s) => s.once("data", () => s.end("HTTP/1.1 200 OK\r\nContent-Le")),
    answer: /^HTTP\/1.1 503 /,
  },
  {
    name: "ends in its content",
    serve: (s) => s.once("data", () => s.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")),
    answer: /^HTTP\/1.1 200 OK[\s\S]*half$/,
    cut: true,
  },
  {
    name: "breaks its chunks",
    serve: (s) =>
      s.once("data", () => s.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n")),
    answer: /^HTTP\/1.1 200 OK[\s\S]*half\r\n$/,
    cut: true,
  },
])("a provider that $name", async ({ serve, answer, cut }) => {
  raw.serve = serve;
  await proxy.apply({ ports: { "": [raw.port] } });
  const caller = await open();
  caller.write(GET);
  const text = await caller.until((text_, ended) => (cut === true ? ended : answer.test(text_)));
  expect(text).toMatch(answer);
  if (cut !== true) {
    await proxy.apply({ ports: { "": [good.port] } });
    caller.write(GET);
    await caller.until((text_) => text_.endsWith("good"));
  }
});

test("an answer that goes on until its connection closes is passed on whole", async () => {
  raw.serve = (socket) => socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nuntil the end"));
  await proxy.apply({ ports: { "": [raw.port] } });
  const caller = await open();
  caller.write(GET);
  const text = await caller.until((all_) => all_.endsWith("0\r\n\r\n"));
  expect(text).toContain("transfer-encoding: chunked");
  expect(text).toContain("until the end");
});

test("what a provider says after its answer is nobody's", async () => {
  raw.serve = (socket) =>
    socket.on("data", () =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nAHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nB"),
    );
  await proxy.apply({ ports: { "": [raw.port] } });
  for (let i = 0; i < 5; i++) {
    const text = await ask(GET);
    expect(text.endsWith("\r\n\r\nA")).toBe(true);
  }
});

test("a connection that its provider had closed is no failure: the request goes out again, but one that is no repetition does not", async () => {
  let served = 0;
  raw.serve = (socket) => {
    let first = true;
    socket.on("data", () => {
      if (first) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
      else socket.resetAndDestroy();
      if (first) served++;
      first = false;
    });
  };
  await proxy.apply({ ports: { "": [raw.port] } });
  for (let i = 0; i < 6; i++) expect(await ask(GET)).toMatch(/^HTTP\/1.1 200 /);
  expect(served).toBe(6);
  expect(await ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")).toMatch(/^HTTP\/1.1 503 /);
});

test("retries: the rule's codes, at another provider, with the content that was sent", async () => {
  const bodies: string[] = [];
  const bad = await startHttpProvider((request, response) => {
    request.resume();
    request.on("end", () => {
      response.statusCode = 503;
      response.end("bad");
    });
  });
  good.answer = (request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      bodies.push(text);
      response.end("good");
    });
  };
  await proxy.apply({
    ports: { "": [bad.port, good.port] },
    routes: all({
      retryPolicy: { retryOn: "gateway-error", numRetries: 1, retryHostPredicate: [{ name: PREVIOUS_HOSTS }] },
    }),
  });
  for (let i = 0; i < 4; i++)
    expect(await ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")).toMatch(/^HTTP\/1.1 200 /);
  expect(bodies).toEqual(["hello", "hello", "hello", "hello"]);
  expect(bad.requests).toBeGreaterThan(0);
  await bad.close();
});

test("faults of rules: a delay, and an abort with its status", async () => {
  const percentage = { numerator: 100, denominator: "HUNDRED" } as const;
  const fault = { delay: { fixedDelay: "0.15s", percentage }, abort: { httpStatus: 429, percentage } } as const;
  await proxy.apply({
    ports: { "": [good.port] },
    routes: all({}, { typedPerFilterConfig: { [FAULT_FILTER]: fault } }),
  });
  const beganMs = performance.now();
  const answer = await ask(GET);
  expect(answer).toMatch(/^HTTP\/1.1 429 /);
  expect(answer).not.toContain("connection: close");
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(140);
  expect(counted("FI")).toBeGreaterThan(0);
});

test("over a service's limit of waiting calls the answer is 503 UO", async () => {
  raw.serve = (socket) => socket.on("data", () => {});
  await proxy.apply({ ports: { "": [raw.port] }, maxRequests: 1 });
  const first = await open();
  first.write(GET);
  await soon(() => expect(proxy.proxy.stats().gauges["callsInFlight"]).toBe(1), 2_000, "the first call waits");
  expect(await ask(GET)).toMatch(/^HTTP\/1.1 503 [\s\S]*its limit/);
  expect(counted("UO")).toBeGreaterThan(0);
});

test("an answer before the request's end reaches the caller, who may go on", async () => {
  good.answer = (_, response) => {
    response.statusCode = 413;
    response.end("too much");
  };
  const caller = await open();
  caller.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegin");
  await caller.until((text) => text.includes("too much"));
  good.answer = (_, response) => response.end("good");
  caller.write(Buffer.alloc(100_000 - 5));
  caller.write(GET);
  await caller.until((text) => text.endsWith("good"));
});

test("a caller that does not read holds its provider back, and one that does not read holds the caller back", async () => {
  let written = 0;
  const piece = Buffer.alloc(64 * 1024, "x");
  good.answer = (_, response) => {
    const more = (): void => {
      while (written < 100 * 1024 * 1024) {
        written += piece.length;
        if (!response.write(piece)) {
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
  };
  const caller = await open();
  caller.socket.pause();
  caller.write(GET);
  expect(await settled(() => written)).toBeLessThan(40 * 1024 * 1024);
  caller.socket.destroy();

  raw.serve = (socket) => socket.pause();
  await proxy.apply({ ports: { "": [raw.port] } });
  const sender = await open();
  sender.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  let sent = 0;
  const send = (): void => {
    while (sent < 100_000_000 && sender.socket.write(piece)) sent += piece.length;
  };
  sender.socket.on("drain", send);
  send();
  expect(await settled(() => sent)).toBeLessThan(40 * 1024 * 1024);
  // While it is not read from nobody can know that a caller left: the end of its provider's connection tells.
  sender.socket.destroy();
  raw.drop();
});

test("a slow stage of providers and rules changes under 40 callers without a lost call", async () => {
  const other = await startHttpProvider((_, response) => response.end("other"));
  const agent = new Agent({ keepAlive: true, maxSockets: 40 });
  let calls = 0;
  const failures: string[] = [];
  let running = true;
  const call = () =>
    new Promise<void>((resolve) => {
      httpRequest(`${proxy.url}/x`, { agent }, (answer) => {
        let text = "";
        answer.on("data", (bytes) => {
          text += bytes;
        });
        answer.on("end", () => {
          calls++;
          if (answer.statusCode !== 200) failures.push(`${answer.statusCode} ${text}`);
          resolve();
        });
        answer.on("error", (error) => {
          failures.push(error.message);
          resolve();
        });
      })
        .on("error", (error) => {
          failures.push(error.message);
          resolve();
        })
        .end();
    });
  const callers = Array.from({ length: 40 }, async () => {
    while (running) await call();
  });
  for (let i = 0; i < 20; i++) {
    await proxy.apply({
      ports: { "": i % 2 === 0 ? [other.port] : [good.port] },
      routes: i % 3 === 0 ? all({ timeout: "5s" }) : [],
    });
    await sleep(40);
  }
  running = false;
  await Promise.all(callers);
  agent.destroy();
  await other.close();
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(40);
});

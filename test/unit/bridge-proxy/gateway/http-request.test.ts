import { expect, test } from "vitest";
import { CallError } from "../../../../src/base/errors.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { HttpRequest } from "../../../../src/bridge-proxy/gateway/http-request.ts";
import { MetricRows } from "../../../../src/bridge-proxy/policies/metrics.ts";
import { type CompiledRoute, type HostDecision, RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import { parseRequestHead, parseResponseHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

/** A request whose route answers `status` and `body` by itself; all that its stream is told. */
function served(method: string, { ended = true, status = 410, body = "gone" } = {}) {
  const log: string[] = [];
  const stream = {
    ...{ closed: false, requestEnded: ended, queuedBytes: 0, fault: undefined as CallError | undefined },
    head: (fields: readonly string[], end: boolean) => log.push(`head ${fields.join(" ")}${end ? " end" : ""}`),
    interim: (fields: readonly string[]) => log.push(`interim ${fields.join(" ")}`),
    data: (bytes: Buffer, end: boolean) => log.push(`data ${bytes.toString()}${end ? " end" : ""}`),
    trailers: (fields: readonly string[]) => log.push(`trailers ${fields.join(" ")}`),
    release: (bytes: number) => log.push(`release ${bytes}`),
    reset: (code: number) => log.push(`reset ${code}`),
  };
  const text = Buffer.from(`${method} / HTTP/1.1\r\nhost: a\r\n\r\n`);
  const route = { targets: [], directStatus: status, directBody: Buffer.from(body) } as unknown as CompiledRoute;
  const host = { host: "shop", key: { interface: "shop", group: "", version: "" }, routes: [route] };
  const decision: HostDecision = { host, method, protocol: "http", candidates: [route], fixed: route };
  const context = {
    rows: new MetricRows(),
    nowMs: 0,
    random: () => 0.5,
    exchangeBytes: 0,
    limits: { maxExchangeBytes: 9 },
  } as unknown as ProxyContext;
  const request = new HttpRequest({
    context,
    port: { forget: () => log.push("forget") },
    stream: stream as unknown as CallerStream,
    head: parseRequestHead(text, 0, text.length, DEFAULT_HTTP1_LIMITS)!.head,
    end: ended,
    sinceMs: undefined,
    decision,
    routes: new RouteTable(undefined, () => undefined as never),
    peer: peerFrom("10.0.0.1"),
  });
  return { log, request, stream };
}

const answer = (text: string) => {
  const bytes = Buffer.from(text);
  return parseResponseHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)!.head;
};

test("what a rule answers is answered as plain text, to HEAD without content", () => {
  const got = served("GET");
  got.request.start();
  const head = "head :status 410 content-type text/plain content-length 4";
  expect(got.log).toEqual([head, "data gone end", "forget"]);
  const asked = served("HEAD");
  asked.request.start();
  expect(asked.log).toEqual([`${head} end`, "forget"]);
});

test("a request that is answered before its end is read no further, and what came of it is given back", () => {
  const { log, request } = served("PUT", { ended: false, body: "" });
  request.start();
  expect(log.slice(1)).toEqual(["forget", "reset 0"]);
  request.onRequestData(Buffer.from("abc"), true);
  expect(log.slice(3)).toEqual(["release 3"]);
});

test("the rest is wanted no more once the answer has gone", () => {
  const { log, request, stream } = served("PUT", { ended: false });
  stream.queuedBytes = 5;
  request.start();
  expect(log).not.toContain("reset 0");
  stream.queuedBytes = 0;
  request.onCallerDrain();
  expect(log.at(-1)).toBe("reset 0");
});

test("content waits while the provider does not take it", () => {
  const { log, request } = served("PUT", { ended: false });
  request.pause();
  request.onRequestData(Buffer.from("abc"), false);
  request.onRequestData(Buffer.from("de"), false);
  expect(log).toEqual([]);
  request.resume();
  request.resume();
  expect(log).toEqual(["release 5"]);
});

test("an answer is told with what comes before and behind it", () => {
  const { log, request } = served("GET");
  request.sendContinue();
  request.interim(answer("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n"));
  request.head(answer("HTTP/1.1 200 OK\r\nx: y\r\n\r\n"));
  request.data(Buffer.from("ab"));
  let drained = 0;
  request.onDrained(() => drained++);
  request.onCallerDrain();
  request.onCallerDrain();
  expect(drained).toBe(1);
  request.endAnswer([["X-Sum", "1"]]);
  request.endAnswer([]);
  request.abort();
  expect(log).toEqual([
    ...["interim :status 100", "interim :status 103 link a", "head :status 200 x y", "data ab"],
    ...["trailers x-sum 1", "data  end", "reset 2"],
  ]);
});

test("a head that the caller does not take ends the call", () => {
  const { log, request, stream } = served("GET");
  stream.fault = new CallError("resource_exhausted", "over_limit", "too long");
  request.head(answer("HTTP/1.1 200 OK\r\n\r\n"));
  expect(log).toEqual(["head :status 200", "forget", "reset 2"]);
});

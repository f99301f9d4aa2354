import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { answerOfHttp, OwnAnswered } from "../../../../src/bridge-proxy/gateway/own-answer.ts";
import { MetricRows } from "../../../../src/bridge-proxy/policies/metrics.ts";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";

function served(ended: boolean) {
  const log: string[] = [];
  const rows = new MetricRows();
  const stream = {
    ...{ closed: false, requestEnded: ended, queuedBytes: 0 },
    head: () => log.push("head"),
    data: () => log.push("data"),
    release: (bytes: number) => log.push(`release ${bytes}`),
    reset: (code: number) => log.push(`reset ${code}`),
  } as unknown as CallerStream;
  const request = new OwnAnswered({
    context: { rows } as unknown as ProxyContext,
    port: { forget: () => log.push("forget") },
    stream,
    reply: { fields: [":status", "404"], body: Buffer.from("{}") },
    answer: answerOfHttp(404),
    ended,
  });
  request.start();
  return { log, request, count: () => rows.series().reduce((sum, { count }) => sum + count, 0) };
}

test("a request without content is answered at once, and counted", () => {
  const { log, count } = served(true);
  expect([log, count()]).toEqual([["head", "data", "forget"], 1]);
});

test("content is not waited for beyond a bound, and the rest is not wanted", () => {
  const { log, request } = served(false);
  expect(log).toEqual([]);
  request.onRequestData(Buffer.alloc(64 * 1024), false);
  expect(log).toEqual(["release 65536"]);
  request.onRequestData(Buffer.alloc(1), false);
  expect(log).toEqual(["release 65536", "release 1", "head", "data", "forget", "reset 0"]);
  request.onRequestData(Buffer.alloc(1), true);
  request.onRequestTrailers();
  request.onCallerGone();
  expect(log.slice(6)).toEqual(["release 1"]);
});

test("a caller that goes is not answered", () => {
  const { log, request } = served(false);
  request.onCallerGone();
  request.onRequestData(Buffer.alloc(0), true);
  expect(log).toEqual(["forget", "release 0"]);
});

test.each([
  [405, 12],
  [415, 2],
  [404, 12],
])("HTTP status %i is gRPC %i", (http, grpc) => {
  expect(answerOfHttp(http)).toMatchObject({ http });
  expect(answerOfHttp(http).grpc).toBeLessThanOrEqual(grpc);
});

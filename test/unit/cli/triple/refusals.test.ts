import { expect, test } from "vitest";
import {
  describeGoaway,
  describeReset,
  describeStranger,
  lateAnswer,
  unframed,
} from "../../../../src/cli/triple/refusals.ts";

test.each([
  [
    "an HTTP/1 server",
    "HTTP/1.1 400 Bad Request\r\nServer: x\r\n",
    'speaks HTTP/1, not HTTP/2: it answered "HTTP/1.1 400 Bad Request"',
  ],
  ["Dubbo's telnet", "Unsupported command: PRI\r\ndubbo>", 'speaks no HTTP/2: it answered "Unsupported command: PRI"'],
  ["a Dubbo2 frame", "\u00da\u00bb\u00c2\u0000", "speaks Dubbo2, not HTTP/2; call it by dubbo://"],
  ["a TLS alert", "\u0015\u0003\u0001\u0000\u0002", "speaks TLS, which this command does not"],
  ["bytes", "\u0000\u0001\u00ff", "speaks no HTTP/2: it answered with bytes 0001ff"],
])("%s is told from HTTP/2", (_name, first, text) => {
  expect(describeStranger(Buffer.from(first, "latin1"))).toBe(text);
});

test("resets and goodbyes have their codes' names", () => {
  expect(describeReset(8, "")).toBe("reset the call (CANCEL)");
  expect(describeReset(99, "")).toBe("reset the call (code 99)");
  expect(describeReset(1, "DATA before a head")).toBe("broke HTTP/2: DATA before a head");
  expect(describeGoaway(0, "")).toBe(" after GOAWAY (NO_ERROR)");
  expect(describeGoaway(11, "too_many_pings\u0007")).toBe(" after GOAWAY (ENHANCE_YOUR_CALM: too_many_pings?)");
});

test.each<[string[], string | undefined]>([
  [[":status", "200", "content-type", "application/grpc"], undefined],
  [[":status", "200", "content-type", "application/grpc+proto"], undefined],
  [[":status", "200", "content-type", "text/html"], "http status 200 and content-type text/html: this is no gRPC"],
  [[":status", "404"], "http status 404 and content-type none: this is no gRPC"],
])("whether an answer with %j is gRPC", (head, text) => {
  const refusal = unframed(head);
  if (text === undefined) expect(refusal).toBeUndefined();
  else expect(refusal?.message).toContain(text);
});

test("a callee that gave up is a time-out, with what it said", () => {
  expect(lateAnswer("h:1", "").message).toBe("no answer from h:1 in time: it gave up");
  expect(lateAnswer("h:1", "Deadline exceeded\nat x")).toMatchObject({
    reason: "timeout",
    message: "no answer from h:1 in time: it gave up (Deadline exceeded)",
  });
});

import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { HeldRequest } from "../../../../src/bridge-proxy/triple/held-request.ts";
import type { Arrived, ServedRequest } from "../../../../src/bridge-proxy/triple/served.ts";

function stage(http1?: object, takesTrailers = false) {
  const seen: string[] = [];
  let come = () => {};
  const context = { exchangeBytes: 0, nowMs: 7, limits: { maxExchangeBytes: 10 } };
  const inner: ServedRequest = {
    place: -1,
    takesTrailers,
    start: () => seen.push("start"),
    onRequestData: (bytes, end) => seen.push(`data ${bytes}${end ? " end" : ""}`),
    onRequestTrailers: (fields) => seen.push(`trailers ${fields}`),
    onCallerDrain: () => seen.push("drain"),
    onCallerGone: () => seen.push("gone"),
  };
  const held = new HeldRequest({
    context: context as unknown as ProxyContext,
    arrived: {
      head: { http1 },
      port: { forget: (one: unknown) => seen.push(one === held ? "forgotten" : "?") },
    } as unknown as Arrived,
    caller: "10.0.0.1",
    later: (timeLeftMs, done) => {
      seen.push(`waits ${timeLeftMs}`);
      come = done;
      return () => seen.push("gave up");
    },
    timeLeftMs: 500,
    serve: ({ port, sinceMs }) => {
      expect([port, sinceMs]).toEqual([held, 7]);
      return inner;
    },
  });
  held.start();
  return { held, seen, context, come: () => come() };
}

test("what came meanwhile is given on in its order once it is time, and what comes then at once", () => {
  const { held, seen, context, come } = stage();
  held.onCallerDrain();
  const bytes = Buffer.from("abc");
  held.onRequestData(bytes, false);
  bytes.fill("x");
  held.onRequestTrailers(["t", "1"]);
  expect(context.exchangeBytes).toBe(3);
  come();
  held.onCallerDrain();
  held.forget();
  expect(seen).toEqual(["waits 500", "start", "data abc", "trailers t,1", "drain", "forgotten"]);
  expect(context.exchangeBytes).toBe(0);
});

test("many small pieces are held as few, and an end without content is an end", () => {
  const { held, seen, come } = stage();
  for (const letter of "abcdefg") held.onRequestData(Buffer.from(letter), false);
  held.onRequestData(Buffer.alloc(0), true);
  come();
  expect(seen.slice(1)).toEqual(["start", "data a", "data bcdefg end"]);
  const empty = stage();
  empty.held.onRequestData(Buffer.alloc(0), true);
  empty.come();
  expect(empty.seen.slice(1)).toEqual(["start", "data  end"]);
});

test("a caller that leaves is forgotten, and nothing is served", () => {
  const { held, seen, context } = stage();
  held.onRequestData(Buffer.from("abc"), true);
  held.onCallerGone();
  expect(seen).toEqual(["waits 500", "gave up", "forgotten"]);
  expect(context.exchangeBytes).toBe(0);
});

test("where too many bytes are held it waits no longer", () => {
  const { held, seen, context } = stage();
  held.onRequestData(Buffer.from("0123456789a"), true);
  expect(seen).toEqual(["waits 500", "gave up", "start", "data 0123456789a end"]);
  held.onRequestData(Buffer.from("b"), true);
  held.onCallerGone();
  expect(seen.slice(-2)).toEqual(["data b end", "gone"]);
  expect(context.exchangeBytes).toBe(0);
});

test("trailers of HTTP/1.1 go to who takes them, and are an end for others", () => {
  const ended = (takesTrailers: boolean, isLate: boolean) => {
    const { held, seen, come } = stage({}, takesTrailers);
    if (isLate) come();
    held.onRequestTrailers(["t", "1"]);
    if (!isLate) come();
    return seen.at(-1);
  };
  expect([ended(true, false), ended(true, true)]).toEqual(["trailers t,1", "trailers t,1"]);
  expect([ended(false, false), ended(false, true)]).toEqual(["data  end", "data  end"]);
});

import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { HttpContent } from "../../../../src/bridge-proxy/http/content.ts";
import type { HttpLink } from "../../../../src/bridge-proxy/http/link.ts";

function contextOf(maxExchangeBytes = 1_000_000): ProxyContext {
  return { exchangeBytes: 0, limits: { maxExchangeBytes } } as ProxyContext;
}

function linkOf(): { link: HttpLink; got: string[] } {
  const got: string[] = [];
  const link = {
    data: (bytes: Buffer) => got.push(bytes.toString()),
    end: () => got.push("end"),
  } as unknown as HttpLink;
  return { link, got };
}

test("content waits for a connection, and can be sent again", () => {
  const context = contextOf();
  const content = new HttpContent(context);
  content.take(Buffer.from("a"), undefined);
  expect([content.heldBytes, context.exchangeBytes]).toEqual([1, 1]);
  const first = linkOf();
  content.sendAll(first.link);
  content.take(Buffer.from("b"), first.link);
  content.end(undefined, first.link);
  expect(first.got).toEqual(["a", "b", "end"]);
  const second = linkOf();
  expect(content.replayable).toBe(true);
  content.sendAll(second.link);
  expect(second.got).toEqual(["a", "b", "end"]);
  content.drop();
  expect([content.replayable, content.heldBytes, context.exchangeBytes]).toEqual([false, 0, 0]);
});

test("more than 64 KB that went out is kept no longer", () => {
  const context = contextOf();
  const content = new HttpContent(context);
  const { link } = linkOf();
  content.take(Buffer.alloc(64 * 1024), link);
  expect(content.replayable).toBe(true);
  content.take(Buffer.alloc(1), link);
  expect([content.replayable, context.exchangeBytes]).toEqual([false, 0]);
});

test("content that has to wait while all calls keep more than they may overflows", () => {
  const content = new HttpContent(contextOf(10));
  content.take(Buffer.alloc(10), undefined);
  expect(content.overflows).toBe(false);
  content.take(Buffer.alloc(1), undefined);
  expect(content.overflows).toBe(true);
});

test("many small pieces are kept in few", () => {
  const content = new HttpContent(contextOf());
  for (let i = 0; i < 10_000; i++) content.take(Buffer.from("a"), undefined);
  const { link, got } = linkOf();
  content.sendAll(link);
  expect([got.length < 10, got.join("")]).toEqual([true, "a".repeat(10_000)]);
});

import { expect, test } from "vitest";
import { hashOfText, joinHashes, mix } from "../../../../src/bridge-proxy/balance/hash.ts";

test("hashes are the same in every version: keys stay where they are when a proxy is replaced", () => {
  expect([hashOfText(""), hashOfText("a"), hashOfText("user-42"), hashOfText("user-42", 7)]).toEqual([
    0, 721_651_713, 798_118_898, 2_357_247_381,
  ]);
  expect([mix(0), mix(1), joinHashes(1, 2), joinHashes(2, 1)]).toEqual([0, 1_364_076_727, 787_152_282, 1_945_585_032]);
});

test("hashes are 32-bit numbers, and near texts fall evenly", () => {
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 16_000; i++) {
    const hash = hashOfText(`order-${i}`);
    expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
    counts[Math.floor(hash / 2 ** 28)]!++;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1_150);
});

import { expect, test } from "vitest";
import { PeakEwma } from "../../../../src/bridge-proxy/balance/peak-ewma.ts";

test("before the first answer it is 30 ms", () => {
  expect(new PeakEwma(1_000).estimateMs(1_000)).toBe(30);
});

test("a peak counts at once and is forgotten slowly", () => {
  const ewma = new PeakEwma(0);
  ewma.observe(500, 0);
  expect(ewma.estimateMs(0)).toBe(500);
  ewma.observe(5, 100);
  expect(ewma.estimateMs(100)).toBeCloseTo(495.07, 1);
  for (let ms = 200; ms <= 60_000; ms += 100) ewma.observe(5, ms);
  expect(ewma.estimateMs(60_000)).toBeCloseTo(6.2, 0);
});

test("it sinks while nobody asks: a third after ten seconds", () => {
  const ewma = new PeakEwma(0);
  ewma.observe(300, 0);
  expect(ewma.estimateMs(10_000)).toBeCloseTo(300 / Math.E, 5);
});

test("a clock that goes back changes nothing", () => {
  const ewma = new PeakEwma(10_000);
  expect(ewma.estimateMs(0)).toBe(30);
  ewma.observe(10, 0);
  expect(ewma.estimateMs(10_000)).toBe(30);
});

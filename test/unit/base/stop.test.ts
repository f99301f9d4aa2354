import { afterEach, expect, test } from "vitest";
import { createStop } from "../../../src/base/stop.ts";

const warnings: Error[] = [];
const onWarning = (warning: Error) => warnings.push(warning);

afterEach(() => {
  process.off("warning", onWarning);
});

test("any number may wait for its signal without a warning, and all are told", async () => {
  process.on("warning", onWarning);
  const stop = createStop();
  let told = 0;
  for (let i = 0; i < 100; i++) stop.signal.addEventListener("abort", () => told++, { once: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
  stop.abort();
  expect(told).toBe(100);
});

import { expect, test } from "vitest";
import { FloodGuard } from "../../../../src/codecs/http2/floods.ts";

test("500 resets are borne at once, then 100 a second", () => {
  const guard = new FloodGuard(0);
  for (let i = 0; i < 500; i++) guard.spendReset();
  guard.advance(1000);
  for (let i = 0; i < 100; i++) guard.spendReset();
  expect(() => guard.spendReset()).toThrow("over 500 streams were reset");
});

test("a peer whose streams mostly end well may reset for ever", () => {
  const guard = new FloodGuard(0);
  for (let i = 0; i < 5000; i++) {
    guard.spendReset();
    guard.earnStream();
  }
  for (let i = 0; i < 500; i++) guard.spendReset();
  expect(() => guard.spendReset()).toThrow();
});

test("frames without content are bounded, content pays for two", () => {
  const guard = new FloodGuard(0);
  for (let i = 0; i < 2000; i++) guard.spendFrame(1);
  guard.earnFrame();
  guard.spendFrame(2);
  expect(() => guard.spendFrame(1)).toThrow("over 2000 frames without content");
});

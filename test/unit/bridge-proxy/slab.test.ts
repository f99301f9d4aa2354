import { expect, test } from "vitest";
import { Slab } from "../../../src/bridge-proxy/slab.ts";

function read(slab: Slab, text: string): { readonly bytes: Buffer; readonly at: number; readonly text: () => string } {
  slab.readBuffer.write(text, "latin1");
  const at = slab.keepRead(text.length);
  const { bytes } = slab;
  return { bytes, at, text: () => bytes.toString("latin1", at, at + text.length) };
}

test("reads stand one behind the other, and later ones leave them alone", () => {
  const slab = new Slab();
  const first = read(slab, "first");
  const second = read(slab, "second");
  expect(second.bytes).toBe(first.bytes);
  expect(second.at).toBe(first.at + 5);
  expect([first.text(), second.text()]).toEqual(["first", "second"]);
});

test("a full slab is left to its holders and another takes its place", () => {
  const slab = new Slab();
  const kept = read(slab, "kept");
  const whole = "x".repeat(slab.readBuffer.length);
  for (let i = 0; i < 4; i++) expect(read(slab, whole).text()).toBe(whole);
  expect(slab.bytes).not.toBe(kept.bytes);
  expect(kept.text()).toBe("kept");
});

test("reserved bytes overlap no read", () => {
  const slab = new Slab();
  const before = read(slab, "before");
  const at = slab.place(100);
  const after = read(slab, "after");
  slab.bytes.fill(0, at, at + 100);
  expect([before.text(), after.text()]).toEqual(["before", "after"]);
});

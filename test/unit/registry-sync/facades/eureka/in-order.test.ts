import { expect, test } from "vitest";
import { InOrder } from "../../../../../src/registry-sync/facades/eureka/in-order.ts";

/** An `InOrder` whose tasks are ended by hand, by their names. */
function stage() {
  const inOrder = new InOrder();
  const begun: string[] = [];
  const ends = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const run = (key: string, name: string, isLate = false) =>
    inOrder.run(
      key,
      () => isLate,
      () => {
        begun.push(name);
        return new Promise<string>((resolve, reject) => ends.set(name, { resolve, reject }));
      },
    );
  return { begun, ends, run };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("what is about one thing begins as the one before it ended, what is about another at once", async () => {
  const { begun, ends, run } = stage();
  const answers = [run("a", "a1"), run("a", "a2"), run("b", "b1"), run("a", "a3")];
  await settled();
  expect(begun).toEqual(["a1", "b1"]);
  ends.get("a1")!.resolve("1");
  await settled();
  expect(begun).toEqual(["a1", "b1", "a2"]);
  ends.get("a2")!.resolve("2");
  await settled();
  ends.get("a3")!.resolve("3");
  ends.get("b1")!.resolve("4");
  expect(await Promise.all(answers)).toEqual(["1", "2", "4", "3"]);
});

test("one that fails lets the next begin, and fails alone", async () => {
  const { begun, ends, run } = stage();
  const [first, second] = [run("a", "a1"), run("a", "a2")];
  ends.get("a1")!.reject(new Error("no server"));
  await expect(first).rejects.toThrow("no server");
  await settled();
  expect(begun).toEqual(["a1", "a2"]);
  ends.get("a2")!.resolve("ok");
  expect(await second).toBe("ok");
});

test("one that nobody waits for any more is not begun, but for one that had not to wait", async () => {
  const { begun, ends, run } = stage();
  const [first, second] = [run("a", "a1", true), run("a", "a2", true)];
  ends.get("a1")!.resolve("ok");
  expect(await first).toBe("ok");
  await expect(second).rejects.toThrow("earlier requests of a are not answered");
  expect(begun).toEqual(["a1"]);
});

test("the seventeenth that would wait is refused, and is taken when the others are done", async () => {
  const { ends, run } = stage();
  const answers = Array.from({ length: 16 }, (_, i) => run("a", `a${i}`));
  await expect(run("a", "more")).rejects.toThrow("over 16 requests of a wait");
  for (let i = 0; i < 16; i++) {
    ends.get(`a${i}`)!.resolve("ok");
    await settled();
  }
  await Promise.all(answers);
  const again = run("a", "again");
  ends.get("again")!.resolve("ok");
  expect(await again).toBe("ok");
});

import { expect, test } from "vitest";
import { OrderlyEnd } from "../../../../src/bridge-proxy/inbound/orderly-end.ts";

test("a connection is left, has time for its calls, refuses those that come then, and is closed", () => {
  const done: string[] = [];
  const note = (word: string) => () => void done.push(word);
  const end = new OrderlyEnd(
    { leave: note("leave"), end: note("end"), destroy: note("destroy") },
    note("refuse"),
    5_000,
  );
  const at = (ms: number) => {
    end.tick(ms);
    return done.join(" ");
  };
  expect(at(5_000)).toBe("leave");
  expect(at(14_999)).toBe("leave");
  expect(at(15_000)).toBe("leave refuse");
  expect(at(15_999)).toBe("leave refuse");
  expect(at(16_000)).toBe("leave refuse end");
  expect(at(17_000)).toBe("leave refuse end destroy");
  expect(at(30_000)).toBe("leave refuse end destroy");
});

import { expect, test } from "vitest";
import { WaitingRoom } from "../../../../src/bridge-proxy/inbound/waiting.ts";

function one(name: string, gone: string[]) {
  return { destroy: () => void gone.push(name) };
}

test("where there is no room, whoever has waited for longest is sent away", () => {
  const gone: string[] = [];
  const room = new WaitingRoom(2);
  const [a, b, c] = ["a", "b", "c"].map((name) => one(name, gone));
  expect([room.enter(a!), room.enter(b!), room.enter(c!)]).toEqual([false, false, true]);
  expect(gone).toEqual(["a"]);
  expect(room.size).toBe(2);
});

test("who has left makes room, and is not sent away", () => {
  const gone: string[] = [];
  const room = new WaitingRoom(1);
  const [a, b] = ["a", "b"].map((name) => one(name, gone));
  room.enter(a!);
  room.leave(a!);
  room.leave(a!);
  expect(room.enter(b!)).toBe(false);
  expect(gone).toEqual([]);
});

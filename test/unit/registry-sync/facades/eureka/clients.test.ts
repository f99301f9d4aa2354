import { expect, test } from "vitest";
import { EurekaClients, OWN_MS, RESYNC_MS } from "../../../../../src/registry-sync/facades/eureka/clients.ts";
import { DELTA_WINDOW_MS } from "../../../../../src/registry-sync/facades/eureka/history.ts";

const NEVER = Number.NEGATIVE_INFINITY;

test("a client that took the whole list is told deltas", () => {
  const clients = new EurekaClients();
  clients.full("a", "led", 0);
  expect(clients.delta("a", "led", NEVER, 30_000)).toBe(false);
});

test("one that was never seen is made to take the whole list, for as long as others of its host may ask, too", () => {
  const clients = new EurekaClients();
  expect(clients.delta("a", "led", NEVER, 0)).toBe(true);
  clients.full("a", "led", 1);
  expect(clients.delta("a", "led", NEVER, RESYNC_MS - 1)).toBe(true);
  expect(clients.delta("a", "led", NEVER, RESYNC_MS)).toBe(false);
});

test.each([
  ["after a time that deltas do not reach over", "led", DELTA_WINDOW_MS, NEVER],
  ["whose list is of another kind from now on", "real", 1_000, NEVER],
  ["that was told before changes were lost", "led", 1_000, 500],
] as const)("a client %s takes the whole list", (_, kind, nowMs, lostMs) => {
  const clients = new EurekaClients();
  clients.full("a", "led", 0);
  expect(clients.delta("a", kind, lostMs, nowMs)).toBe(true);
});

test("a host that takes a whole list of another kind has others made to, too", () => {
  const clients = new EurekaClients();
  clients.full("a", "led", 0);
  clients.full("a", "real", 1);
  expect(clients.delta("a", "real", NEVER, 2)).toBe(true);
});

test("clients that were not seen longest are forgotten beyond ten thousand", () => {
  const clients = new EurekaClients();
  for (let i = 0; i <= 10_000; i++) clients.full(`c${i}`, "led", 0);
  expect([clients.delta("c0", "led", NEVER, 1), clients.delta("c10000", "led", NEVER, 1)]).toEqual([true, false]);
});

test("an address's own instances are those renewed from there lately", () => {
  const clients = new EurekaClients();
  clients.renewed("10.0.0.1", "B/1", 0);
  clients.renewed("10.0.0.1", "A/1", 1_000);
  clients.renewed("10.0.0.2", "C/1", 0);
  expect(clients.ownOf("10.0.0.1", 1_000)).toEqual(["A/1", "B/1"]);
  expect(clients.ownOf("10.0.0.1", OWN_MS)).toEqual(["A/1"]);
  expect(clients.ownOf("10.0.0.1", OWN_MS + 1_000)).toEqual([]);
  expect(clients.ownOf("10.0.0.3", 0)).toEqual([]);
});

test("one address has at most a thousand instances of its own", () => {
  const clients = new EurekaClients();
  for (let i = 0; i < 100_000; i++) clients.renewed("a", `A/${i}`, 0);
  expect(clients.ownOf("a", 0)).toHaveLength(1_000);
});

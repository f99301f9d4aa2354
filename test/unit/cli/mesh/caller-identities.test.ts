import { expect, test } from "vitest";
import { CallerIdentities } from "../../../../src/cli/mesh/caller-identities.ts";
import { turn } from "../../../support/recording-logger.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const BATCH = "spiffe://cluster.local/ns/shop/sa/batch";
const callers = [
  { identity: WEB, addresses: ["10.0.3.0/24"], login: { username: "web", password: "w" } },
  { identity: BATCH, addresses: [], login: { username: "batch", password: "b" } },
];

test("an address counts as who logged in from it, while one connection of theirs stands", async () => {
  const identities = new CallerIdentities(callers);
  const first = identities.login("10.0.3.7", "batch", "b")!;
  const second = identities.login("10.0.3.7", "batch", "b")!;
  await turn();
  const both = { "10.0.3.0/24": WEB, "10.0.3.7": BATCH };
  expect(identities.current.get()).toEqual(both);
  first();
  first();
  await turn();
  expect(identities.current.get()).toEqual(both);
  second();
  await turn();
  expect(identities.current.get()).toEqual({ "10.0.3.0/24": WEB });
});

test("who is not known, or has another password, is nobody", () => {
  const identities = new CallerIdentities(callers);
  expect(identities.login("10.0.3.7", "batch", "w")).toBeUndefined();
  expect(identities.login("10.0.3.7", "other", "w")).toBeUndefined();
  expect(identities.login("", "batch", "b")).toBeUndefined();
});

test("an address of two users is nobody's, also within a range", async () => {
  const identities = new CallerIdentities(callers);
  identities.login("10.0.3.7", "batch", "b");
  const leave = identities.login("10.0.3.7", "web", "w")!;
  await turn();
  expect(identities.current.get()["10.0.3.7"]).toBe("");
  leave();
  await turn();
  expect(identities.current.get()["10.0.3.7"]).toBe(BATCH);
});

test("logins of one turn are one change", async () => {
  const identities = new CallerIdentities(callers);
  let changes = 0;
  void (async () => {
    for await (const _ of identities.current.watch()) changes++;
  })();
  await turn();
  for (let i = 0; i < 1_000; i++) identities.login(`10.1.${i >> 8}.${i & 255}`, "web", "w");
  await turn();
  await turn();
  expect(changes).toBe(2);
  expect(Object.keys(identities.current.get())).toHaveLength(1_001);
  identities.current.close();
});

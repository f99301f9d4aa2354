import { expect, test } from "vitest";
import { CallerIdentities } from "../../../../src/cli/mesh/caller-identities.ts";
import { turn } from "../../../support/recording-logger.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const BATCH = "spiffe://cluster.local/ns/shop/sa/batch";
const callers = [
  { identity: WEB, addresses: ["10.0.3.0/24"], login: { username: "web", password: "w" } },
  { identity: BATCH, addresses: [], login: { username: "batch", password: "b" } },
];

function login(identities: CallerIdentities, address: string, username: string, password: string): () => void {
  const answer = identities.login({ address, username, password }, "main");
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

test("an address counts as who logged in from it, while one connection of theirs stands", async () => {
  const identities = new CallerIdentities(callers);
  const first = login(identities, "10.0.3.7", "batch", "b");
  const second = login(identities, "10.0.3.7", "batch", "b");
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
  const address = "10.0.3.7";
  expect(identities.login({ address, username: "batch", password: "w" }, "main")).toBe("wrong");
  expect(identities.login({ address, username: "other", password: "w" }, "main")).toBe("unknown");
  expect(identities.login({ address: "", username: "batch", password: "b" }, "main")).toBe("unknown");
  expect(identities.login({ address, username: "batch" }, "main")).toBe("unknown");
});

test("a registry vouches for its own users alone, and is heard where somebody counts by that", async () => {
  const vouched = [{ identity: WEB, addresses: [], login: { username: "web", registry: "nacos-a" } }];
  const identities = new CallerIdentities(vouched);
  const client = { address: "10.0.3.7", username: "web" };
  expect(identities.login(client, "nacos-b")).toBe("unknown");
  expect(identities.login({ ...client, password: "w" }, "nacos-a")).toBe("unknown");
  expect(identities.at("nacos-b")).toBeUndefined();
  expect(identities.at("nacos-a")!(client)).toBeTypeOf("function");
  await turn();
  expect(identities.current.get()).toEqual({ "10.0.3.7": WEB });
  expect(new CallerIdentities(callers).at("any")).toBeDefined();
});

test("an address of two users is nobody's, also within a range", async () => {
  const identities = new CallerIdentities(callers);
  login(identities, "10.0.3.7", "batch", "b");
  const leave = login(identities, "10.0.3.7", "web", "w");
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
  for (let i = 0; i < 1_000; i++) login(identities, `10.1.${i >> 8}.${i & 255}`, "web", "w");
  await turn();
  await turn();
  expect(changes).toBe(2);
  expect(Object.keys(identities.current.get())).toHaveLength(1_001);
  identities.current.close();
});

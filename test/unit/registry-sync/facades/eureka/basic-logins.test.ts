import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { BasicLogins } from "../../../../../src/registry-sync/facades/eureka/basic-logins.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("who calls is said by the credentials of the address, and a wrong password is counted once", () => {
  const counters = { loginsRefused: 0 };
  const asked: string[] = [];
  const there = new Set<string>();
  const clock = new ManualClock();
  const logins = new BasicLogins(
    clock,
    ({ address, username, password }) => {
      asked.push(`${address} ${username} ${password}`);
      if (password !== "p:w") return username === "batch" ? "wrong" : "unknown";
      there.add(address);
      return () => void there.delete(address);
    },
    counters,
  );
  for (const authorization of [undefined, "Bearer x", basic("nobody"), basic(":x"), `Basic ${"a".repeat(5_000)}`])
    logins.heard("10.0.0.1", authorization);
  expect(asked).toEqual([]);
  for (let i = 0; i < 3; i++) {
    logins.heard("10.0.0.1", basic("batch:p:w"));
    logins.heard("10.0.0.2", basic("batch:no"));
    logins.heard("10.0.0.3", basic("other:no"));
  }
  expect(asked).toEqual(["10.0.0.1 batch p:w", "10.0.0.2 batch no", "10.0.0.3 other no"]);
  expect(counters.loginsRefused).toBe(1);
  expect([...there]).toEqual(["10.0.0.1"]);
  clock.advance(90_000);
  expect(there.size).toBe(0);
  logins.heard("10.0.0.1", basic("batch:p:w"));
  logins.close();
  expect(there.size).toBe(0);
});

import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { HeldToken, readToken } from "../../../../../src/registry-sync/facades/nacos/held-token.ts";
import { turn } from "../../../../support/recording-logger.ts";

const clockStart = new ManualClock().now();
const encoded = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString("base64url");
/** A token that runs out after so many seconds. */
const tokenFor = (lifeS: number) => `h.${encoded({ sub: "web", exp: clockStart / 1_000 + lifeS })}.xyz`;

function stage(lifeS = 3_600) {
  const clock = new ManualClock();
  const token = tokenFor(lifeS);
  /** What is refused; "away" where nobody answers. */
  const registry = { refused: new Set<string>(), isOpen: false, isAway: false, asked: [] as string[] };
  const there: string[] = [];
  const held = new HeldToken(
    {
      clock,
      async refuses(asked) {
        registry.asked.push(asked === token ? "token" : "forged");
        if (registry.isAway) throw new Error("away");
        return !registry.isOpen && (asked !== token || registry.refused.has(asked));
      },
      enter(address, username) {
        const who = `${address} ${username}`;
        there.push(who);
        return () => void there.splice(there.indexOf(who), 1);
      },
    },
    token,
    readToken(token)!,
  );
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  const refuse = () => void registry.refused.add(token);
  return { clock, registry, there, held, pass, refuse };
}

test("clients are its user once the registry has refused one like it and taken it, and until they leave", async () => {
  const { registry, there, held } = stage();
  const one = held.hold("10.0.0.1");
  expect(one.isSomebody).toBe(false);
  await held.settled;
  expect(registry.asked).toEqual(["forged", "token"]);
  const two = held.hold("10.0.0.2");
  expect([one.isSomebody, two.isSomebody]).toEqual([true, true]);
  expect(there).toEqual(["10.0.0.1 web", "10.0.0.2 web"]);
  one.leave();
  one.leave();
  expect(there).toEqual(["10.0.0.2 web"]);
  expect(held.isFree).toBe(false);
  two.leave();
  expect(held.isFree).toBe(true);
  expect(registry.asked).toHaveLength(2);
});

test("a registry that takes any token is asked again after ten minutes only, one that refuses it too", async () => {
  for (const prepare of [
    ({ registry }: ReturnType<typeof stage>) => {
      registry.isOpen = true;
    },
    (one: ReturnType<typeof stage>) => one.refuse(),
  ]) {
    const at = stage();
    prepare(at);
    at.held.hold("10.0.0.1");
    await at.held.settled;
    const asked = at.registry.asked.length;
    at.held.hold("10.0.0.2");
    await at.pass(599_000);
    expect(at.registry.asked).toHaveLength(asked);
    expect(at.there).toEqual([]);
    at.registry.isOpen = false;
    at.registry.refused.clear();
    await at.pass(1_000);
    expect(at.there).toHaveLength(2);
  }
});

test("a token that the registry takes no longer is nobody's within a minute, and at once where somebody has it asked", async () => {
  const { registry, there, held, pass, refuse } = stage();
  held.hold("10.0.0.1");
  await held.settled;
  await pass(60_000);
  expect(registry.asked).toEqual(["forged", "token", "token"]);
  refuse();
  await pass(59_000);
  expect(there).toHaveLength(1);
  await pass(1_000);
  expect(there).toEqual([]);
  registry.refused.clear();
  held.check();
  held.check();
  await turn();
  expect(there).toHaveLength(1);
  expect(registry.asked).toHaveLength(6);
});

test("a token counts for 15 s after it ran out, whatever the registry would say, and never again", async () => {
  const { registry, there, held, pass } = stage(90);
  const one = held.hold("10.0.0.1");
  await held.settled;
  await pass(60_000);
  registry.isAway = true;
  await pass(30_000);
  const asked = registry.asked.length;
  await pass(14_000);
  expect(there).toHaveLength(1);
  await pass(1_000);
  expect([there.length, one.isSomebody, registry.asked.length]).toEqual([0, false, asked]);
  registry.isAway = false;
  held.hold("10.0.0.2");
  await pass(700_000);
  expect([there.length, registry.asked.length]).toEqual([0, asked]);
});

test("a registry that says neither yes nor no changes nothing, and is asked ever less", async () => {
  const { registry, there, held, pass } = stage();
  registry.isAway = true;
  held.hold("10.0.0.1");
  await turn();
  const waits: number[] = [];
  for (let atS = 0, lastS = 0, asked = 1; atS < 1_300; atS++) {
    await pass(1_000);
    if (registry.asked.length === asked) continue;
    asked = registry.asked.length;
    waits.push(atS + 1 - lastS);
    lastS = atS + 1;
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  registry.isAway = false;
  await pass(300_000);
  expect(there).toHaveLength(1);
  registry.isAway = true;
  await pass(400_000);
  expect(there).toHaveLength(1);
});

test("nobody asks for a token that nobody has", async () => {
  const { registry, held, pass } = stage();
  const one = held.hold("10.0.0.1");
  one.leave();
  await turn();
  held.check();
  await pass(700_000);
  expect(registry.asked).toHaveLength(2);
});

test("what a token says; what is none of a user that ends says nothing", () => {
  const token = tokenFor(10);
  const expected = { username: "web", expiresMs: clockStart + 10_000, forged: `${token.slice(0, -3)}Ayz` };
  expect(readToken(token)).toEqual(expected);
  expect(readToken(`${token.slice(0, -3)}Ayz`)?.forged.endsWith("Byz")).toBe(true);
  const good = { sub: "web", exp: 1 };
  for (const text of [
    ...[
      "",
      "abc",
      "a.b.c",
      "a.b.c.d",
      `h.${encoded(7)}.s`,
      `h.${encoded(good)}.`,
      `h.${encoded(good)}.${"s".repeat(5_000)}`,
    ],
    ...[
      { ...good, sub: "" },
      { ...good, sub: 7 },
      { ...good, sub: "x".repeat(257) },
      { ...good, exp: "1" },
    ].map((claims) => `h.${encoded(claims)}.s`),
    `h.${encoded({ sub: "web" })}.s`,
  ])
    expect(readToken(text)).toBeUndefined();
});

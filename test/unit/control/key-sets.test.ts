import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import {
  HURRIES,
  HURRY_MS,
  KeySets,
  MAX_REFRESH_MS,
  MIN_REFRESH_MS,
  REFRESH_MS,
  RETRY_MS,
  SETTLE_MS,
} from "../../../src/control/key-sets.ts";
import type { KeysFound } from "../../../src/model/keys-found.ts";
import type { RequestAuthentication } from "../../../src/model/rules/request-authentication.ts";
import { policiesOf } from "../../support/policies.ts";
import { recordingLogger, turn } from "../../support/recording-logger.ts";

const URI = "https://iss.example/keys";
const rules = policiesOf(
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r}\nspec: {jwtRules: [{issuer: i, jwksUri: "${URI}"}]}\n`,
);
const [good, other] = ['{"keys":[1]}', '{"keys":[2]}'];

function stage(answers: (string | Error)[], of = rules, freshMs?: number) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const asked: string[] = [];
  let changes = 0;
  const sets = new KeySets({
    log: logger,
    clock,
    onChange: () => changes++,
    fetchText: async (uri) => {
      asked.push(uri);
      const answer = answers.shift() ?? new Error("nothing");
      if (answer instanceof Error) throw answer;
      return { text: answer, freshMs };
    },
  });
  const keys = () => (sets.fill(of)[0] as RequestAuthentication).jwtRules[0]!.jwks;
  return { sets, clock, lines, asked, keys, changes: () => changes };
}

test("keys come after the rule, and the rule with them stays one object", async () => {
  const { sets, keys, asked, changes } = stage([good]);
  expect(keys()).toBeUndefined();
  await turn();
  expect({ keys: keys(), asked, changes: changes() }).toEqual({ keys: good, asked: [URI], changes: 1 });
  expect(sets.fill(rules)[0]).toBe(sets.fill(rules)[0]);
});

test("they are asked for again, sooner after a failure, and the last good ones stay", async () => {
  const { clock, keys, asked, lines, changes } = stage([good, new Error("down"), "<html>", other, other]);
  keys();
  await turn();
  for (const ms of [REFRESH_MS, RETRY_MS]) {
    clock.advance(ms - 1);
    await turn();
    const before = asked.length;
    clock.advance(1);
    await turn();
    expect({ more: asked.length - before, keys: keys() }).toEqual({ more: 1, keys: good });
  }
  clock.advance(RETRY_MS);
  await turn();
  expect(keys()).toBe(other);
  clock.advance(REFRESH_MS);
  await turn();
  expect(changes()).toBe(2);
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    "warn keys of tokens can't be fetched; the last good ones stay",
    "info keys of tokens are fetched again",
  ]);
});

test("an address that no rule names any more is not asked again", async () => {
  const { sets, clock, keys, asked } = stage([good, other]);
  keys();
  await turn();
  sets.fill([]);
  clock.advance(REFRESH_MS * 3);
  await turn();
  expect(asked).toHaveLength(1);
});

test("after the end nothing is fetched or told", async () => {
  const { sets, clock, keys, asked, changes } = stage([good]);
  keys();
  sets.close();
  await turn();
  clock.advance(REFRESH_MS * 3);
  expect({ asked: asked.length, changes: changes() }).toEqual({ asked: 1, changes: 0 });
});

test("a token with a key that is not known has its issuer asked now, a few times at once, and then once in a while", async () => {
  const { sets, clock, keys, asked } = stage([good, ...Array.from({ length: 40 }, () => other)]);
  keys();
  await turn();
  clock.advance(SETTLE_MS);
  expect(await sets.hurry("somebody else")).toBe("failed");
  expect(asked.length).toBe(1);
  const first = [sets.hurry("i"), sets.hurry("i")];
  expect(await Promise.all(first)).toEqual(["changed", "changed"]);
  expect({ asked: asked.length, keys: keys() }).toEqual({ asked: 2, keys: other });
  // Who misses a key now has not got those that changed yet.
  const early = sets.hurry("i");
  await turn();
  clock.advance(SETTLE_MS - 1);
  await turn();
  expect(asked.length).toBe(2);
  clock.advance(1);
  expect(await early).toBe("same");
  expect([await sets.hurry("i"), await sets.hurry("i")]).toEqual(["same", "same"]);
  expect(asked.length).toBe(2 + HURRIES);
  for (let i = 2; i <= 4; i++) {
    const more = Array.from({ length: 10 }, () => sets.hurry("i"));
    clock.advance(HURRY_MS - 1);
    await turn();
    expect(asked.length).toBe(HURRIES + i);
    clock.advance(1);
    expect(new Set(await Promise.all(more))).toEqual(new Set(["same"]));
    expect(asked.length).toBe(HURRIES + i + 1);
  }
  clock.advance(REFRESH_MS);
  await turn();
  expect(asked.length).toBe(HURRIES + 6);
});

test.each([
  ["nothing", undefined, REFRESH_MS],
  ["longer than is believed", 86_400_000, MAX_REFRESH_MS],
  ["a while", 123_000, 123_000],
  ["nothing to be kept", 0, MIN_REFRESH_MS],
])("an issuer that says %s of how long its keys are good is asked again after that", async (_name, freshMs, ms) => {
  const { clock, keys, asked } = stage([good, other], rules, freshMs);
  keys();
  await turn();
  clock.advance(ms - 1);
  await turn();
  expect(asked.length).toBe(1);
  clock.advance(1);
  await turn();
  expect({ asked: asked.length, keys: keys() }).toEqual({ asked: 2, keys: other });
});

test("what was asked before a token came says nothing of its key: it is asked once more", async () => {
  const { sets, clock, keys, asked } = stage([good, good, other]);
  keys();
  await turn();
  clock.advance(REFRESH_MS);
  expect({ found: await sets.hurry("i"), asked: asked.length }).toEqual({ found: "changed", asked: 3 });
});

test("nobody waits for what could not be had a moment ago, and it is asked again a moment later", async () => {
  const { sets, clock, keys, asked } = stage([new Error("down"), good]);
  keys();
  await turn();
  expect(await sets.hurry("i")).toBe("failed");
  expect(asked.length).toBe(1);
  clock.advance(HURRY_MS);
  expect({ found: await sets.hurry("i"), asked: asked.length }).toEqual({ found: "changed", asked: 2 });
});

test.each<[string, (sets: KeySets) => void, KeysFound]>([
  ["keys cannot be had", () => {}, "failed"],
  ["no rule names the issuer any more", (sets) => sets.fill([]), "failed"],
  ["all ends", (sets) => sets.close(), "failed"],
])("those who wait are told where %s", async (_name, happens, found) => {
  const { sets, clock, keys } = stage([good, new Error("down")]);
  keys();
  await turn();
  const asked = sets.hurry("i");
  happens(sets);
  clock.advance(SETTLE_MS);
  expect(await asked).toBe(found);
});

const ISSUER = "https://iss.example/";
const discovered = policiesOf(
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r}\nspec: {jwtRules: [{issuer: "${ISSUER}"}]}\n`,
);
const said = (more: object) => JSON.stringify({ issuer: ISSUER, jwks_uri: URI, ...more });

test("an issuer whose keys have no address is asked for it", async () => {
  const { keys, asked } = stage([said({}), good], discovered);
  keys();
  await turn();
  await turn();
  expect({ asked, keys: keys() }).toEqual({
    asked: ["https://iss.example/.well-known/openid-configuration", URI],
    keys: good,
  });
});

test.each([
  ["is of another issuer", said({ issuer: "https://other.example/" }), /no OpenID configuration/],
  ["is no JSON", "<html>", /no OpenID configuration/],
  ["is null", "null", /no OpenID configuration/],
  ["names no address", said({ jwks_uri: 7 }), /no address/],
  ["names a file", said({ jwks_uri: "file:///etc/passwd" }), /no address/],
  ["names a cloud's metadata", said({ jwks_uri: "http://169.254.169.254/keys" }), /no address/],
])("a document that %s leads nowhere", async (_name, document, why) => {
  const { keys, asked, lines } = stage([document, good], discovered);
  keys();
  await turn();
  await turn();
  expect({ asked: asked.length, keys: keys() }).toEqual({ asked: 1, keys: undefined });
  expect(JSON.stringify(lines)).toMatch(why);
});

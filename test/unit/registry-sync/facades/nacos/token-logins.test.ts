import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TokenLogins } from "../../../../../src/registry-sync/facades/nacos/token-logins.ts";
import { recordingLogger, turn } from "../../../../support/recording-logger.ts";

const nowS = new ManualClock().now() / 1_000;
const token = (user: string, signature = "xyz", lifeS = 3_600) =>
  `h.${Buffer.from(JSON.stringify({ sub: user, exp: nowS + lifeS })).toString("base64url")}.${signature}`;

/** As a registry that has its login on: the tokens here are its own, those that differ in their signature are not. */
const isForged = async (text: string) => /\.(?:Ayz|Bxz|Aww)$/.test(text);

function stage() {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const given = { refuses: isForged };
  const asked: string[] = [];
  const there: string[] = [];
  const logins = new TokenLogins({
    clock,
    log: logger,
    isKnown: (username) => username !== "other",
    onLogin: ({ address, username, password }) => {
      const who = `${address} ${username} ${password}`;
      there.push(who);
      return () => void there.splice(there.indexOf(who), 1);
    },
    refuses(text) {
      asked.push(text);
      return given.refuses(text);
    },
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  return { pass, lines, given, asked, there, logins };
}

test("the user of a token is there once the registry vouches for it, until the client is gone", async () => {
  const { asked, there, logins } = stage();
  const client = logins.client("10.0.0.1");
  client.accepted(token("web"));
  client.accepted(token("web"));
  await turn();
  expect(asked).toEqual([token("web", "Ayz"), token("web")]);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  client.leave();
  client.leave();
  expect(there).toEqual([]);
});

test("a new token takes the place of the one before once the registry has said what it thinks of it", async () => {
  const { given, there, logins } = stage();
  const client = logins.client("10.0.0.1");
  client.accepted(token("web"));
  await turn();
  let answer: (isRefused: boolean) => void = () => {};
  given.refuses = () => new Promise((resolve) => (answer = resolve));
  client.accepted(token("app"));
  client.accepted(token("web", "www"));
  await turn();
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  given.refuses = isForged;
  answer(true);
  await turn();
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  client.accepted(token("other"));
  expect(there).toEqual([]);
});

test("users that count as nobody are not asked about, be it at a connection or over HTTP", async () => {
  const { asked, there, logins } = stage();
  logins.client("10.0.0.1").accepted(token("other"));
  logins.heard("10.0.0.1", token("other"));
  logins.heard("10.0.0.1", "no token");
  await turn();
  expect([asked, there]).toEqual([[], []]);
});

test("who is gone before the registry has answered is nobody", async () => {
  const { there, logins } = stage();
  const client = logins.client("10.0.0.2");
  client.accepted(token("web", "www"));
  client.leave();
  await turn();
  expect(there).toEqual([]);
});

test("a connection that says nothing any more has the tokens that its user gets at its address", async () => {
  const { pass, there, logins } = stage();
  const client = logins.client("10.0.0.1");
  const told: string[] = [];
  client.follow((newer) => told.push(newer));
  client.accepted(token("web", "xyz", 100));
  await turn();
  await pass(90_000);
  logins.renewed("10.0.0.2", token("web", "xxx"));
  logins.renewed("10.0.0.1", token("app", "xxx"));
  logins.renewed("10.0.0.1", "no token");
  logins.renewed("10.0.0.1", token("web", "www", 200));
  expect(told).toEqual([token("web", "www", 200)]);
  await turn();
  await pass(100_000);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  // Nobody renews this one.
  await pass(24_000);
  expect(there).toHaveLength(1);
  await pass(1_000);
  expect(there).toEqual([]);
  client.leave();
});

test("a login that is refused has the registry asked about who is there", async () => {
  const { asked, given, there, logins } = stage();
  const [client, far] = [logins.client("10.0.0.1"), logins.client("10.0.0.2")];
  client.accepted(token("web"));
  far.accepted(token("app"));
  logins.client("10.0.0.1");
  await turn();
  given.refuses = async () => true;
  logins.refused("10.0.0.1");
  await turn();
  expect(there).toEqual(["10.0.0.2 app undefined"]);
  expect(asked).toHaveLength(5);
});

test("that a registry does not say whose tokens it takes is told once, until it does", async () => {
  const { pass, given, lines, there, logins } = stage();
  given.refuses = () => Promise.reject(new Error("answered 404"));
  logins.client("10.0.0.1").accepted(token("web"));
  await turn();
  await pass(5_000);
  expect(lines).toEqual([["warn", expect.stringContaining("does not say"), { error: "answered 404" }]]);
  given.refuses = isForged;
  await pass(10_000);
  expect(there).toHaveLength(1);
});

test("clients of HTTP are there for half a minute after each request", async () => {
  const { pass, there, logins } = stage();
  logins.heard("10.0.0.1", token("web"));
  await turn();
  await pass(29_000);
  logins.heard("10.0.0.1", token("web"));
  await pass(29_000);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  await pass(1_000);
  expect(there).toEqual([]);
  logins.heard("10.0.0.1", token("web"));
  await turn();
  logins.close();
  expect(there).toEqual([]);
});

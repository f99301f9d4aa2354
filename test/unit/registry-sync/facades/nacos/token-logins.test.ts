import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { readToken, TokenLogins } from "../../../../../src/registry-sync/facades/nacos/token-logins.ts";
import { turn } from "../../../../support/recording-logger.ts";

const token = (user: unknown, signature = "xyz") =>
  `h.${Buffer.from(JSON.stringify({ sub: user, exp: 1 })).toString("base64url")}.${signature}`;

/** As a registry that has its login on: the tokens here are its own, those that differ in their signature are not. */
const isForged = async (text: string) => /\.(?:Ayz|Bxz|Aww)$/.test(text);

function stage() {
  const clock = new ManualClock();
  const given = { refuses: isForged };
  const asked: string[] = [];
  const there: string[] = [];
  const logins = new TokenLogins({
    clock,
    onLogin: ({ address, username, password }) => {
      if (username === "other") return "unknown";
      const who = `${address} ${username} ${password}`;
      there.push(who);
      return () => void there.splice(there.indexOf(who), 1);
    },
    refuses(text) {
      asked.push(text);
      return given.refuses(text);
    },
  });
  return { clock, given, asked, there, logins };
}

test("the user of a token is there once the registry refuses one like it, until the client is gone", async () => {
  const { asked, there, logins } = stage();
  const client = logins.client("10.0.0.1");
  client.accepted(token("web"));
  client.accepted(token("web"));
  await turn();
  expect(asked).toEqual([token("web", "Ayz"), token("web")]);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  client.accepted(token("web", "Axz"));
  await turn();
  expect(asked.slice(2)).toEqual([token("web", "Bxz"), token("web", "Axz")]);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  client.leave();
  client.leave();
  expect(there).toEqual([]);
});

test("a registry that takes any token vouches for nobody; neither is who is not known, nor who is gone before it is known", async () => {
  const { given, there, logins } = stage();
  given.refuses = async () => false;
  logins.client("10.0.0.1").accepted(token("web"));
  given.refuses = isForged;
  logins.client("10.0.0.1").accepted(token("other"));
  const client = logins.client("10.0.0.2");
  client.accepted(token("web", "www"));
  client.leave();
  await turn();
  expect(there).toEqual([]);
});

test("a registry that cannot be asked is asked again, while the client is there", async () => {
  const { clock, given, asked, there, logins } = stage();
  given.refuses = () => Promise.reject(new Error("away"));
  const [client, gone] = [logins.client("10.0.0.1"), logins.client("10.0.0.2")];
  client.accepted(token("web"));
  gone.accepted(token("app"));
  await turn();
  gone.leave();
  given.refuses = isForged;
  clock.advance(5_000);
  await turn();
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  expect(asked).toHaveLength(4);
});

test("a token that the registry does not take by itself makes nobody its user, whatever was done for the request that it stood in", async () => {
  const { given, asked, there, logins } = stage();
  given.refuses = async () => true;
  logins.client("10.0.0.1").accepted(token("admin"));
  logins.heard("10.0.0.1", token("admin", "www"));
  await turn();
  expect(asked).toHaveLength(4);
  expect(there).toEqual([]);
});

test("clients of HTTP are there for half a minute after each request", async () => {
  const { clock, there, logins } = stage();
  logins.heard("10.0.0.1", token("web"));
  await turn();
  clock.advance(29_000);
  logins.heard("10.0.0.1", token("web"));
  clock.advance(29_000);
  expect(there).toEqual(["10.0.0.1 web undefined"]);
  clock.advance(1_000);
  expect(there).toEqual([]);
  logins.heard("10.0.0.1", token("web"));
  await turn();
  logins.close();
  expect(there).toEqual([]);
});

test("what is no token of a user is none", () => {
  for (const text of [
    "",
    "abc",
    "a.b.c",
    "a.b.c.d",
    token(""),
    token(7),
    token("web", ""),
    `h.${Buffer.from("7").toString("base64url")}.s`,
  ])
    expect(readToken(text)).toBeUndefined();
});

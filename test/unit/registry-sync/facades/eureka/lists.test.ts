import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import type { PassedRequest } from "../../../../../src/registry-sync/facades/eureka/headers.ts";
import { RegistryLists } from "../../../../../src/registry-sync/facades/eureka/lists.ts";
import { listBody } from "../../../../support/eureka-documents.ts";

const one = { app: "a", host: "10.0.0.1", port: 1 };

function stage() {
  const clock = new ManualClock();
  const asked: PassedRequest[] = [];
  const given = {
    status: 200,
    type: "application/json",
    body: listBody([one]),
    fault: undefined as Error | undefined,
    wait: Promise.resolve(),
  };
  const lists = new RegistryLists({
    path: "/eureka/apps",
    maxAgeMs: 1_000,
    clock,
    async ask(request) {
      asked.push(request);
      await given.wait;
      if (given.fault !== undefined) throw given.fault;
      const headers = { "content-type": given.type, "www-authenticate": "Basic", "set-cookie": ["x"] };
      return { answer: { statusCode: given.status, headers } as unknown as IncomingMessage, body: given.body };
    },
  });
  return { clock, asked, given, lists };
}

test("one answer serves all who ask with the same credentials for a while; each credential is asked with", async () => {
  const { lists, clock, asked } = stage();
  await Promise.all([lists.get("a", ""), lists.get("a", ""), lists.get("b", ""), lists.get(undefined, "r,s")]);
  expect(asked.map(({ headers, path }) => [headers["authorization"], path])).toEqual([
    ["a", "/eureka/apps"],
    ["b", "/eureka/apps"],
    [undefined, "/eureka/apps?regions=r%2Cs"],
  ]);
  clock.advance(1_000);
  await lists.get("a", "");
  expect(asked).toHaveLength(4);
});

test("an answer that did not change is not read again", async () => {
  const { lists, given } = stage();
  const [a, b] = [await lists.get("a", ""), await lists.get("b", "")];
  given.body = listBody([{ ...one, port: 2 }]);
  const c = await lists.get("c", "");
  if (!a.isList || !b.isList || !c.isList) throw new Error("no list");
  expect(a.applications).toBe(b.applications);
  expect(c.applications).not.toBe(a.applications);
});

test("what the registry says instead of a list is given as it came", async () => {
  const { lists, given } = stage();
  Object.assign(given, { status: 401, type: "text/plain", body: Buffer.from("no") });
  expect(await lists.get("a", "")).toEqual({
    isList: false,
    status: 401,
    headers: { "content-type": "text/plain", "www-authenticate": "Basic" },
    body: Buffer.from("no"),
  });
});

test("an answer that takes long is waited for by those who come later, for five seconds", async () => {
  const { lists, clock, asked, given } = stage();
  let give = () => {};
  given.wait = new Promise((resolve) => {
    give = resolve;
  });
  const first = lists.get("a", "");
  clock.advance(4_999);
  const second = lists.get("a", "");
  expect([asked.length, second === first]).toEqual([1, true]);
  clock.advance(1);
  const third = lists.get("a", "");
  expect(asked).toHaveLength(2);
  give();
  await Promise.all([first, third]);
  clock.advance(1_000);
  await lists.get("a", "");
  expect(asked).toHaveLength(3);
});

test("a failure is not kept", async () => {
  const { lists, given } = stage();
  given.fault = new Error("gone");
  await expect(lists.get("a", "")).rejects.toThrow("gone");
  given.fault = undefined;
  expect(await lists.get("a", "")).toMatchObject({ isList: true });
});

test.each([
  ["application/json", '{"application":{"name":"A"}}', "eureka list is one application"],
  ["application/json", "{", "eureka answer is no json"],
  ["text/html", "<html/>", 'eureka answer is of type "text/html"'],
])("%s with %s is refused", async (type, text, message) => {
  const { lists, given } = stage();
  Object.assign(given, { type, body: Buffer.from(text) });
  await expect(lists.get("a", "")).rejects.toThrow(message);
});

test("credentials beyond 64 push out the oldest", async () => {
  const { lists, asked } = stage();
  for (let i = 0; i <= 64; i++) await lists.get(`${i}`, "");
  await lists.get("64", "");
  await lists.get("0", "");
  expect(asked).toHaveLength(66);
});

test("answers are let go of with their time, whoever asks next", async () => {
  const { lists, clock } = stage();
  for (let i = 0; i < 40; i++) await lists.get(undefined, `r${i}`);
  expect(lists.size).toBe(40);
  clock.advance(1_000);
  await lists.get("a", "");
  expect(lists.size).toBe(1);
});

test("of lists that differ in what a client says 64 are asked for at once, and those under way still serve others", async () => {
  const { lists, asked, given } = stage();
  let answer = () => {};
  given.wait = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const all = Array.from({ length: 64 }, (_, i) => lists.get(undefined, `r${i}`));
  await expect(lists.get(undefined, "r64")).rejects.toThrow("over 64 lists are asked for at once");
  all.push(lists.get(undefined, "r0"));
  expect(asked).toHaveLength(64);
  answer();
  await Promise.all(all);
  await lists.get(undefined, "r64");
  expect(asked).toHaveLength(65);
});

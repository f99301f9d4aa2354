import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { createNacosHttp, type NacosHttpOptions } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { FakeNacos, settle } from "../../../../support/fake-nacos.ts";

const read = { method: "GET", path: "/v1/cs/configs", timeoutMs: 5_000, maxBytes: 100, statuses: [404] } as const;
const never = new AbortController().signal;

function nacos(options: Partial<NacosHttpOptions> = {}) {
  const clock = new ManualClock();
  const server = new FakeNacos(clock);
  const hosts: string[] = [];
  const http = createNacosHttp({
    ...{ hosts: ["a:8848", "b:8848"], contextPath: "/nacos", username: "", password: "", clock },
    fetch: (input, init) => {
      hosts.push(new URL(String(input)).host);
      return server.fetch(input, init);
    },
    ...options,
  });
  return { clock, server, hosts, http };
}

test("a request goes to the server that answered last; to the next one after a failure", async () => {
  const { server, hosts, http } = nacos();
  server.put("x", "text");
  const answer = await http.request({ ...read, query: { dataId: "x" } }, never);
  expect([answer.status, answer.body.toString()]).toEqual([200, "text"]);
  expect(answer.headers.get("content-md5")).toHaveLength(32);
  server.kill();
  await expect(http.request(read, never)).rejects.toThrow(new TransientError("nacos at a:8848: ECONNREFUSED"));
  await expect(http.request(read, never)).rejects.toThrow("nacos at b:8848: ECONNREFUSED");
  server.isUp = true;
  expect((await http.request(read, never)).status).toBe(404);
  expect(hosts).toEqual(["a:8848", "a:8848", "b:8848", "a:8848"]);
  expect(server.asked[0]).toBe("GET /nacos/v1/cs/configs x");
});

test("of a long answer no more is kept than was asked for", async () => {
  const { server, http } = nacos();
  server.put("x", "y".repeat(1_000));
  expect((await http.request({ ...read, query: { dataId: "x" } }, never)).body).toHaveLength(100);
});

test("another status than is expected is an error that names it", async () => {
  const { http } = nacos({ fetch: async () => new Response("", { status: 302, headers: { location: "http://c/" } }) });
  await expect(http.request(read, never)).rejects.toThrow("nacos at a:8848 answered /v1/cs/configs with status 302");
});

test.each([
  ["ECONNRESET", "ECONNRESET"],
  ["ERR_ASSERTION", "the answer could not be read"],
])("a request that fails with %s says so: %s", async (code, text) => {
  const { http } = nacos({ fetch: () => Promise.reject(new TypeError("fetch failed", { cause: { code } })) });
  await expect(http.request(read, never)).rejects.toThrow(`nacos at a:8848: ${text}`);
});

test("an answer that does not come in time is an error, and so is one that nobody waits for any more", async () => {
  const { clock, http } = nacos({
    fetch: (_, init) =>
      new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason))),
  });
  const late = http.request(read, never);
  const outcome = expect(late).rejects.toThrow("nacos at a:8848: no answer within 5000 ms");
  await settle();
  clock.advance(5_000);
  await outcome;
  const ending = new AbortController();
  const given = expect(http.request(read, ending.signal)).rejects.toThrow("the request was given up");
  await settle();
  ending.abort();
  await given;
});

test("with a user it logs in once, sends the token, and gets another before the first one's time is over", async () => {
  const { clock, server, http } = nacos({ username: "u", password: "p" });
  server.user = { name: "u", password: "p" };
  await Promise.all([http.request(read, never), http.request(read, never)]);
  expect(server.asked.filter((line) => line.startsWith("POST"))).toEqual(["POST /nacos/v1/auth/login"]);
  clock.advance(79_000);
  await http.request(read, never);
  expect(server.asked).toHaveLength(4);
  clock.advance(2_000);
  await http.request(read, never);
  expect(server.asked.filter((line) => line.startsWith("POST"))).toHaveLength(2);
  expect(server.headers.get("authorization")).toBe(`Bearer ${server.token}`);
});

test.each([
  ["a wrong password", { username: "u", password: "x" }, "nacos at a:8848 refuses the password of user u (403)"],
  ["no user", {}, "nacos at a:8848 denies /v1/cs/configs (403) without a user"],
])("%s is an error without the secret", async (_, options, message) => {
  const { server, http } = nacos(options);
  server.user = { name: "u", password: "p" };
  await expect(http.request(read, never)).rejects.toThrow(new TransientError(message));
});

test("a token that is refused is got anew by the next request", async () => {
  const { server, http } = nacos({ username: "u", password: "p" });
  server.user = { name: "u", password: "p" };
  await http.request(read, never);
  server.token = "other";
  await expect(http.request(read, never)).rejects.toThrow("nacos at a:8848 denies /v1/cs/configs (403) user u");
  expect((await http.request(read, never)).status).toBe(404);
});

test("requests that fail at one server together lead to the next one, not past it", async () => {
  const { server, hosts, http } = nacos();
  server.kill();
  const outcomes = await Promise.allSettled([http.request(read, never), http.request(read, never)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(http.request(read, never)).rejects.toThrow("nacos at b:8848: ECONNREFUSED");
  expect(hosts).toEqual(["a:8848", "a:8848", "b:8848"]);
});

import { beforeEach, describe, expect, test, vi } from "vitest";
import { PREVIOUS_HOSTS } from "../../src/codecs/xds/route.ts";
import { answerCall, type FakeProvider, type SeenFrame } from "../support/fake-provider.ts";
import { frame, hessianString } from "../support/raw-dubbo.ts";
import { KEY, setRuleStage, toAll } from "../support/rule-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

/** What a route does with a Dubbo2 call beside leading it: mirrors, rewrites, answers' attachments, hashes. Peers are made of bytes. */

const stage = setRuleStage();
const { setUp, ask, call } = stage;
const counters = () => stage.proxy.stats().counters;

/** Notes what a provider is sent, and answers. */
function note(provider: FakeProvider, name: string): SeenFrame[] {
  const seen: SeenFrame[] = [];
  provider.onCall = (got) => {
    seen.push(got);
    answerCall(got, name);
  };
  return seen;
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 10_000 });
const text = ({ body }: SeenFrame) => body.toString("latin1");
const shadowed = (more: object = {}) =>
  toAll({ requestMirrorPolicies: [{ cluster: clusterName(KEY, "shadow"), ...more }] });
const both = () => ({ "": [{ port: stage.one.port }], shadow: [{ port: stage.two.port }] });

describe("mirrors", () => {
  let ones: SeenFrame[];
  let twos: SeenFrame[];
  beforeEach(() => {
    ones = note(stage.one, "one");
    twos = note(stage.two, "two");
  });

  test("a copy goes elsewhere, body for body; only the first answer is heard, and only its call is counted", async () => {
    await setUp({ endpoints: both(), routes: shadowed() });
    for (let i = 0; i < 3; i++) expect((await call({ attachments: { n: String(i) } })).text).toContain("one");
    await soon(() => expect(twos.map(text)).toEqual(ones.map(text)));
    await soon(() => expect(counters()).toMatchObject({ mirrored: 3, mirrorFailures: 0, mirrorsDropped: 0 }));
    expect(stage.proxy.stats().calls).toMatchObject([{ count: 3, cluster: clusterName(KEY) }]);
  });

  test("one-way calls are mirrored as such", async () => {
    await setUp({ endpoints: both(), routes: shadowed() });
    ask({ oneWay: true });
    await soon(() => expect([ones.length, twos.length]).toEqual([1, 1]));
    expect(twos[0]!.flags & 0x40).toBe(0);
    expect(counters()).toMatchObject({ mirrored: 1 });
  });

  test("nobody waits for a copy: one without an answer, without a provider, one that fails", async () => {
    await setUp({ endpoints: both(), routes: shadowed() });
    stage.two.onCall = () => {};
    expect((await call()).text).toContain("one");
    stage.two.onCall = ({ socket }) => socket.destroy();
    expect((await call()).text).toContain("one");
    await soon(() => expect(counters()["mirrorFailures"]).toBe(2));
    await setUp({ endpoints: { "": [{ port: stage.one.port }], shadow: [] }, routes: shadowed() });
    expect((await call()).text).toContain("one");
    await soon(() => expect(counters()["mirrorFailures"]).toBe(3));
  });

  test("copies that hang leave a service's limit to its calls, also where they go to itself", async () => {
    const endpoints = { "": [{ port: stage.one.port }] };
    await setUp({
      endpoints,
      maxRequests: 2,
      routes: toAll({ requestMirrorPolicies: [{ cluster: clusterName(KEY) }] }),
    });
    const bodies = new Set<string>();
    let copies = 0;
    stage.one.onCall = (seen) => {
      // Who comes a second time is a copy.
      if (bodies.has(text(seen))) copies++;
      else answerCall(seen, "one");
      bodies.add(text(seen));
    };
    for (let i = 0; i < 8; i++) expect((await call({ attachments: { n: String(i) } })).text).toContain("one");
    await soon(() => expect(copies).toBe(8));
  });

  test("a proxy that ends waits for no copy", async () => {
    await setUp({ endpoints: both(), routes: shadowed() });
    let hung = 0;
    stage.two.onCall = () => void hung++;
    expect((await call()).text).toContain("one");
    await soon(() => expect(hung).toBe(1));
    const beganMs = performance.now();
    await stage.proxy.drain(10_000);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });

  test("a copy goes by the tags of where it is led, not by those of where its call is", async () => {
    const endpoints = {
      "": [{ port: stage.one.port }],
      shadow: [{ port: stage.one.port }, { port: stage.two.port, tag: "gray" }],
    };
    await setUp({ endpoints, routes: shadowed() });
    for (let i = 0; i < 3; i++) await call({ attachments: { "dubbo.tag": "gray" } });
    await soon(() => expect([ones.length, twos.length]).toEqual([3, 3]));
  });

  test("a share of the calls is mirrored, and rules' changes are in the copies", async () => {
    const none = { runtimeFraction: { defaultValue: { numerator: 0, denominator: "HUNDRED" } } };
    await setUp({ endpoints: both(), routes: shadowed(none) });
    await call();
    const lane = { header: { key: "lane", value: "blue" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;
    const routes = shadowed().map((route) => ({ ...route, requestHeadersToAdd: [lane] }));
    await setUp({ endpoints: both(), routes });
    await call();
    await soon(() => expect(twos.map((one) => text(one).includes("\x04lane\x04blue"))).toEqual([true]));
  });
});

describe("rewrites", () => {
  let seen: SeenFrame[];
  beforeEach(() => {
    seen = note(stage.one, "one");
  });

  test.each<[name: string, route: object, head: string]>([
    ["a whole path", { prefixRewrite: "/com.acme.B/find" }, "\x0acom.acme.B\x051.0.0\x04find"],
    [
      "a pattern",
      { regexRewrite: { pattern: { regex: "^/com\\.acme\\.(\\w)/g(.*)$" }, substitution: "/org.\\1/s\\2" } },
      "\x05org.A\x051.0.0\x03set",
    ],
  ])("%s names another interface and method in every place", async (_name, action, head) => {
    await setUp({ routes: [{ ...toAll(action)[0]!, match: { safeRegex: { regex: "/.*" } } }] });
    expect((await call({ attachments: { timeout: "900" } })).text).toContain("one");
    expect(text(seen[0]!).startsWith(`\x052.0.2${head}`)).toBe(true);
    expect(text(seen[0]!)).not.toContain("com.acme.A");
    expect(text(seen[0]!)).toContain("\x07timeout\x03900");
  });

  test("of a generic call the method is its first argument", async () => {
    await setUp({
      routes: [{ ...toAll({ prefixRewrite: "/com.acme.B/find" })[0]!, match: { path: "/com.acme.A/get" } }],
    });
    const types = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    const args = Buffer.concat([
      hessianString("get"),
      Buffer.from("7007", "hex"),
      Buffer.from("[string"),
      Buffer.from("7007", "hex"),
      Buffer.from("[object"),
    ]);
    const answer = await call({ method: "$invoke", types, args, attachments: { generic: "true" } });
    expect(answer.text).toContain("one");
    expect(text(seen[0]!)).toContain(`\x07$invoke`);
    expect(text(seen[0]!)).toContain(`${types}\x04find`);
    expect(text(seen[0]!).startsWith("\x052.0.2\x0acom.acme.B")).toBe(true);
  });

  test("a path that names no interface and method refuses the call, and so does one that is only carried", async () => {
    await setUp({ routes: toAll({ prefixRewrite: "/orders/v2/" }) });
    expect(await call()).toMatchObject({ status: 60 });
    await setUp({ routes: [{ ...toAll({ prefixRewrite: "/com.acme.B/" })[0]!, match: { prefix: "/" } }] });
    expect(await call({ serialization: 8 })).toMatchObject({ status: 40 });
    expect(seen).toHaveLength(0);
  });
});

describe("answers", () => {
  const add = { header: { key: "served-by", value: "trestle" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } as const;

  test("an attachment is set, and one taken out", async () => {
    await setUp({ routes: toAll({}, { responseHeadersToAdd: [add], responseHeadersToRemove: ["secret"] }) });
    const body = Buffer.from("\x94\x02ok\x48\x06secret\x01x\x01a\x01b\x5a", "latin1");
    stage.one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, body, undefined, 20));
    expect(await call()).toEqual({ status: 20, text: "\x94\x02ok\x48\x01a\x01b\x09served-by\x07trestle\x5a" });
  });

  test("one that comes when the caller's own time is over is changed all the same, once it is counted as late", async () => {
    await setUp({ routes: toAll({}, { responseHeadersToAdd: [add], responseHeadersToRemove: ["secret"] }) });
    const body = Buffer.from("\x94\x02ok\x48\x06secret\x01x\x5a", "latin1");
    stage.one.onCall = ({ socket, id }) => setTimeout(() => socket.write(frame(0x02, id, body, undefined, 20)), 400);
    const before = counters();
    const { text: said } = await call({ attachments: { timeout: "100" } });
    expect(said).toBe("\x94\x02ok\x48\x09served-by\x07trestle\x5a");
    expect(counters()["lateAnswers"]! - before["lateAnswers"]!).toBe(1);
    expect(counters()["abandonedCalls"]! - before["abandonedCalls"]!).toBe(1);
  });

  test("a caller of an older protocol, and an error, are answered as the provider did, and counted", async () => {
    await setUp({ routes: toAll({}, { responseHeadersToAdd: [add] }) });
    expect((await call()).text).toContain("served-by");
    stage.one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, Buffer.from("\x04busy"), undefined, 100));
    expect(await call()).toEqual({ status: 100, text: "\x04busy" });
    expect(counters()).toMatchObject({ answersUnchanged: 1 });
  });
});

test("a hash of an argument or an attachment leads calls to its provider each time", async () => {
  const seen = { one: new Set<string>(), two: new Set<string>() };
  for (const name of ["one", "two"] as const) {
    stage[name].onCall = (got) => {
      seen[name].add(/\x04user\x02(\d\d)/.exec(text(got))![1]!);
      answerCall(got, name);
    };
  }
  const hashPolicy = [{ header: { headerName: "user" }, terminal: true }, { connectionProperties: { sourceIp: true } }];
  await setUp({
    endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port }] },
    lbPolicy: "RING_HASH",
    routes: toAll({ hashPolicy }),
  });
  for (let round = 0; round < 3; round++) {
    for (let user = 10; user < 40; user++) await call({ attachments: { user: String(user) } });
  }
  expect([...seen.one].filter((user) => seen.two.has(user))).toEqual([]);
  expect(Math.min(seen.one.size, seen.two.size)).toBeGreaterThan(0);
});

test("without a word about those that were tried a provider may be tried again", async () => {
  const retryPolicy = { retryOn: "5xx", numRetries: 3, retryBackOff: { baseInterval: "0.001s" } };
  const busy = ({ socket, id }: SeenFrame) => socket.write(frame(0x02, id, Buffer.from("\x04busy"), undefined, 100));
  stage.one.onCall = busy;
  await setUp({
    endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port, weight: 0 }] },
    routes: toAll({ retryPolicy }),
  });
  expect(await call()).toMatchObject({ status: 100 });
  const avoiding = { ...retryPolicy, retryHostPredicate: [{ name: PREVIOUS_HOSTS }] };
  await setUp({
    endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port, weight: 0 }] },
    routes: toAll({ retryPolicy: avoiding }),
  });
  expect((await call()).text).toContain("two");
});

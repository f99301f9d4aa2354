import { beforeEach, describe, expect, test } from "vitest";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../../src/codecs/xds/resources.ts";
import { FAULT_FILTER, PREVIOUS_HOSTS, type Route } from "../../src/codecs/xds/route.ts";
import { compileInbound } from "../../src/control/compile/inbound.ts";
import { DEFAULT_MESH } from "../../src/model/mesh.ts";
import { answerCall, type SeenFrame } from "../support/fake-provider.ts";
import { freePort } from "../support/lone-proxy.ts";
import { policiesOf, policyText } from "../support/policies.ts";
import { frame, openRaw, request } from "../support/raw-dubbo.ts";
import { KEY, setRuleStage, toAll } from "../support/rule-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

/** What rules make of single calls, with a proxy in this process and peers made of bytes. */

/** As rules are lowered: a provider that had the call does not get it again. */
const elsewhere = { retryHostPredicate: [{ name: PREVIOUS_HOSTS }] };
const ALL = { denominator: "HUNDRED", numerator: 100 } as const;
const stage = setRuleStage();
const { setUp, ask, call } = stage;

describe("retries", () => {
  test("a call whose connection is lost is tried at another provider where the rule says so", async () => {
    await setUp({
      endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port }] },
      routes: toAll({ retryPolicy: { retryOn: "reset", numRetries: 1, ...elsewhere } }),
    });
    stage.one.onCall = ({ socket }) => socket.destroy();
    for (let i = 0; i < 4; i++) expect((await call()).text).toContain("two");
    expect(stage.proxy.stats().counters["retries"]).toBeGreaterThan(0);
  });

  test("without a rule it is answered 80 and not tried again", async () => {
    await setUp({ endpoints: { "": [{ port: stage.one.port }] } });
    stage.one.onCall = ({ socket }) => socket.destroy();
    expect(await call()).toMatchObject({ status: 80 });
    expect(stage.one.calls).toBe(1);
  });

  test("there are no more tries than the rule allows", async () => {
    await setUp({ routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 2 } }) });
    stage.one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, Buffer.from("\x04busy"), undefined, 100));
    expect(await call()).toMatchObject({ status: 100 });
    expect(stage.one.calls).toBe(3);
  });

  test("a try that takes too long is given up for another one", async () => {
    await setUp({
      endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port }] },
      routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 1, perTryTimeout: "0.1s", ...elsewhere } }),
    });
    stage.one.onCall = () => {};
    for (let i = 0; i < 2; i++) expect((await call()).text).toContain("two");
  });

  test("an exception of the callee is its answer, not a failure", async () => {
    await setUp({ routes: toAll({ retryPolicy: { retryOn: "5xx", numRetries: 2 } }) });
    stage.one.onCall = ({ socket, id }) => socket.write(frame(0x02, id, Buffer.from("904e", "hex"), undefined, 20));
    expect(await call()).toMatchObject({ status: 20 });
    expect(stage.one.calls).toBe(1);
    expect(stage.proxy.stats().calls).toMatchObject([{ responseCode: 200, exception: true, count: 1 }]);
  });
});

describe("faults", () => {
  const fault = (config: object): Partial<Route> => ({ typedPerFilterConfig: { [FAULT_FILTER]: config } });

  test("an abort below 500 is an exception, from 500 on a status 80; nothing reaches the provider", async () => {
    await setUp({
      routes: [
        {
          name: "f",
          match: { path: "/com.acme.A/denied" },
          route: { cluster: clusterName(KEY) },
          ...fault({ abort: { httpStatus: 403, percentage: ALL } }),
        },
        {
          name: "g",
          match: { prefix: "/" },
          route: { cluster: clusterName(KEY) },
          ...fault({ abort: { httpStatus: 503, percentage: ALL } }),
        },
      ],
    });
    const denied = await call({ method: "denied" });
    expect(denied.status).toBe(20);
    expect(denied.text).toContain("java.lang.RuntimeException");
    expect(await call()).toMatchObject({ status: 80 });
    expect(stage.one.calls).toBe(0);
    expect(stage.proxy.stats().calls.map(({ responseCode, responseFlags }) => [responseCode, responseFlags])).toEqual([
      [403, "FI"],
      [503, "FI"],
    ]);
  });

  test("a delay holds its own call and no other", async () => {
    await setUp({
      routes: [
        {
          name: "slow",
          match: { path: "/com.acme.A/slow" },
          route: { cluster: clusterName(KEY) },
          ...fault({ delay: { fixedDelay: "0.3s", percentage: ALL } }),
        },
        ...toAll(),
      ],
    });
    const startMs = Date.now();
    const slow = ask({ method: "slow" });
    const quick = ask();
    expect((await stage.caller.answer()).id).toBe(quick);
    expect((await stage.caller.answer()).id).toBe(slow);
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(295);
  });
});

test("a route's time-out is answered 31", async () => {
  await setUp({ routes: toAll({ timeout: "0.1s" }) });
  stage.one.onCall = () => {};
  const answer = await call();
  expect(answer.status).toBe(31);
  expect(answer.text).toContain("no answer within 100 ms");
});

describe("what the provider is sent", () => {
  let seen: SeenFrame[];
  beforeEach(() => {
    seen = [];
    stage.one.onCall = (got) => {
      seen.push(got);
      answerCall(got);
    };
  });
  const text = () => seen[0]!.body.toString("latin1");

  test("attachments are set, added and removed, and the rest stays byte for byte", async () => {
    await setUp({
      routes: toAll(
        {},
        {
          requestHeadersToAdd: [
            { header: { key: "lane", value: "blue" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
            { header: { key: "seen-by", value: "trestle" }, appendAction: "APPEND_IF_EXISTS_OR_ADD" },
          ],
          requestHeadersToRemove: ["secret"],
        },
      ),
    });
    await call({ attachments: { lane: "red", secret: "x", other: "stays", "seen-by": "a" } });
    expect(text()).toContain("\x04lane\x04blue");
    expect(text()).toContain("\x07seen-by\x09a,trestle");
    expect(text()).not.toContain("secret");
    expect(text()).toContain("\x05other\x05stays");
  });

  test("a call for another service has its interface, group and version rewritten wherever they stand", async () => {
    await setUp({
      clusterKey: "g/com.acme.B:2.0.0",
      routes: [{ name: "moved", match: { prefix: "/" }, route: { cluster: clusterName("g/com.acme.B:2.0.0") } }],
    });
    await call({ attachments: { timeout: "1000" } });
    expect(text().startsWith("\x052.0.2\x0acom.acme.B\x052.0.0\x03get")).toBe(true);
    expect(text()).not.toContain("com.acme.A");
    expect(text()).not.toContain("1.0.0");
    expect(text()).toContain("\x05group\x01g");
  });

  test("each provider gets the token that it asks for", async () => {
    await setUp({
      endpoints: {
        "": [
          { port: stage.one.port, token: "t-one" },
          { port: stage.two.port, token: "t-two" },
        ],
      },
    });
    const twos: string[] = [];
    stage.two.onCall = (got) => {
      twos.push(got.body.toString("latin1"));
      answerCall(got, "two");
    };
    for (let i = 0; i < 4; i++) await call({ attachments: { token: "whatever" } });
    expect(seen.every(({ body }) => body.toString("latin1").includes("\x05token\x05t-one"))).toBe(true);
    expect(twos.every((body) => body.includes("\x05token\x05t-two"))).toBe(true);
    expect([seen.length, twos.length]).toEqual([2, 2]);
  });
});

describe("tags", () => {
  test("a tagged call goes to the provider with its tag, an untagged one to that without", async () => {
    await setUp({ endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port, tag: "gray" }] } });
    for (let i = 0; i < 3; i++) {
      expect((await call({ attachments: { "dubbo.tag": "gray" } })).text).toContain("two");
      expect((await call()).text).toContain("one");
    }
  });

  test("a tag that nobody has falls back, unless it is forced", async () => {
    await setUp({ endpoints: { "": [{ port: stage.one.port }, { port: stage.two.port, tag: "gray" }] } });
    expect((await call({ attachments: { "dubbo.tag": "blue" } })).text).toContain("one");
    expect(await call({ attachments: { "dubbo.tag": "blue", "dubbo.force.tag": "true" } })).toMatchObject({
      status: 80,
    });
  });
});

describe("who is meant", () => {
  test("groups of one interface and version are told apart by the attachment", async () => {
    await setUp({
      others: { "g/com.acme.A:1.0.0": [{ match: { prefix: "/" }, route: { cluster: clusterName(KEY, "g") } }] },
      endpoints: { "": [{ port: stage.one.port }], g: [{ port: stage.two.port }] },
    });
    expect((await call()).text).toContain("one");
    expect(await call({ group: "h" })).toMatchObject({ status: 60 });
  });

  test("a generic call is routed by the method that it names", async () => {
    await setUp({
      routes: [
        { name: "create", match: { path: "/com.acme.A/create" }, route: { cluster: clusterName(KEY, "v2") } },
        ...toAll(),
      ],
      endpoints: { "": [{ port: stage.one.port }], v2: [{ port: stage.two.port }] },
    });
    const types = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    const generic = (method: string) => ({
      method: "$invoke",
      types,
      args: Buffer.concat([Buffer.from([method.length]), Buffer.from(method), Buffer.from("4e4e", "hex")]),
    });
    expect((await call(generic("create"))).text).toContain("two");
    expect((await call(generic("get"))).text).toContain("one");
    expect(new Set(stage.proxy.stats().calls.map(({ method }) => method))).toEqual(new Set(["create", "get"]));
  });

  test("a serialization that is only carried goes to the one service there is", async () => {
    await setUp({});
    expect(await call({ serialization: 8 })).toMatchObject({ status: 20 });
    expect(stage.proxy.stats().counters["carriedUnread"]).toBe(1);
  });

  test("a call in fastjson2 whose beginning cannot be read goes there too", async () => {
    await setUp({});
    expect(await call({ serialization: 23 })).toMatchObject({ status: 20 });
    expect(stage.proxy.stats().counters["carriedUnread"]).toBe(1);
  });

  test("where it could be several it follows the connection's readable calls, and is refused before there were any", async () => {
    await setUp({ others: { "com.acme.B": toAll() } });
    expect(await call({ serialization: 8 })).toMatchObject({ status: 40 });
    await call();
    expect(await call({ serialization: 8 })).toMatchObject({ status: 20 });
  });
});

test("behind an inbound listener calls of several groups over one connection are each asked for their own", async () => {
  const address = "127.0.0.1";
  const port = await freePort();
  const byGroup = "{when: [{key: 'request.headers[dubbo-group]', values: [c]}]}";
  const byUser = "{when: [{key: 'request.headers[user]', values: [bob]}]}";
  const rules = policiesOf(
    policyText("no", `{action: DENY, rules: [${byGroup}, ${byUser}]}`, { namespace: "default" }),
  );
  const to = { address, port: stage.one.port };
  const provider = { listen: { address, port }, to, protocol: "dubbo", labels: {} } as const;
  const inbound = compileInbound([provider], { entries: [], rules, mesh: DEFAULT_MESH });
  await stage.proxy.apply([
    { typeUrl: LISTENER_TYPE, resources: inbound.listeners, removedResources: [] },
    { typeUrl: ROUTE_TYPE, resources: inbound.routes, removedResources: [] },
    { typeUrl: CLUSTER_TYPE, resources: inbound.clusters, removedResources: [] },
    { typeUrl: ENDPOINT_TYPE, resources: inbound.endpoints, removedResources: [] },
  ]);
  const raw = await openRaw(address, port);
  const heard: string[] = [];
  let id = 0n;
  for (const group of ["a", "b", undefined, "c", "a", "b", undefined, "c"]) {
    for (const user of ["ann", "bob"]) {
      const said = group === undefined ? {} : { group };
      raw.write(request({ id: ++id, service: "com.acme.A", method: "get", ...said, attachments: { user } }));
      const text = (await raw.answer()).body.toString("latin1");
      heard.push(`${group ?? ""}/${user} ${text.includes("RBAC: access denied") ? "denied" : text.slice(2)}`);
    }
  }
  raw.destroy();
  const once = ["a/ann one", "a/bob denied", "b/ann one", "b/bob denied", "/ann one", "/bob denied"];
  const denied = ["c/ann denied", "c/bob denied"];
  expect(heard).toEqual([...once, ...denied, ...once, ...denied]);
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { doubleValue, mapValue, type Value } from "../../src/codecs/value.ts";
import { plainEndpoint } from "../../src/model/entry.ts";
import { type DubboLine, lines, startProvider } from "../support/dubbo.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import { startHttpProvider } from "../support/http-stage.ts";
import { startLoneProxy } from "../support/lone-proxy.ts";
import { startInbound } from "../support/mtls-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { configsOf, policyText } from "../support/policies.ts";
import { dubboTricks, jsonTricks, tripleTricks } from "../support/policy-tricks.ts";
import { stopAll } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import {
  type DubboTrick,
  dubboTrick,
  genericTrick,
  jsonTrick,
  type Place,
  type Said,
  tripleTrick,
} from "../support/trick-calls.ts";

// Ways round a policy, sent by hand to real providers: what they take for a call of `note`, a policy that denies it must see as one.

const SERVICE = "com.acme.OrderService";
const NAMED = { group: "g", version: "1.0.0" };
const FIELDS = { "tri-service-group": "g", "tri-service-version": "1.0.0" };
const DENY_NOTE = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [note]}}]}]}");
const DENY_EVIL = policyText("d", "{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [evil]}]}]}");
const places: Record<string, string> = {
  "2.6": hosts.provider1,
  "2.7": hosts.provider2,
  "3.2": hosts.provider3,
  "3.3": hosts.relay,
};
const open: { close(): unknown }[] = [];
/** By line: the provider itself, and what stands before it. */
const stages = new Map<DubboLine, { readonly direct: Place; readonly tri: Place; via: Place; viaTri: Place }>();
let keys = 0;

beforeAll(async () => {
  requireNamespace();
  await Promise.all(lines.map(startStage));
});
afterAll(async () => {
  for (const one of open) await one.close();
  await stopAll();
});

async function startStage(line: DubboLine): Promise<void> {
  const host = places[line]!;
  const both = line < "3" ? {} : { protocol: "dubbo,tri" as const, triPort: 20_881 };
  await startProvider(line, { host, port: 20_880, ...NAMED, ...both });
  const direct = { host, port: 20_880 };
  const tri = { host, port: 20_881 };
  stages.set(line, {
    direct,
    tri,
    via: await inbound(direct, "dubbo", DENY_NOTE),
    viaTri: await inbound(tri, "tri", DENY_NOTE),
  });
  // Old lines remember a method that a generic call named, by name and types in one text.
  await dubboTrick(direct, { ...NAMED, ...genericTrick("note", ["java.lang.String"], ["warm"]) });
}

async function inbound(
  { host, port }: Place,
  protocol: "dubbo" | "tri" | "http",
  policy: string,
  services: readonly string[] = [],
): Promise<Place> {
  const known = { address: host, port, protocol, weight: 100, params: {}, origin: "test" };
  const service = { interface: "*", group: "", version: "" };
  const configs = configsOf([policy], { host: "inbound", service, endpoints: [plainEndpoint(known)] });
  const typedPerFilterConfig = configs as Readonly<Record<string, object>>;
  const staged = await startInbound({ to: { address: host, port }, protocol, typedPerFilterConfig, services });
  open.push(staged.proxy);
  return { host: staged.address, port: staged.port };
}

/** Whether the provider has noted `key`. */
async function noted(line: DubboLine, key: string): Promise<boolean> {
  const { direct } = stages.get(line)!;
  const { text } = await dubboTrick(direct, { ...NAMED, method: "notes", args: [key] });
  return text.charCodeAt(1) === 0x91;
}

async function tried(
  line: DubboLine,
  send: (key: string, via: boolean) => Promise<Said>,
): Promise<{ readonly direct: boolean; readonly via: boolean; readonly said: Said }> {
  const [one, other] = [`key-${keys++}`, `key-${keys++}`];
  await send(one, false);
  const said = await send(other, true);
  return { direct: await noted(line, one), via: await noted(line, other), said };
}

describe.each(lines)("DENY of a method before a %s provider", (line) => {
  test.concurrent.each(dubboTricks)("Dubbo2: $name", async ({ trick, works, status }) => {
    const { direct, via } = stages.get(line)!;
    const came = await tried(line, (key, isVia) => dubboTrick(isVia ? via : direct, trick(key)));
    expect(came).toMatchObject({ direct: works.includes(line), via: false });
    if (status !== undefined) expect(came.said.status).toBe(status);
  });
});

describe.each(["3.2", "3.3"] as const)("DENY of a method before a %s Triple provider", (line) => {
  test.concurrent.each(tripleTricks)("$name", async ({ trick, works, status }) => {
    const { tri, viaTri } = stages.get(line)!;
    const came = await tried(line, (key, isVia) => tripleTrick(isVia ? viaTri : tri, trick(key)));
    expect(came).toMatchObject({ direct: works.includes(line), via: false });
    if (status !== undefined) expect(came.said.status).toBe(status);
  });
});

describe("DENY of a method before a 3.3 provider's plain HTTP", () => {
  test.concurrent.each(jsonTricks)("$name", async ({ path, works, status, fields = FIELDS }) => {
    const { tri, viaTri } = stages.get("3.3")!;
    const came = await tried("3.3", (key, isVia) =>
      jsonTrick(isVia ? viaTri : tri, path, JSON.stringify([key]), fields),
    );
    expect(came).toMatchObject({ direct: works, via: false });
    if (status !== undefined) expect(came.said.status).toBe(status);
  });
});

describe.each(["3.2", "3.3"] as const)("a policy by version and group before a %s Triple provider", (line) => {
  const known = [`g/${SERVICE}:1.0.0`];
  const denied = (name: string, value: string) =>
    policyText("d", `{action: DENY, rules: [{when: [{key: 'request.headers[${name}]', values: ['${value}']}]}]}`);
  const allowed = policyText("a", "{rules: [{when: [{key: 'request.headers[dubbo-version]', values: ['2.0.0']}]}]}");
  const group = { "tri-service-group": "g" };
  // Real providers take all of these for g and 1.0.0, the only one that they serve.
  const calls = {
    honest: FIELDS,
    "without a version": group,
    "with version 0.0.0": { ...group, "tri-service-version": "0.0.0" },
    "with nothing": {},
    "without a group": { "tri-service-version": "1.0.0" },
    "with another version": { ...group, "tri-service-version": "2.0.0" },
    "with another group": { "tri-service-group": "h", "tri-service-version": "1.0.0" },
  };
  const rows: readonly [string, string, readonly string[], readonly number[]][] = [
    ["DENY of its version", denied("dubbo-version", "1.0.0"), known, [7, 7, 7, 7, 7, 3, 3]],
    ["DENY of its group", denied("dubbo-group", "g"), known, [7, 7, 7, 7, 7, 3, 3]],
    ["DENY of another version", denied("dubbo-version", "2.0.0"), known, [0, 0, 0, 0, 0, 3, 3]],
    ["ALLOW of another version", allowed, known, [7, 7, 7, 7, 7, 3, 3]],
    ["DENY where it serves several", denied("dubbo-version", "2.0.0"), [...known, SERVICE], [0, 0, 0, 0, 3, 3, 3]],
    ["DENY where nobody knows what it serves", denied("dubbo-version", "2.0.0"), [], [3, 3, 3, 3, 3, 3, 3]],
  ];
  test.each(rows)("%s", async (_, policy, services, statuses) => {
    const { tri } = stages.get(line)!;
    const via = await inbound(tri, "tri", policy, services);
    for (const [i, [name, headers]] of Object.entries(calls).entries()) {
      const call = (key: string) => ({ path: `/${SERVICE}/note`, headers, args: [key] });
      const came = await tried(line, (key, isVia) => tripleTrick(isVia ? via : tri, call(key)));
      expect([name, came.direct, came.said.status, came.via]).toEqual([name, true, statuses[i], statuses[i] === 0]);
    }
  });
});

test("a policy by version before a 3.3 Triple provider, of a Dubbo2 call that is translated", async () => {
  const { tri } = stages.get("3.3")!;
  const policy = "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-version]', values: ['1.0.0']}]}]}";
  const via = await inbound(tri, "tri", policyText("d", policy), [`g/${SERVICE}:1.0.0`]);
  const open = await inbound(tri, "tri", DENY_EVIL, [`g/${SERVICE}:1.0.0`]);
  for (const [version, status, text] of [
    ["1.0.0", 20, "RBAC: access denied"],
    ["", 20, "RBAC: access denied"],
    ["9", 40, "not certain"],
  ] as const) {
    const call = (key: string) => ({ group: "g", version, args: [key] });
    const came = await tried("3.3", (key, isVia) => dubboTrick(isVia ? via : open, call(key)));
    expect([version, came.direct, came.via, came.said.status]).toEqual([version, true, false, status]);
    expect(came.said.text).toContain(text);
  }
});

test("a policy by version before a 3.3 provider's plain HTTP", async () => {
  const { tri } = stages.get("3.3")!;
  const policy = "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-version]', values: ['1.0.0']}]}]}";
  const via = await inbound(tri, "tri", policyText("d", policy), [`g/${SERVICE}:1.0.0`]);
  const calls: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
    [FIELDS, 403],
    [{ "rest-service-group": "g", "rest-service-version": "1.0.0" }, 403],
    [{}, 403],
    [{ "tri-service-group": "g" }, 403],
    [{ ...FIELDS, "tri-service-version": "9" }, 400],
    [{ "rest-service-group": "g", "rest-service-version": "9" }, 400],
  ];
  for (const [headers, status] of calls) {
    const call = (key: string, isVia: boolean) =>
      jsonTrick(isVia ? via : tri, `/${SERVICE}/note`, JSON.stringify([key]), headers);
    const came = await tried("3.3", call);
    expect([headers, came.direct, came.said.status, came.via]).toEqual([headers, true, status, false]);
  }
});

describe("DENY of an attachment before a 3.3 provider", () => {
  const tricks: readonly [string, Readonly<Record<string, string | string[]>>, number][] = [
    ["said plainly", { user: "evil" }, 7],
    ["another field that is renamed", { x: "evil", "tri-header-convert": "%7B%22x%22%3A%22user%22%7D" }, 3],
    ["twice", { user: ["ann", "evil"] }, 3],
    ["beside the same in bytes", { user: "ann", "user-bin": "ZXZpbA" }, 3],
  ];
  test.each(tricks)("Triple: %s", async (_, headers, status) => {
    const { tri } = stages.get("3.3")!;
    const via = await inbound(tri, "tri", DENY_EVIL);
    const call = { path: `/${SERVICE}/attachments`, types: [], headers: { ...FIELDS, ...headers } };
    expect((await tripleTrick(tri, call)).status).toBe(0);
    expect((await tripleTrick(via, call)).status).toBe(status);
  });

  test("Dubbo2: beside the same in another case of letters", async () => {
    const { direct } = stages.get("3.3")!;
    const via = await inbound(direct, "dubbo", DENY_EVIL);
    const call = { ...NAMED, method: "attachments", descriptor: "", attachments: { user: "evil", User: "ann" } };
    expect((await dubboTrick(direct, call)).text).toContain("evil");
    expect((await dubboTrick(via, call)).status).toBe(40);
    const honest = { ...call, attachments: { User: "ann" } };
    expect((await dubboTrick(via, honest)).status).toBe(20);
  });
});

describe("DENY of an argument", () => {
  const denied = (name: string, value: string) =>
    policyText("d", `{action: DENY, rules: [{when: [{key: 'request.headers[${name}]', values: ['${value}']}]}]}`);
  const echo = (type: string, value: Value) => genericTrick("echoLong", [type], [value]);
  const order = (...entries: [Value, Value][]) => genericTrick("createOrder", ["com.acme.Order"], [mapValue(entries)]);

  test.each(lines)("before a %s provider, of what it takes for that", async (line) => {
    const { direct } = stages.get(line)!;
    const seven = await inbound(direct, "dubbo", denied("dubbo-arg-0", "7"));
    const note = await inbound(direct, "dubbo", denied("dubbo-arg-0.note", "evil"));
    const rows: [Place, DubboTrick, number][] = [
      [seven, echo("long", 7n), 20],
      [seven, echo("long", "7"), 20],
      [seven, echo("long", "07"), 40],
      [seven, echo("long", "+7"), 40],
      [seven, echo("long", doubleValue(7.5)), 40],
      [seven, { method: "echoLong", descriptor: "J", args: [doubleValue(7.5)] }, 40],
      [seven, genericTrick("echoInt", ["int"], [2n ** 32n + 7n]), 40],
      [seven, { method: "echoByte", descriptor: "B", args: [263] }, 40],
      [note, order(["Note", "evil"]), 20],
      [note, order(["note", "ok"], ["Note", "evil"]), 40],
    ];
    for (const [via, trick, status] of rows) {
      expect((await dubboTrick(direct, { ...NAMED, ...trick })).status).toBe(20);
      const said = await dubboTrick(via, { ...NAMED, ...trick });
      expect([said.status, /RBAC|a policy asks/.test(said.text)]).toEqual([status, true]);
    }
    expect((await dubboTrick(seven, { ...NAMED, ...echo("long", 8n) })).text).not.toContain("RBAC");
  });

  test.each(["3.2", "3.3"] as const)("before a %s Triple provider", async (line) => {
    const { tri } = stages.get(line)!;
    const via = await inbound(tri, "tri", denied("dubbo-arg-0", "7"));
    const call = (value: Value) => ({ path: `/${SERVICE}/echoLong`, types: ["long"], headers: FIELDS, args: [value] });
    expect((await tripleTrick(tri, call(doubleValue(7.5)))).status).toBe(0);
    expect((await tripleTrick(via, call(doubleValue(7.5)))).status).toBe(3);
    expect((await tripleTrick(via, call(7n))).status).toBe(7);
    expect((await tripleTrick(via, call(8n))).status).toBe(0);
  });
});

test("before an HTTP service DENY of a Host meets it with any port, and with a dot behind it; ALLOW as it is", async () => {
  const http = await startHttpProvider((_, response) => response.end("served"));
  open.push(http);
  const to = { host: "127.0.0.1", port: http.port };
  const spec = (action: string) => `{action: ${action}, rules: [{to: [{operation: {hosts: [shop.example]}}]}]}`;
  const [deny, allow] = [
    await inbound(to, "http", policyText("d", spec("DENY"))),
    await inbound(to, "http", policyText("a", spec("ALLOW"))),
  ];
  for (const [host, denied, allowed] of [
    ["shop.example", 403, 200],
    ["SHOP.example", 403, 200],
    ["shop.example:8080", 403, 403],
    ["shop.example.", 403, 403],
    ["shop.example.:80", 403, 403],
    ["workshop.example", 200, 403],
  ] as const) {
    const ask = async (place: Place) => (await jsonTrick(place, "/", undefined, { host })).status;
    expect([host, await ask(deny), await ask(allow)]).toEqual([host, denied, allowed]);
  }
  // What is no request over HTTP/1.1 is none that its policies know.
  const note = await dubboTrick(deny, { args: ["x"] });
  expect([note.status, note.text]).toEqual([20, expect.stringContaining("HTTP/1.1")]);
  expect(await tripleTrick(deny, { path: `/${SERVICE}/note`, args: ["x"] })).toMatchObject({ status: 7 });
});

test("a frame that is not read, on a connection that called a service without policies, is not for one that has some", async () => {
  const provider = await startFakeProvider();
  const denied = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
  const service = { interface: "com.acme.B", group: "", version: "" };
  const policies = configsOf([denied], { host: "b", service, endpoints: [] })!;
  const services = (more: object) => [
    { interface: "com.acme.A", ports: [provider.port] },
    { interface: "com.acme.B", ports: [provider.port], ...more },
  ];
  const proxy = await startLoneProxy(services({ policies }));
  open.push(proxy, provider);
  const caller = await openRaw(proxy.host, proxy.port);
  const KRYO = 8;
  caller.write(request({ id: 1n, service: "com.acme.A", method: "get" }));
  expect((await caller.answer(10_000)).status).toBe(20);
  caller.write(request({ id: 2n, service: "com.acme.B", method: "drop", serialization: KRYO }));
  await caller.answer(10_000);
  expect(provider.calls).toBe(1);
  await proxy.apply(services({}));
  caller.write(request({ id: 3n, service: "com.acme.B", method: "drop", serialization: KRYO }));
  await caller.answer(10_000);
  expect(provider.calls).toBe(2);
  caller.destroy();
});

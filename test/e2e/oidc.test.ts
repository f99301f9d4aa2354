import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type OidcIssuer, startOidcIssuer } from "../support/oidc-issuer.ts";
import { policyText } from "../support/policies.ts";
import { eventually, stopAll } from "../support/process.ts";
import { type RemoteProxy, startRemoteProxy } from "../support/remote-proxy.ts";
import { takeUp } from "../support/rules-in-force.ts";

// RequestAuthentication with a real OpenID issuer: its keys are found by discovery, its tokens stand in attachments, headers,
// parameters and cookies, and it rotates its keys and goes away; a proxy elsewhere has its keys by way of control.
const service = { group: "g", version: "1.0.0" };
const AUDIENCE = "https://orders.example";
/** Of a slow issuer. */
const WAIT_MS = 700;
const CONTROL = `${hosts.trestle}:15011`;
let mesh: Mesh;
let folder: string;
let oidc: OidcIssuer;
let remote: RemoteProxy;
let http: HttpProvider;
let consumers: Record<"2.6" | "3.3", Consumer>;
let token: string;
let inForce = "";

const rules = async (rule: object, ...more: string[]) => {
  const jwtRules = [{ issuer: oidc.issuer, audiences: [AUDIENCE], ...rule }];
  const shop = {
    hosts: ["shop"],
    resolution: "STATIC",
    ports: [{ number: http.port, name: "http", protocol: "HTTP" }],
  };
  const objects = [
    {
      apiVersion: "security.istio.io/v1",
      kind: "RequestAuthentication",
      metadata: { name: "jwt" },
      spec: { jwtRules },
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: "shop" },
      spec: { ...shop, endpoints: [{ address: "127.0.0.1" }] },
    },
  ];
  const text = [...objects.map((one) => JSON.stringify(one)), ...more].join("\n---\n");
  if (text !== inForce) await takeUp(mesh, text);
  inForce = text;
};
const only = () => policyText("a", `{rules: [{from: [{source: {requestPrincipals: ["${oidc.issuer}/shop"]}}]}]}`);
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claimsOf = (text: string) => JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()) as object;

beforeAll(async () => {
  requireNamespace();
  oidc = await startOidcIssuer();
  http = await startHttpProvider((request, response) =>
    response.end(JSON.stringify({ ...request.headers, url: request.url })),
  );
  folder = await mkdtemp(join(tmpdir(), "trestle-oidc-"));
  const config = join(folder, "config.yaml");
  await writeFile(config, `outputs: [{xds: "${CONTROL}"}]\n`);
  mesh = await startMesh({ extra: ["-c", config] });
  await startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "v1", warmup: 1 });
  const options = { ...service, registry: mesh.inside, retries: 2, timeout: 5_000 };
  let old: Consumer;
  let young: Consumer;
  [remote, old, young] = await Promise.all([
    startRemoteProxy({ host: hosts.provider3, controls: [CONTROL] }),
    startConsumer("2.6", { ...options, application: "old-shop" }),
    startConsumer("3.3", { ...options, application: "young-shop" }),
  ]);
  consumers = { "2.6": old, "3.3": young };
  await Promise.all([old, young].map((one) => one.call("whoAmI")));
  token = await oidc.token(AUDIENCE);
  await rules({}, only());
  // The keys come a moment after the rule.
  await eventually(
    "the issuer's keys are there",
    async () => (await json("sayHi", ["x"], bearer(token))).status === 200,
  );
});

afterAll(async () => {
  await stopAll();
  await http?.close();
  await oidc?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A call over HTTP/1.1 to the Triple port. */
async function json(
  method: string,
  body: unknown[],
  headers: Readonly<Record<string, string>> = {},
  host: string = hosts.trestle,
) {
  const answer = await fetch(`http://${host}:50051/com.acme.OrderService/${method}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "tri-service-group": "g",
      "tri-service-version": "1.0.0",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
}

/** The same over HTTP/2; the status. */
async function jsonOverHttp2(method: string, body: unknown[], headers: Readonly<Record<string, string>>) {
  const session = connect(`http://${hosts.trestle}:50051`);
  try {
    const request = session.request({
      ":method": "POST",
      ":path": `/com.acme.OrderService/${method}`,
      "content-type": "application/json",
      "tri-service-group": "g",
      "tri-service-version": "1.0.0",
      ...headers,
    });
    request.end(JSON.stringify(body));
    const [answer] = (await once(request, "response")) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
    return answer[":status"];
  } finally {
    session.destroy();
  }
}

/** Time that all calls took in all, ms. */
async function durationsOf(): Promise<number> {
  const { body } = await mesh.trestle.get("/metrics");
  const sums = body.split("\n").filter((line) => line.startsWith("istio_request_duration_milliseconds_sum"));
  return sums.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function shop(path: string, headers: Readonly<Record<string, string>> = {}) {
  let found: string | undefined;
  await eventually("the HTTP service has a port", async () => {
    const { services } = (await mesh.trestle.json("/api/v1/services")) as {
      services: { service: string; http?: string }[];
    };
    found = services.find((one) => one.service === "shop")?.http;
    return found !== undefined;
  });
  const answer = await fetch(`http://${found}${path}`, { headers });
  return { status: answer.status, text: await answer.text() };
}

test("the issuer was asked where its keys are, and once more at most by a call that came before them", () => {
  const said = oidc.asked.get("/.well-known/openid-configuration")!;
  expect(said).toBeLessThanOrEqual(2);
  expect(oidc.asked.get("/jwks")).toBe(said);
});

describe.each(["2.6", "3.3"] as const)("calls of %s", (line) => {
  const call = (text?: string) => consumers[line].call("sayHi", "Ann", text === undefined ? {} : bearer(text));

  test("pass with a good token, and with no other", async () => {
    await rules({}, only());
    await call(token);
    await expect(call()).rejects.toThrow(/RBAC: access denied/);
    const [head, payload, signature] = token.split(".");
    const { keys } = (await (await fetch(`${oidc.issuer}/jwks`)).json()) as { keys: object[] };
    const none = `${part({ alg: "none" })}.${payload}.`;
    const hs = `${part({ alg: "HS256", kid: "key-1" })}.${payload}`;
    const shared = createHmac("sha256", JSON.stringify(keys[0])).update(hs).digest("base64url");
    const other = part({ ...claimsOf(token), sub: "root" });
    for (const [bad, why] of [
      [none, /no key for the Jwt/],
      [`${hs}.${shared}`, /no key for the Jwt/],
      [`${head}.${other}.${signature}`, /verification fails/],
      [await oidc.token("https://elsewhere.example"), /Audiences in Jwt are not allowed/],
      ["not.a", /not in the form/],
    ] as const)
      await expect(call(bad)).rejects.toThrow(why);
  });

  test("have what the token says, whatever the caller wrote there", async () => {
    await rules({
      outputPayloadToHeader: "x-payload",
      outputClaimToHeaders: [
        { header: "x-client", claim: "client_id" },
        { header: "x-none", claim: "nothing.there" },
      ],
      forwardOriginalToken: false,
    });
    const spoofed = { "X-Payload": "root", "x-client": "root", "x-none": "root", other: "1" };
    const seen = (await consumers[line].call("attachments", undefined, { ...spoofed, ...bearer(token) })) as object;
    expect(seen).toMatchObject({ other: "1", "x-client": "shop" });
    const lower = Object.fromEntries(Object.entries(seen).map(([name, value]) => [name.toLowerCase(), value]));
    expect(JSON.parse(Buffer.from(String(lower["x-payload"]), "base64url").toString())).toEqual(claimsOf(token));
    expect(Object.keys(lower)).not.toEqual(expect.arrayContaining(["x-none"]));
    expect(Object.keys(lower)).not.toEqual(expect.arrayContaining(["authorization"]));
    const without = (await consumers[line].call("attachments", undefined, spoofed)) as object;
    expect(Object.keys(without).map((name) => name.toLowerCase())).not.toEqual(expect.arrayContaining(["x-client"]));
  });
});

test("a list of words in a claim is a list, of scopes always", async () => {
  await rules(
    {},
    policyText("a", "{rules: [{when: [{key: 'request.auth.claims[scope]', values: ['orders:write']}]}]}"),
  );
  await consumers["3.3"].call("sayHi", "Ann", bearer(token));
  await rules({}, policyText("a", "{rules: [{when: [{key: 'request.auth.claims[scope]', values: ['orders:drop']}]}]}"));
  await expect(consumers["3.3"].call("sayHi", "Ann", bearer(token))).rejects.toThrow(/RBAC/);
});

test("JSON callers of the Triple port and HTTP requests: headers, parameters and cookies", async () => {
  await rules(
    { fromHeaders: [{ name: "x-token", prefix: "T " }], fromParams: ["t"], fromCookies: ["session"] },
    only(),
  );
  expect((await json("sayHi", ["x"], { "x-token": `T ${token}` })).status).toBe(200);
  expect((await json("sayHi", ["x"], { "x-token": "T no.good.one" })).status).toBe(401);
  expect((await json("sayHi", ["x"], bearer(token))).status).toBe(403);
  expect((await json(`sayHi?t=${token}`, ["x"])).status).toBe(200);
  expect((await json("sayHi?t=no.good.one", ["x"])).status).toBe(401);
  expect((await json(`sayHi?t=${token}&t=no.good.one`, ["x"])).status).toBe(401);
  expect((await shop("/", { "x-token": `T ${token}` })).status).toBe(200);
  expect((await shop(`/?t=${token}`)).status).toBe(200);
  expect((await shop("/", { cookie: `a=b; session=${token}` })).status).toBe(200);
  expect((await shop("/?t=no.good.one")).status).toBe(401);
  expect((await shop("/", bearer(token))).status).toBe(403);
  await rules({ outputClaimToHeaders: [{ header: "x-client", claim: "client_id" }], forwardOriginalToken: false });
  const { text } = await shop("/?a=1", { ...bearer(token), "x-client": "root" });
  expect(JSON.parse(text)).toMatchObject({ "x-client": "shop" });
  expect(JSON.parse(text)).not.toHaveProperty("authorization");
  // Taken out wherever it stood, and nothing else with it.
  expect(JSON.parse(text)).toMatchObject({ url: "/?a=1" });
  expect(JSON.parse((await shop(`/?a=%2f&access_token=${token}&b`)).text)).toMatchObject({ url: "/?a=%2f&b" });
  expect((await shop(`/?access_token=${token}&access%5Ftoken=no.good.one`)).status).toBe(401);
  await rules({ fromParams: ["t"], fromCookies: ["session"], forwardOriginalToken: false });
  const cookie = `a=b; session=${token}; c=d`;
  expect(JSON.parse((await shop("/", { cookie })).text)).toMatchObject({ url: "/", cookie: "a=b; c=d" });
  const both = JSON.parse((await shop(`/?t=${token}`, { cookie: `session=${token}` })).text) as object;
  expect(both).toMatchObject({ url: "/" });
  expect(both).not.toHaveProperty("cookie");
});

test("the first calls with a new key pass, tokens of the old ones go on, and nobody has the issuer asked all the time", async () => {
  await rules({}, only());
  const call = (text: string) => consumers["2.6"].call("sayHi", "Ann", bearer(text));
  await call(token);
  const before = oidc.asked.get("/jwks")!;
  oidc.rotate();
  const newer = await oidc.token(AUDIENCE);
  // In every protocol at once; those of the old key go on.
  const [triple, parameter, http1, http2] = await Promise.all([
    json("sayHi", ["x"], bearer(newer)),
    json(`sayHi?access_token=${newer}`, ["x"]),
    shop("/", bearer(newer)),
    jsonOverHttp2("sayHi", ["x"], bearer(newer)),
    call(newer),
    consumers["3.3"].call("sayHi", "Ann", bearer(newer)),
    call(token),
  ]);
  expect([triple.status, parameter.status, http1.status, http2]).toEqual([200, 200, 200, 200]);
  // Each worker may have asked for it.
  expect(oidc.asked.get("/jwks")).toBeLessThanOrEqual(before + 2);
  const [, payload, signature] = token.split(".");
  const sinceMs = performance.now();
  const madeUp = (i: number) => `${part({ alg: "ES256", kid: `made-up-${i}` })}.${payload}.${signature}`;
  const refused = await Promise.all(Array.from({ length: 40 }, (_, i) => json("sayHi", ["x"], bearer(madeUp(i % 20)))));
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]));
  await expect(call(madeUp(0))).rejects.toThrow(/no key/);
  const most = 4 + Math.floor((performance.now() - sinceMs) / 1_000);
  expect(oidc.asked.get("/jwks")! - before).toBeLessThanOrEqual(most);
  token = newer;
});

test("a proxy elsewhere has control ask for a key that it misses, while its call waits", async () => {
  const call = (text: string) => json("sayHi", ["x"], bearer(text), hosts.provider3);
  expect((await call(token)).status).toBe(200);
  const before = oidc.asked.get("/jwks")!;
  oidc.rotate();
  const newer = await oidc.token(AUDIENCE);
  expect((await call(newer)).status).toBe(200);
  expect(oidc.asked.get("/jwks")).toBe(before + 1);
  expect((await call(token)).status).toBe(200);
  token = newer;
});

describe("routes by claims", () => {
  /** A route for tokens of the client `shop` that may write, one for all tokens of other issuers' subjects, and one for the rest; each says itself. */
  const routes = (host: string, bound: object = { hosts: [host] }) =>
    JSON.stringify({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: `claims-${host.toLowerCase().replaceAll(".", "-")}${"gateways" in bound ? "-edge" : ""}` },
      spec: {
        ...bound,
        http: [
          {
            match: [
              {
                headers: {
                  "@request.auth.claims.client_id": { exact: "shop" },
                  "@request.auth.claims[scope]": { prefix: "orders:w" },
                },
                withoutHeaders: { "@request.auth.claims.client_id": { exact: "other" } },
              },
            ],
            route: [{ destination: { host }, headers: { request: { set: { "x-way": "shop" } } } }],
          },
          {
            match: [{ withoutHeaders: { "@request.auth.claims.iss": {} } }],
            route: [{ destination: { host }, headers: { request: { set: { "x-way": "nobody" } } } }],
          },
          { route: [{ destination: { host }, headers: { request: { set: { "x-way": "rest" } } } }] },
        ],
      },
    });
  const claims = { "@request.auth.claims.client_id": "shop", "@request.auth.claims[scope]": "orders:write" };
  const ORDERS = "com.acme.OrderService";
  const gateway = (name: string, number: number) =>
    JSON.stringify({
      apiVersion: "networking.istio.io/v1",
      kind: "Gateway",
      metadata: { name },
      spec: { servers: [{ port: { number, name: "http", protocol: "HTTP" }, hosts: ["*"] }] },
    });
  const inForceNow = () =>
    rules(
      {},
      ...[routes(ORDERS), gateway("edge", 8099), routes(ORDERS, { hosts: ["*"], gateways: ["edge"] })],
      ...[routes("shop"), gateway("web", 8098), routes("shop", { hosts: ["*"], gateways: ["web"] })],
    );
  const web = async (headers: Readonly<Record<string, string>>) => {
    const answer = await fetch(`http://${hosts.trestle}:8098/any/path`, { headers });
    return { status: answer.status, text: await answer.text() };
  };
  const edge = async (headers: Readonly<Record<string, string>>) => {
    const url = `http://${hosts.trestle}:8099/${ORDERS}/attachments`;
    const sent = { "content-type": "application/json", ...headers };
    const answer = await fetch(url, { method: "POST", headers: sent, body: "[]" });
    return { status: answer.status, text: await answer.text() };
  };
  const broken = () => `${token.slice(0, -8)}AAAAAAAA`;

  test.each(["2.6", "3.3"] as const)("attachments of %s: by good tokens alone", async (line) => {
    await inForceNow();
    const way = async (attachments: Readonly<Record<string, string>>) =>
      ((await consumers[line].call("attachments", undefined, attachments)) as Record<string, string>)["x-way"];
    expect(await way(bearer(token))).toBe("shop");
    expect(await way({})).toBe("nobody");
    expect(await way(claims)).toBe("nobody");
    await expect(way({ ...bearer(broken()), ...claims })).rejects.toThrow(/verification fails/);
  });

  test("JSON over HTTP/1.1 and HTTP/2, HTTP services, and a proxy elsewhere", async () => {
    await inForceNow();
    const said = /"x-way":"(\w+)"/;
    const ways = async (headers: Readonly<Record<string, string>>) => {
      const triple = await json("attachments", [], headers);
      const elsewhere = await json("attachments", [], headers, hosts.provider3);
      const plain = await shop("/", headers);
      return [triple, elsewhere, plain, await edge(headers), await web(headers)].map(
        ({ status, text }) => said.exec(text)?.[1] ?? status,
      );
    };
    await eventually("the proxy elsewhere has the routes", async () => (await ways(bearer(token)))[1] === "shop");
    expect(await ways(bearer(token))).toEqual(["shop", "shop", "shop", "shop", "shop"]);
    expect(await ways({})).toEqual(["nobody", "nobody", "nobody", "nobody", "nobody"]);
    expect(await ways(bearer(broken()))).toEqual([401, 401, 401, 401, 401]);
    expect(await jsonOverHttp2("attachments", [], bearer(token))).toBe(200);
    const explained = async (said: object) => {
      const called = {
        service: ORDERS,
        group: "g",
        version: "1.0.0",
        method: "attachments",
        claims: JSON.stringify(said),
      };
      const { routes } = (await mesh.trestle.json(`/api/v1/explain?${new URLSearchParams(called)}`)) as {
        routes: { verdict: string }[];
      };
      return routes.findIndex(({ verdict }) => verdict === "taken");
    };
    expect([await explained(claimsOf(token)), await explained({ iss: "i" }), await explained({})]).toEqual([0, 2, 1]);
    expect(await jsonOverHttp2("attachments", [], bearer(broken()))).toBe(401);
  });

  test("a key that is not known yet is waited for before the route is chosen", async () => {
    await inForceNow();
    const before = oidc.asked.get("/jwks")!;
    const durations = await durationsOf();
    oidc.rotate();
    oidc.slowMs = WAIT_MS;
    token = await oidc.token(AUDIENCE);
    const answers = await Promise.all([
      consumers["2.6"].call("attachments", undefined, bearer(token)),
      consumers["3.3"].call("attachments", undefined, bearer(token)),
      json("attachments", [], bearer(token)),
      shop("/", bearer(token)),
      edge(bearer(token)),
      web(bearer(token)),
    ]);
    oidc.slowMs = 0;
    for (const answer of answers) expect(JSON.stringify(answer)).toMatch(/x-way\W+shop/);
    // What they waited for is in the time that they took.
    const least = durations + answers.length * WAIT_MS * 0.9;
    await eventually("their time counts", async () => (await durationsOf()) > least);
    expect(oidc.asked.get("/jwks")).toBeLessThanOrEqual(before + 2);
  });
});

test("while the issuer is down its last keys count", async () => {
  await oidc.setDown(true);
  await rules({}, only(), policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [cancelOrder]}}]}]}"));
  await consumers["3.3"].call("sayHi", "Ann", bearer(token));
  const [, payload, signature] = token.split(".");
  const unknown = `${part({ alg: "ES256", kid: "made-up" })}.${payload}.${signature}`;
  await expect(consumers["3.3"].call("sayHi", "Ann", bearer(unknown))).rejects.toThrow(/no key/);
  // It is known by now that nothing can be had there: nobody waits.
  const sinceMs = performance.now();
  for (const host of [hosts.trestle, hosts.provider3])
    expect((await json("sayHi", ["x"], bearer(unknown), host)).status).toBe(401);
  expect(performance.now() - sinceMs).toBeLessThan(2_000);
  await consumers["3.3"].call("sayHi", "Ann", bearer(token));
});

test("once the issuer is back, a key that it rotated to meanwhile is had", async () => {
  oidc.rotate();
  await oidc.setDown(false);
  const newer = await oidc.token(AUDIENCE);
  await eventually("the new key is known", async () => (await json("sayHi", ["x"], bearer(newer))).status === 200);
});

test("control is away: a proxy elsewhere refuses keys that it misses at once, and takes those that it has", async () => {
  const call = (text: string) => json("sayHi", ["x"], bearer(text), hosts.provider3);
  await mesh.trestle.stop();
  oidc.rotate();
  const newer = await oidc.token(AUDIENCE);
  const sinceMs = performance.now();
  expect((await call(newer)).status).toBe(401);
  expect(performance.now() - sinceMs).toBeLessThan(3_000);
  expect((await call(token)).status).toBe(200);
  expect((await remote.get("/ready")).status).toBe(200);
});

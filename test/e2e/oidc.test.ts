import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type HttpProvider, startHttpProvider } from "../support/http-stage.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type OidcIssuer, startOidcIssuer } from "../support/oidc-issuer.ts";
import { policyText } from "../support/policies.ts";
import { eventually, stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";

// RequestAuthentication with a real OpenID issuer: its keys are found by discovery, its tokens stand in attachments, headers,
// parameters and cookies, and it rotates its keys and goes away.
const service = { group: "g", version: "1.0.0" };
const AUDIENCE = "https://orders.example";
let mesh: Mesh;
let oidc: OidcIssuer;
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
  http = await startHttpProvider((request, response) => response.end(JSON.stringify(request.headers)));
  mesh = await startMesh();
  await startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "v1", warmup: 1 });
  const options = { ...service, registry: mesh.inside, retries: 2 };
  const [old, young] = await Promise.all([
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
});

/** A call over HTTP/1.1 to the Triple port. */
async function json(method: string, body: unknown[], headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`http://${hosts.trestle}:50051/com.acme.OrderService/${method}`, {
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

test("the issuer was asked where its keys are, once", () => {
  expect(oidc.asked.get("/.well-known/openid-configuration")).toBe(1);
  expect(oidc.asked.get("/jwks")).toBe(1);
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
  expect((await shop("/", { "x-token": `T ${token}` })).status).toBe(200);
  expect((await shop(`/?t=${token}`)).status).toBe(200);
  expect((await shop("/", { cookie: `a=b; session=${token}` })).status).toBe(200);
  expect((await shop("/?t=no.good.one")).status).toBe(401);
  expect((await shop("/", bearer(token))).status).toBe(403);
  await rules({ outputClaimToHeaders: [{ header: "x-client", claim: "client_id" }], forwardOriginalToken: false });
  const { text } = await shop("/", { ...bearer(token), "x-client": "root" });
  expect(JSON.parse(text)).toMatchObject({ "x-client": "shop" });
  expect(JSON.parse(text)).not.toHaveProperty("authorization");
});

test("keys that are rotated are had at once, tokens of the old ones go on, and nobody has the issuer asked all the time", async () => {
  await rules({}, only());
  const call = (text: string) => consumers["2.6"].call("sayHi", "Ann", bearer(text));
  await call(token);
  const before = oidc.asked.get("/jwks")!;
  oidc.rotate();
  const newer = await oidc.token(AUDIENCE);
  const old: unknown[] = [];
  await eventually("the new key is known", async () => {
    old.push(await call(token).catch((error: Error) => error));
    return call(newer).then(
      () => true,
      () => false,
    );
  });
  expect(old.filter((one) => one instanceof Error)).toEqual([]);
  expect(oidc.asked.get("/jwks")).toBe(before + 1);
  const [, payload, signature] = token.split(".");
  for (let i = 0; i < 20; i++)
    await call(`${part({ alg: "ES256", kid: `made-up-${i}` })}.${payload}.${signature}`).catch(() => undefined);
  expect(oidc.asked.get("/jwks")! - before).toBeLessThanOrEqual(2);
  token = newer;
});

test("while the issuer is down its last keys count", async () => {
  await oidc.setDown(true);
  await rules({}, only(), policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [cancelOrder]}}]}]}"));
  await consumers["3.3"].call("sayHi", "Ann", bearer(token));
  const [, payload, signature] = token.split(".");
  const unknown = `${part({ alg: "ES256", kid: "made-up" })}.${payload}.${signature}`;
  await expect(consumers["3.3"].call("sayHi", "Ann", bearer(unknown))).rejects.toThrow(/no key/);
  await consumers["3.3"].call("sayHi", "Ann", bearer(token));
});

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { javaServices, service } from "../support/triple-services.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// JSON over HTTP/1.1 and HTTP/2 from callers that know nothing of Dubbo, to real providers of the old lines.
const run = promisify(execFile);
let stage: TripleStage;

interface HttpAnswer {
  readonly status: number;
  readonly json: unknown;
}

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

const inGroup = { "tri-service-group": "g", "tri-service-version": "1.0.0" };

async function post(
  method: string,
  body: string,
  headers: Readonly<Record<string, string>> = inGroup,
): Promise<HttpAnswer> {
  const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/${method}`;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return { status: answer.status, json: await answer.json() };
}

describe.each(["2.6", "2.7"] as const)("a %s provider behind the proxy", (line) => {
  const label = `dubbo-${line}`;
  let provider: Peer;

  beforeAll(async () => {
    const place = { host: hosts.provider1, port: 20880 };
    provider = await startProvider(line, { ...service, ...place, label });
    await stage.apply(javaServices([{ address: place.host, port: place.port }]));
  });

  afterAll(async () => {
    await provider?.stop(3_000);
  });

  test("answers JSON with JSON, longs kept", async () => {
    expect(await post("whoAmI", "")).toMatchObject({ status: 200, json: { label } });
    expect(await post("getOrder", "[9007199254740993]")).toMatchObject({
      status: 200,
      json: { id: "9007199254740993" },
    });
    expect(await post("echoString", '["h\\u00e9 \\ud83d\\ude80"]')).toEqual({ status: 200, json: "hé 🚀" });
    expect(await post("echoList", '[["a", 1]]')).toEqual({ status: 200, json: ["a", 1] });
  });

  test.each([
    ["HTTP/1.1", "--http1.1"],
    ["HTTP/2", "--http2-prior-knowledge"],
  ])("is called by curl over %s", async (_, flag) => {
    const headers = Object.entries(inGroup).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/whoAmI`;
    const args = ["-sS", flag, "-H", "content-type: application/json", ...headers, "-d", "[]", url];
    expect(JSON.parse((await run("curl", args)).stdout)).toMatchObject({ label });
  });

  test("tells its exceptions by class and message", async () => {
    const { status, json } = await post("fail", '["checked"]');
    expect([status, json]).toEqual([
      500,
      { status: "500", message: expect.any(String), exception: expect.stringMatching(/^com\.acme\./) },
    ]);
  });

  test("is not asked what is no JSON, or what it does not have", async () => {
    expect(await post("whoAmI", "[1")).toMatchObject({ status: 400, json: { status: "400" } });
    expect(await post("whoAmI", "[]", { "tri-service-group": "nowhere" })).toMatchObject({ status: 404 });
    expect((await post("noSuchMethod", "[]")).status).toBeGreaterThanOrEqual(500);
  });

  test("takes calls on one connection one after the other, also when they come at once", async () => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => post("echoInt", `[${i}]`)));
    expect(results.map(({ json }) => json)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});

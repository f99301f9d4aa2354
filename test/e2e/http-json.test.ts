import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { ordersJava, ordersSchema } from "../support/proto-fixtures.ts";
import { javaServices, service } from "../support/triple-services.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// JSON over HTTP/1.1 and HTTP/2 from callers that know nothing of Dubbo, to a real provider of an old line; each kind of value is in the bridge matrix.
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

describe.each(["2.7"] as const)("a %s provider behind the proxy", (line) => {
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

  test.each([
    ["application/proto", "--http1.1"],
    ["application/connect+proto", "--http2-prior-knowledge"],
  ])("is not asked in Connect's %s: the caller is told what is taken", async (type, flag) => {
    const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/WhoAmI`;
    const fields = [`content-type: ${type}`, "tri-service-group: g", "tri-service-version: 1.0.0"];
    const headers = fields.flatMap((field) => ["-H", field]);
    const asked = ["-sS", flag, ...headers, "--data-binary", "any bytes", "-w", "\n%{http_code}", url];
    const [body, status] = (await run("curl", asked)).stdout.split("\n");
    expect(status).toBe("501");
    expect(JSON.parse(body!)).toEqual({
      status: "501",
      message: `trestle: content of type "${type}" is not translated for this provider: application/grpc, grpc-web and application/json are`,
    });
  });

  test("answers a request that it refuses long before the end of its 3 MB, and curl has the answer", async () => {
    const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/WhoAmI`;
    const fields = ["content-type: application/connect+proto", "tri-service-group: g", "tri-service-version: 1.0.0"];
    const headers = fields.map((field) => `-H '${field}'`).join(" ");
    const asked = `head -c 3000000 /dev/zero | curl -sS --http2-prior-knowledge ${headers} --data-binary @- -o /dev/null -w '%{http_code}' ${url}`;
    expect((await run("sh", ["-c", asked])).stdout).toBe("501");
  });

  test("takes calls on one connection one after the other, also when they come at once", async () => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => post("echoInt", `[${i}]`)));
    expect(results.map(({ json }) => json)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  describe("whose Java types are known", () => {
    beforeAll(async () => {
      const endpoints = [{ address: hosts.provider1, port: 20880 }];
      await stage.apply(javaServices(endpoints), [{ name: ordersSchema.name, java: ordersJava }]);
    });

    test("tells overloads by their content, and by the signature of Triple 3.3", async () => {
      expect(await post("find", "[42]")).toMatchObject({ status: 200, json: { id: 42, servedBy: label } });
      expect(await post("find", '["x"]')).toMatchObject({ status: 200, json: { id: 1, note: "x" } });
      expect(await post("find~l", '["42"]')).toMatchObject({ status: 200, json: { id: 42 } });
    });

    test("takes a query in place of content", async () => {
      const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/getOrder?id=9007199254740993`;
      const answer = await fetch(url, { headers: inGroup });
      expect([answer.status, await answer.json()]).toMatchObject([200, { id: "9007199254740993", servedBy: label }]);
    });

    test.each<[string, string, unknown]>([
      ["echoLong", "[42]", 42],
      ["echoDecimal", "[12345678901234567890.10]", "12345678901234567890.10"],
      ["echoDate", '["2026-11-21T19:30:00.123Z"]', "2026-11-21T19:30:00.123Z"],
      ["echoStatus", '"PAID"', "PAID"],
      ["echoInts", "[1,2,3]", [1, 2, 3]],
      ["echoSet", '[["a"]]', ["a"]],
      ["echoBytes", '"AP8="', "AP8="],
      [
        "createOrder",
        '{"id":7,"total":1.50,"created":0,"lines":[{"quantity":2}]}',
        { id: 7, total: "1.50", lines: [{ quantity: 2 }] },
      ],
    ])("%s takes %s by the types that it declares", async (method, body, json) => {
      const answer = await post(method, body);
      expect(answer.status).toBe(200);
      if (typeof json === "object" && !Array.isArray(json)) expect(answer.json).toMatchObject(json as object);
      else expect(answer.json).toEqual(json);
    });

    test("is not asked what its types cannot hold", async () => {
      expect(await post("echoByte", "[300]")).toMatchObject({
        status: 400,
        json: { message: expect.stringContaining("expected byte, found the number 300") as string },
      });
    });
  });
});

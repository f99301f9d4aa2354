import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import type { Peer } from "../support/process.ts";
import { feedSchema, ordersJava, ordersSchema } from "../support/proto-fixtures.ts";
import { NOTHING_HELD } from "../support/triple-cases.ts";
import { endpoint, javaServices, provided } from "../support/triple-services.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// JSON over HTTP/1.1 and HTTP/2 to real providers that speak Triple alone: 3.2 refuses JSON, so that it is translated; 3.3 takes it.
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

interface HttpAnswer {
  readonly status: number;
  readonly json: unknown;
}

type Headers = Readonly<Record<string, string>>;
type Post = (method: string, body: string, headers?: Headers) => Promise<HttpAnswer>;

const inGroup = { "tri-service-group": "g", "tri-service-version": "1.0.0" };
const asJson = { "content-type": "application/json", ...inGroup };

const byHttp1: Post = async (method, body, headers = {}) => {
  const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/${method}`;
  const answer = await fetch(url, { method: "POST", headers: { ...asJson, ...headers }, body });
  return { status: answer.status, json: parsed(await answer.text()) };
};

const byHttp2: Post = async (method, body, headers = {}) => {
  const session = connect(`http://${stage.host}:${stage.port}`);
  try {
    const path = `/com.acme.OrderService/${method}`;
    const stream = session.request({ ":method": "POST", ":path": path, ...asJson, ...headers });
    stream.end(body);
    const status = await new Promise<number>((resolve, reject) => {
      stream.once("response", (fields) => resolve(Number(fields[":status"])));
      stream.once("error", reject);
      session.once("error", reject);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { status, json: parsed(Buffer.concat(chunks).toString("utf8")) };
  } finally {
    session.close();
  }
};

function parsed(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}

const callers: readonly (readonly [string, Post])[] = [
  ["HTTP/1.1", byHttp1],
  ["HTTP/2", byHttp2],
];

const endpoints = {
  "3.2": { ...endpoint("tri"), takesWrapper: true, refusesJson: true },
  "3.3": { ...endpoint("tri"), takesWrapper: true },
} as const;

describe.each(["3.2", "3.3"] as const)("a %s provider that speaks Triple alone", (line) => {
  const label = `tri-${line}`;
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider(line, { ...provided, protocol: "tri", streams: line === "3.3", label });
    await stage.apply(javaServices([endpoints[line]]));
  });

  afterAll(async () => {
    await provider?.stop(3_000);
  });

  describe.each(callers)("called with JSON over %s", (_, post) => {
    test("answers by JSON", async () => {
      expect(await post("whoAmI", "[]")).toMatchObject({ status: 200, json: { label } });
      expect(await post("getOrder", "[42]")).toMatchObject({ status: 200, json: { id: 42, servedBy: label } });
      expect(await post("sayHi", '["h\\u00e9 \\ud83d\\ude80 中"]')).toEqual({ status: 200, json: "hi hé 🚀 中" });
      expect(await post("echoMap", '[{"a": {"b": [true, null]}}]')).toEqual({
        status: 200,
        json: { a: { b: [true, null] } },
      });
    });

    test("takes an object as the only argument", async () => {
      const order = '{"id":7,"note":"n","lines":[{"sku":"x","quantity":2}]}';
      const created = { status: 200, json: { id: 7, lines: [{ sku: "x", quantity: 2 }], servedBy: label } };
      expect(await post("createOrder", `[${order}]`)).toMatchObject(created);
      expect(await post("createOrder", order)).toMatchObject(created);
    });

    test("tells its exceptions by their message", async () => {
      const { status, json } = await post("fail", '["checked"]');
      expect([status, json]).toMatchObject([
        500,
        { status: "500", message: expect.stringContaining("no such order") as string },
      ]);
      expect((await post("fail", '["runtime"]')).status).toBe(500);
    });

    test("sees header lines as attachments", async () => {
      const { json } = await post("attachments", "[]", { "x-color": "blue" });
      expect(json).toMatchObject({ "x-color": "blue" });
    });

    test("refuses what it does not have", async () => {
      expect(await post("whoAmI", "[]", { "tri-service-group": "nowhere" })).toMatchObject({ status: 404 });
      expect((await post("noSuchMethod", "[]")).status).toBe(line === "3.2" ? 500 : 404);
    });
  });

  test("takes bodies of 7 MB and gives them", async () => {
    const text = "x".repeat(7_000_000);
    expect(await byHttp1("sayHi", JSON.stringify([text]))).toEqual({ status: 200, json: `hi ${text}` });
  });

  test("takes calls of many callers at once", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => byHttp1("sleep", "[300]")));
    expect(answers.filter(({ status, json }) => status !== 200 || json !== label)).toEqual([]);
    expect(stage.held()).toEqual(NOTHING_HELD);
  });

  if (line === "3.3") {
    test("has its own rules for arguments while its Java types are not known", async () => {
      // One parameter that is a list takes the whole array.
      expect(await byHttp1("echoList", '["a", 1]')).toEqual({ status: 200, json: ["a", 1] });
      expect(await byHttp1("find~l", "[42]")).toMatchObject({ status: 200, json: { id: 42 } });
      expect(await byHttp1("find~S", '["shelf"]')).toMatchObject({ status: 200, json: { note: "shelf" } });
    });

    describe.each([
      ["known", [feedSchema]],
      ["not known", []],
    ])("streams answers to who asks for server-sent events, where its types are %s", (_known, schemas) => {
      const feed = (at: string, count: number) =>
        fetch(`http://${at}/com.acme.OrderFeed/orders`, {
          method: "POST",
          headers: { ...asJson, accept: "text/event-stream" },
          body: `[${count}]`,
        });
      const proxy = () => `${stage.host}:${stage.port}`;

      beforeAll(() => stage.apply(javaServices([endpoints[line]]), schemas));

      test("as it writes them", async () => {
        const before = stage.carried();
        const [direct, carried] = await Promise.all(
          [`${provided.host}:${provided.port}`, proxy()].map(async (at) => {
            const answer = await feed(at, 3);
            return [answer.status, answer.headers.get("content-type"), await answer.text()] as const;
          }),
        );
        expect(carried).toEqual(direct);
        expect(carried?.slice(0, 2)).toEqual([200, "text/event-stream"]);
        expect(carried?.[2]?.match(/^data:order \d /gm)).toEqual([0, 1, 2].map((id) => `data:order ${id} `));
        await expect.poll(() => stage.carried() - before).toBe(1);
      });

      // 3.3 may keep the answer of a call beside a stream that is given up; the proxy asks for it.
      test("one by one, until the caller leaves, and calls after that are answered", async () => {
        const noted = async () => Number((await byHttp1("notes", '["feed-cancelled"]')).json);
        const before = await noted();
        for (let round = 1; round <= 10; round++) {
          const reader = (await feed(proxy(), -1)).body!.getReader();
          const { value } = await reader.read();
          expect(Buffer.from(value!).toString("utf8")).toMatch(/^data:order 0 /);
          await reader.cancel();
          await expect.poll(noted, { timeout: 5_000 }).toBe(before + round);
        }
        await expect.poll(() => stage.held()).toEqual(NOTHING_HELD);
      });
    });

    test("is asked in the wrapper where they are: what its own JSON would lose stays", async () => {
      await stage.apply(javaServices([endpoints[line]]), [{ name: ordersSchema.name, java: ordersJava }]);
      expect(await byHttp1("echoLong", "[9007199254740993]")).toEqual({ status: 200, json: "9007199254740993" });
      expect(await byHttp2("find", '["shelf"]')).toMatchObject({ status: 200, json: { note: "shelf" } });
      expect(await byHttp1("echoBytes", '["AP8="]')).toEqual({ status: 200, json: "AP8=" });
      const thrown = { status: "500", message: "no such order", exception: "com.acme.OrderException" };
      expect(await byHttp2("fail", '["checked"]')).toEqual({ status: 500, json: thrown });
    });
    return;
  }

  test("that refuses JSON is asked in the wrapper: what it answers is told as a Dubbo2 provider's answers are", async () => {
    expect(await byHttp1("echoList", '[["a", 1]]')).toEqual({ status: 200, json: ["a", 1] });
    expect(await byHttp1("echoString", "[null]")).toEqual({ status: 200, json: null });
    expect(await byHttp1("cancelOrder", "[1]")).toEqual({ status: 200, json: null });
    expect(await byHttp1("echoLong", "[9007199254740993]")).toEqual({ status: 200, json: "9007199254740993" });
    expect(await byHttp1("whoAmI", "[1")).toMatchObject({ status: 400, json: { status: "400" } });
    const thrown = { status: "500", message: "no such order", exception: "com.acme.OrderException" };
    expect(await byHttp1("fail", '["checked"]')).toEqual({ status: 500, json: thrown });
    const cause = { status: "500", message: "bad id", exception: "java.lang.IllegalArgumentException" };
    expect(await byHttp1("fail", '["runtime-cause"]')).toEqual({ status: 500, json: cause });
    // Two methods, and nothing that tells which.
    expect(await byHttp1("find", "[42]")).toMatchObject({
      status: 500,
      json: { message: expect.stringContaining("Not unique method") as string },
    });
  });

  test("is given up when the call's time is over", async () => {
    const before = Date.now();
    const late = await byHttp1("sleep", "[3000]", { "tri-service-timeout": "300" });
    expect(late.status).toBe(504);
    expect(Date.now() - before).toBeLessThan(2_500);
    expect(await byHttp1("sleep", "[1]")).toEqual({ status: 200, json: label });
  });

  describe("whose Java types are known", () => {
    beforeAll(() => stage.apply(javaServices([endpoints[line]]), [{ name: ordersSchema.name, java: ordersJava }]));

    test.each<[string, string, unknown]>([
      ["find", "[42]", { id: 42, servedBy: label }],
      ["find", '["x"]', { id: 1, note: "x" }],
      ["find~l", '["42"]', { id: 42 }],
      ["echoBoolean", "[true]", true],
      ["echoByte", "[-128]", -128],
      ["echoShort", "[300]", 300],
      ["echoChar", '["é"]', "é"],
      ["echoFloat", "[1.5]", 1.5],
      ["echoDouble", "[2]", 2],
      ["echoLong", '["-9223372036854775808"]', "-9223372036854775808"],
      ["echoDecimal", "[12345678901234567890.10]", "12345678901234567890.10"],
      ["echoDate", '["2026-11-21T19:30:00.123Z"]', "2026-11-21T19:30:00.123Z"],
      ["echoStatus", '"PAID"', "PAID"],
      ["echoInts", "[1,2,3]", [1, 2, 3]],
      ["echoStrings", '[["a","b"]]', ["a", "b"]],
      ["echoSet", '[["a"]]', ["a"]],
      ["echoLongKeys", '[{"7":"a"}]', [[7, "a"]]],
      ["echoBytes", '"AP8="', "AP8="],
      ["createOrder", '{"id":7,"total":1.50,"created":0,"lines":[{"quantity":2}]}', { total: "1.50" }],
      ["ordersByKey", '[["a"]]', { a: { servedBy: label } }],
    ])("%s takes %s by the types that it declares", async (method, body, json) => {
      const answer = await byHttp2(method, body);
      expect(answer.status).toBe(200);
      if (typeof json === "object" && !Array.isArray(json)) expect(answer.json).toMatchObject(json as object);
      else expect(answer.json).toEqual(json);
    });

    test("is not asked what its types cannot hold", async () => {
      const message = expect.stringContaining("expected byte, found the number 300") as string;
      expect(await byHttp1("echoByte", "[300]")).toMatchObject({ status: 400, json: { message } });
    });

    test("takes a query in place of content", async () => {
      const url = `http://${stage.host}:${stage.port}/com.acme.OrderService/getOrder?id=9007199254740993`;
      const answer = await fetch(url, { headers: inGroup });
      expect([answer.status, await answer.json()]).toMatchObject([200, { id: "9007199254740993", servedBy: label }]);
    });
  });
});

import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grpcServiceOf } from "../../src/codecs/protobuf/service.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { hosts } from "../support/netns.ts";
import { protobufOf } from "../support/proto-fixtures.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// google.protobuf.Any between gRPC peers and Java's `Object echoObject(Object)`: a message is an object of its class, and back.
const key = "com.acme.OrderService";
const schema = {
  name: key,
  protobuf: protobufOf(`syntax = "proto3"; package com.acme; import "google/protobuf/any.proto";
    service OrderService { rpc EchoObject(Box) returns (Box); }
    message Box { google.protobuf.Any value = 1; }
    message Customer { string name = 1; int32 age = 2; bool vip = 3; map<string, string> tags = 4; }`),
};
const { types, methods } = grpcServiceOf(schema)!;
const box = methods.get("EchoObject")!.input;
const path = `/${key}/EchoObject`;
const customer = {
  "@type": "type.googleapis.com/com.acme.Customer",
  name: "Zoë 🚀",
  age: 41,
  vip: true,
  tags: { a: "1" },
};
const bytesOf = (json: JsonValue) => Buffer.from(toBinary(box, fromJson(box, json, { registry: types })));
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

describe.each([
  ["2.7 provider of Dubbo2", "2.7", "dubbo"],
  ["3.2 provider of Triple's wrapper", "3.2", "tri"],
] as const)("a %s, called by gRPC", (_, line, protocol) => {
  let client: Client;

  beforeAll(async () => {
    const place = { host: hosts.provider1, port: protocol === "tri" ? 50051 : 20880 };
    await startProvider(line, { ...place, protocol, label: line });
    const endpoint = {
      address: place.host,
      port: place.port,
      protocol,
      ...(protocol === "tri" && { takesWrapper: true as const }),
    };
    await stage.apply([{ key, endpoints: [endpoint] }], [schema]);
    client = new Client(`${stage.host}:${stage.port}`, credentials.createInsecure());
  });

  afterAll(() => client?.close());

  function call(request: Buffer): Promise<{ code: number; details: string; bytes: Buffer }> {
    const asIs = (bytes: Buffer) => bytes;
    return new Promise((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, request, (error: ServiceError | null, bytes?: Buffer) => {
        resolve({ code: error?.code ?? 0, details: error?.details ?? "", bytes: bytes ?? Buffer.alloc(0) });
      });
    });
  }

  test("gets an object of the message's class, and gives it back", async () => {
    const { code, details, bytes } = await call(bytesOf({ value: customer }));
    expect([code, details]).toEqual([0, ""]);
    expect(toJson(box, fromBinary(box, bytes), { registry: types })).toEqual({ value: customer });
  });

  test("gets nothing of a type that nobody knows", async () => {
    const unknown = Buffer.from(toBinary(box, fromJson(box, {})));
    expect(await call(unknown)).toMatchObject({ code: 0 });
    // value { type_url: "x/a.B" }
    const { code, details } = await call(Buffer.from("0a070a05782f612e42", "hex"));
    expect([code, details]).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringContaining('an Any of "x/a.B", which the schema does not have'),
    ]);
  });
});

describe("a gRPC server", () => {
  let server: Server;
  const received: JsonValue[] = [];

  beforeAll(async () => {
    server = new Server();
    const asIs = (bytes: Buffer) => bytes;
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
    };
    server.addService(
      { EchoObject: { ...method, responseSerialize: asIs, responseDeserialize: asIs } },
      {
        EchoObject: (call: { request: Buffer }, done: (error: null, bytes: Buffer) => void) => {
          received.push(toJson(box, fromBinary(box, call.request), { registry: types }));
          done(null, call.request);
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${hosts.provider2}:0`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    await stage.apply([{ key, endpoints: [{ address: hosts.provider2, port, protocol: "tri" }] }], [schema]);
  });

  afterAll(() => server?.forceShutdown());

  describe.each([
    ["a 2.7 consumer, by Dubbo2", "2.7", () => stage.dubboUrl],
    ["a 3.3 consumer, by Triple's wrapper", "3.3", () => stage.url],
  ] as const)("called by %s", (_, line, url) => {
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer(line, { url: url() });
    });

    afterAll(() => consumer?.stop());

    test("gets the message of an object's class, and gives it back", async () => {
      const { "@type": _type, ...fields } = customer;
      const args = [{ ...fields, class: "com.acme.Customer" }];
      const echo = { op: "generic", method: "echoObject", types: ["java.lang.Object"], args };
      const { value, error } = await consumer.ask(echo);
      expect([error, value]).toMatchObject([undefined, { ...fields, class: "com.acme.Customer" }]);
      expect(received.at(-1)).toEqual({ value: customer });
      const text = await consumer.ask({ ...echo, args: ["x"] });
      expect([text["error"], text["value"]]).toEqual([undefined, "x"]);
      const { error: refused } = await consumer.ask({ ...echo, args: [{ class: "com.acme.Nobody" }] });
      expect(refused).toContain("com.acme.Nobody does not fit a google.protobuf.Any");
    });
  });

  test("called with JSON gets and gives the type by @type", async () => {
    const post = async (body: JsonValue) => {
      const url = `http://${stage.host}:${stage.port}${path.replace("EchoObject", "echoObject")}`;
      const headers = { "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      return [answer.status, await answer.json()];
    };
    expect(await post([customer])).toEqual([200, customer]);
    expect(received.at(-1)).toEqual({ value: customer });
    expect(await post([{ ...customer, "@type": "type.googleapis.com/a.B" }])).toMatchObject([400, { status: "400" }]);
  });
});

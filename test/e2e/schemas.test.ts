import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { validate } from "@readme/openapi-parser";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { SchemaView } from "../../src/control/admin/schema-views.ts";
import type { Finding } from "../../src/model/entry.ts";
import { startProvider } from "../support/dubbo.ts";
import { startShop } from "../support/grpc-shop.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { gatewayText, virtualServiceText } from "../support/rules.ts";
import { runTrestle } from "../support/trestle.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// Where the types of calls come from: metadata reports of real providers, a folder of .proto files, reflection of real servers.
let mesh: Mesh;
let protos: string;
let znodes: Znodes;

beforeAll(async () => {
  requireNamespace();
  protos = await mkdtemp(join(tmpdir(), "trestle-protos-"));
  mesh = await startMesh({ extra: ["--protos", protos] });
  znodes = await openZnodes(mesh.outside);
});

afterAll(async () => {
  znodes?.close();
  await stopAll();
  if (protos !== undefined) await rm(protos, { recursive: true });
});

/** What is known of an interface's types; undefined for nothing. */
async function schemaOf(name: string): Promise<SchemaView | undefined> {
  const { schemas } = (await mesh.trestle.json(`/api/v1/schemas?service=${name}`)) as { schemas: SchemaView[] };
  return schemas[0];
}

/** Waits until the schema is as wanted; the failure shows what it was. */
async function schemaWhen(name: string, what: string, isWanted: (schema: SchemaView) => boolean): Promise<SchemaView> {
  let last: SchemaView | undefined;
  await eventually(
    `${name}: ${what}`,
    async () => {
      last = await schemaOf(name);
      return last !== undefined && isWanted(last);
    },
    15_000,
  );
  return last!;
}

async function findings(code: string): Promise<readonly Finding[]> {
  const { findings: all } = (await mesh.trestle.json("/api/v1/findings")) as { findings: Finding[] };
  return all.filter((finding) => finding.code === code);
}

/** The methods of a gRPC service with the types of their messages, read from the schema as protobuf's own reader does. */
function rpcs({ name, protobuf }: SchemaView): string[] {
  const set = fromBinary(FileDescriptorSetSchema, Buffer.from(protobuf ?? "", "base64"));
  const service = createFileRegistry(set).getService(name);
  return service?.methods.map((method) => `${method.name}(${method.input.typeName}) ${method.output.typeName}`) ?? [];
}

const methods = ({ java }: SchemaView) =>
  java?.methods.map(({ name, parameterTypes, returnType }) => `${returnType} ${name}(${parameterTypes.join()})`) ?? [];

interface OpenApi {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

describe("metadata reports", () => {
  const service = "com.acme.OrderService";
  const report = (group: string) => `/dubbo/metadata/${service}/${group}/provider/order-provider`;

  beforeAll(async () => {
    const place = { registry: mesh.inside, host: hosts.provider1, application: "order-provider" };
    await startProvider("2.7", { ...place, group: "old", port: 20880 });
  });

  test("of a 2.7 provider give its methods and classes", async () => {
    const schema = await schemaWhen(service, "is known", ({ from }) => from["java"] === "registry");
    expect(methods(schema)).toEqual(
      expect.arrayContaining([
        "com.acme.Order getOrder(long)",
        "com.acme.Order find(java.lang.String)",
        "java.util.List<com.acme.Order> listOrders(int)",
        "void cancelOrder(long)",
      ]),
    );
    expect(schema.java?.types["com.acme.Order"]?.properties).toMatchObject({ id: "long" });
    const { services } = (await mesh.trestle.json("/api/v1/services")) as { services: Record<string, unknown>[] };
    expect(services.find((one) => one["service"] === `old/${service}`)).toMatchObject({ schema: { java: "registry" } });
    expect((await mesh.trestle.command("services", "-o", "json")).stdout).toMatch(
      /"schema":\s*\{\s*"java":\s*"registry"/,
    );
  });

  test("become the OpenAPI document of a gateway, by which the provider is called", async () => {
    const route = "{match: [{uri: {prefix: /orders/}}], route: [{destination: {host: com.acme.OrderService}}]}";
    const edge = gatewayText("edge", '[{port: {number: 8080, protocol: HTTP}, hosts: ["*"]}]');
    const orders = virtualServiceText("orders", '["*"]', `[${route}]`, "  gateways: [edge]\n");
    await mesh.rules(`${edge}---\n${orders}`);
    onTestFinished(() => mesh.rules(""));
    const url = `http://${hosts.trestle}:8080`;
    const document = (await eventually("the document has paths", async () => {
      const answer = (await (await fetch(`${url}/openapi.json`)).json()) as { readonly paths?: object };
      return Object.keys(answer.paths ?? {}).length > 0 && answer;
    })) as OpenApi;
    expect(await validate(structuredClone(document) as never)).toMatchObject({ valid: true });
    const order = { $ref: "#/components/schemas/com.acme.Order" };
    const long = { type: ["integer", "string"], format: "int64" };
    const json = (schema: object) => ({ content: { "application/json": { schema } } });
    expect(document.paths["/orders/getOrder"]).toMatchObject({
      post: {
        requestBody: json({ anyOf: [long, { type: "array", prefixItems: [long] }] }),
        responses: { "200": json({ anyOf: [order, { type: "null" }] }) },
      },
    });
    expect(document.paths["/orders/listOrders"]).toMatchObject({
      post: { responses: { "200": json({ type: ["array", "null"], items: order }) } },
    });
    expect(document.components.schemas["com.acme.Order"]).toMatchObject({
      type: "object",
      properties: {
        id: long,
        created: { type: ["string", "null"], format: "date-time" },
        lines: { type: ["array", "null"], items: { $ref: "#/components/schemas/com.acme.OrderLine" } },
      },
    });
    expect(document.components.schemas).toHaveProperty(["com.acme.OrderLine", "properties", "sku"]);
    const answer = await fetch(`${url}/orders/getOrder`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "[42]",
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { id: 42 }]);
  });

  test("are followed: a change counts, and one that cannot be read is a finding until it can", async () => {
    const text = (await znodes.text(report("old")))!;
    const definition = JSON.parse(text) as { methods: unknown[] };
    const added = { name: "added", parameterTypes: ["int"], returnType: "com.acme.Order" };
    await znodes.write(report("old"), JSON.stringify({ ...definition, methods: [...definition.methods, added] }));
    await schemaWhen(service, "has the new method", (one) => methods(one).includes("com.acme.Order added(int)"));
    await znodes.write(report("old"), text.slice(0, 100));
    await eventually("it is told", async () => (await findings("TR0160")).length === 1, 5_000);
    expect(await findings("TR0160")).toMatchObject([{ severity: "warning", at: report("old") }]);
    expect(methods((await schemaOf(service))!)).toContain("com.acme.Order added(int)");
    await znodes.write(report("old"), text);
    await schemaWhen(service, "is as it was", (one) => !methods(one).includes("com.acme.Order added(int)"));
    expect(await findings("TR0160")).toEqual([]);
  });

  test("and a .proto file let a gRPC caller reach the 2.7 provider, with the types that it has", async () => {
    const path = join(protos, "orders.proto");
    const text = `syntax = "proto3";
package com.acme;
service OrderService { rpc GetOrder(GetOrderRequest) returns (Order); rpc SayHi(SayHiRequest) returns (SayHiReply); }
message GetOrderRequest { int64 id = 1; }
message Order { int64 id = 1; string served_by = 2; }
message SayHiRequest { string name = 1; }
message SayHiReply { string text = 1; }
`;
    await writeFile(path, text);
    onTestFinished(() => rm(path));
    const schema = await schemaWhen(service, "is known in both forms", ({ from }) => from["protobuf"] === "files");
    expect(schema.from).toEqual({ java: "registry", protobuf: "files" });
    const call = async (method: string, message: string) => {
      const to = ["call", `grpc://${hosts.trestle}:50051`, `${service}/${method}`, message];
      const { stdout, stderr } = await runTrestle([...to, "--group", "old", "--proto", path]);
      return stdout === "" ? stderr : JSON.parse(stdout);
    };
    // Workers take up new types within a moment.
    await eventually("it is answered", async () => "text" in Object(await call("SayHi", '{"name": "Ann"}')), 10_000);
    expect((await call("SayHi", '{"name": "Ann"}')).text).toContain("Ann");
    expect(await call("GetOrder", '{"id": 42}')).toMatchObject({ id: "42" });
  });

  test("of a 3.3 Triple provider say the same; protobuf's own messages come from its reflection", async () => {
    const old = (await schemaOf(service))!;
    const place = { registry: mesh.inside, host: hosts.provider2, application: "order-provider", port: 50051 };
    await startProvider("3.3", { ...place, group: "new", protocol: "tri", mode: "all", streams: true });
    await eventually("its report is there", async () => (await znodes.text(report("new"))) !== undefined, 5_000);
    const relay = await schemaWhen("com.acme.Relay", "was reflected", ({ from }) => from["protobuf"] === "reflection");
    expect(relay.from["java"]).toBe("registry");
    const text = "google.protobuf.StringValue";
    expect(rpcs(relay).map((rpc) => rpc.toLowerCase())).toContain(`say(${text}) ${text}`.toLowerCase());
    const both = (await schemaOf(service))!;
    expect(methods(both).sort()).toEqual(methods(old).sort());
    expect(both.java?.types).toEqual(old.java?.types);
    // A Java interface needs no more than its metadata: nobody asked for it.
    expect(both.protobuf).toBeUndefined();
  });
});

describe("a folder of .proto files", () => {
  const proto = (method: string) => `syntax = "proto3";
package e2e;
import "parts/types.proto";
service Notes { rpc ${method}(parts.Note) returns (parts.Note); }
`;

  test("is watched: services come, change, and stay as they were while a file is broken", async () => {
    // As an editor does: a file is there at once, whole.
    const put = async (name: string, text: string) => {
      await writeFile(join(protos, ".new"), text);
      await rename(join(protos, ".new"), join(protos, name));
    };
    await put("notes.proto", proto("Add"));
    await eventually("the import is missed", async () => (await findings("TR0302")).length === 1, 5_000);
    expect((await findings("TR0302"))[0]).toMatchObject({
      severity: "error",
      at: join(protos, "notes.proto"),
      message: expect.stringContaining('notes.proto imports "parts/types.proto", which is not in'),
    });
    await mkdir(join(protos, "parts"));
    await put("parts/types.proto", 'syntax = "proto3"; package parts; message Note { string text = 1; }');
    const added = await schemaWhen("e2e.Notes", "is known", ({ from }) => from["protobuf"] === "files");
    expect(rpcs(added)).toEqual(["Add(parts.Note) parts.Note"]);
    await put("notes.proto", proto("Put"));
    await schemaWhen("e2e.Notes", "has changed", (one) => rpcs(one)[0]?.startsWith("Put(") === true);
    await put("notes.proto", `${proto("Drop")}\nmessage {`);
    await eventually("the fault is told", async () => (await findings("TR0302")).length === 1, 5_000);
    expect((await findings("TR0302"))[0]?.at).toBe(`${join(protos, "notes.proto")}:6`);
    expect(rpcs((await schemaOf("e2e.Notes"))!)).toEqual(["Put(parts.Note) parts.Note"]);
    await rm(join(protos, "notes.proto"));
    await eventually("it is gone", async () => (await schemaOf("e2e.Notes")) === undefined, 5_000);
    expect(await findings("TR0302")).toEqual([]);
  });
});

describe("reflection", () => {
  test("of a gRPC server in Node gives the types of its service, once it is registered", async () => {
    const shop = await startShop(hosts.provider3);
    onTestFinished(() => shop.stop());
    const url = `tri://${hosts.provider3}:${shop.port}/acme.Shop?application=shop&IDL-mode=IDL&methods=Get&side=provider`;
    const node = `/dubbo/acme.Shop/providers/${encodeURIComponent(url)}`;
    await znodes.make(node);
    onTestFinished(() => znodes.remove(node));
    const schema = await schemaWhen("acme.Shop", "was reflected", ({ from }) => from["protobuf"] === "reflection");
    expect(rpcs(schema)).toContain("Get(acme.GetRequest) acme.Order");
    expect(rpcs(schema)).toHaveLength(7);
  });
});

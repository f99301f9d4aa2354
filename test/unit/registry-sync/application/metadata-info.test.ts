import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { listValue, mapValue } from "../../../../src/codecs/value.ts";
import type { ApplicationService } from "../../../../src/model/application.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import {
  decodeMetadataInfo,
  encodeMetadataInfo,
  encodeMetadataRequest,
  exportedUrlsOf,
  METADATA_SERVICE,
  type MetadataInfo,
  matchKeyOf,
  metadataInfoOf,
  metadataInfoValue,
  parseMetadataInfo,
  printMetadataInfo,
  revisionOf,
} from "../../../../src/registry-sync/application/metadata-info.ts";

function service(name: string, changes: Partial<ApplicationService> = {}): ApplicationService {
  return {
    service: serviceKey(name, "g", "1.0.0"),
    ...{ protocol: "dubbo", port: 20880, path: name, params: { side: "provider", timeout: "3000" } },
    ...changes,
  };
}

const INFO: MetadataInfo = {
  application: "shop",
  revision: "r1",
  services: [service("a.C", { protocol: "tri", port: 50051, service: serviceKey("a.C"), params: {} }), service("a.B")],
};

test("a real provider's text in the metadata centre is read", () => {
  const nodes: { path: string; data: string }[] = JSON.parse(
    readFileSync("fixtures/registry/zk-3.3.6-all-remote.json", "utf8"),
  );
  const node = nodes.find(({ path }) => path.startsWith("/dubbo/metadata/order-provider/"))!;
  expect(parseMetadataInfo(node.data)).toMatchObject({
    application: "order-provider",
    revision: "8711da1b9306e544d0cf0394ade4cc58",
    services: [
      {
        service: { interface: "peer.api.OrderService", group: "g", version: "1.0.0" },
        ...{ protocol: "dubbo", port: 20880, path: "peer.api.OrderService" },
      },
    ],
  });
});

test("2.7 says no ports, and lists its MetadataService, which is no service of the application's", () => {
  const nodes: { path: string; data: string }[] = JSON.parse(
    readFileSync("fixtures/registry/zk-2.7.23-service.json", "utf8"),
  );
  const node = nodes.find(({ path }) => path.startsWith("/dubbo/metadata/order-provider/"))!;
  expect(parseMetadataInfo(node.data)?.services.map((one) => [one.service.interface, one.port])).toEqual([
    ["peer.api.OrderService", 0],
  ]);
});

describe("what is written is read again:", () => {
  const forms: [string, (info: MetadataInfo) => MetadataInfo | undefined][] = [
    ["JSON", (info) => parseMetadataInfo(printMetadataInfo(info))],
    ["Java", (info) => metadataInfoOf(decodeHessian2(encodeHessian2(metadataInfoValue(info))))],
    ["protobuf", (info) => decodeMetadataInfo(encodeMetadataInfo(info))],
  ];
  test.each(forms)("%s", (_, again) => {
    expect(again(INFO)).toEqual(INFO);
  });
});

test("the protobuf question is that of the specification's example", () => {
  expect(encodeMetadataRequest("ceaa0620").toString("hex")).toBe("0a086365616130363230");
});

describe("what is no MetadataInfo is undefined:", () => {
  test.each([
    ["no JSON", "{"],
    ["no services", '{"app":"a"}'],
    ["services of another shape", '{"services":[]}'],
  ])("%s", (_, text) => {
    expect(parseMetadataInfo(text)).toBeUndefined();
  });

  test("other Java values", () => {
    for (const value of [null, 1, "x", mapValue([["app", "a"]])]) expect(metadataInfoOf(value)).toBeUndefined();
  });

  test("broken protobuf at every length", () => {
    const bytes = encodeMetadataInfo(INFO);
    for (let end = 1; end < bytes.length; end++) {
      const read = decodeMetadataInfo(bytes.subarray(0, end));
      expect(read === undefined || read.services.length <= 2).toBe(true);
    }
    expect(decodeMetadataInfo(Buffer.from([0x1a, 0x05, 0x01]))).toBeUndefined();
  });
});

test("services that cannot be are left out, the others stay", () => {
  const services = {
    a: { name: "", protocol: "dubbo" },
    b: { name: "a.B", protocol: "no protocol" },
    c: { name: "a.C", protocol: "dubbo", port: 99_999, params: { x: 1, y: {} } },
    d: { name: METADATA_SERVICE, protocol: "dubbo" },
    e: 5,
  };
  expect(parseMetadataInfo(JSON.stringify({ services }))?.services).toEqual([
    { service: serviceKey("a.C"), protocol: "dubbo", port: 0, path: "a.C", params: { x: "1" } },
  ]);
});

test("a service stands under group, interface, version and protocol", () => {
  expect(INFO.services.map(matchKeyOf)).toEqual(["a.C:tri", "g/a.B:1.0.0:dubbo"]);
});

describe("a revision is another one where anything said is:", () => {
  const of = (change: Partial<ApplicationService>) => revisionOf("shop", [service("a.B", change)]);
  test.each<[string, Partial<ApplicationService>]>([
    ["port", { port: 1 }],
    ["protocol", { protocol: "tri" }],
    ["path", { path: "x" }],
    ["a parameter", { params: { side: "provider", timeout: "3001" } }],
    ["version", { service: serviceKey("a.B", "g", "2") }],
  ])("%s", (_, change) => {
    expect(of(change)).not.toBe(of({}));
  });

  test("but not the order of parameters", () => {
    expect(of({ params: { timeout: "3000", side: "provider" } })).toBe(of({}));
    expect(of({})).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("what a process of 2.7 says that it exports", () => {
  const url = "dubbo://10.77.0.2:20880/com.acme.Order?application=old&group=g&interface=com.acme.Order&version=1.0.0";
  const own = `dubbo://10.77.0.2:20881/${METADATA_SERVICE}?group=old&interface=${METADATA_SERVICE}&version=1.0.0`;

  test("is a service for each URL but its MetadataService's, with its port", () => {
    const answer = listValue([own, url], "java.util.TreeSet");
    const info = exportedUrlsOf(answer, "old", "instance:x");
    expect(info).toMatchObject({ application: "old", revision: "instance:x" });
    expect(info?.services).toEqual([
      {
        ...{ service: serviceKey("com.acme.Order", "g", "1.0.0"), protocol: "dubbo", port: 20_880 },
        ...{ path: "com.acme.Order", params: expect.objectContaining({ application: "old" }) },
      },
    ]);
  });

  test("is nothing where it is no list, and what is no URL is left out", () => {
    expect([null, "x", 1, mapValue([])].map((value) => exportedUrlsOf(value, "old", "r"))).toEqual(
      Array(4).fill(undefined),
    );
    expect(
      exportedUrlsOf(listValue([1, null, "dubbo:", "://", url.replace(":20880", ":99999")]), "old", "r")?.services,
    ).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  DUBBO_INSTANCE,
  decodeCuratorInstance,
  encodeDubboInstance,
  encodeSpringInstance,
  MAX_INSTANCE_BYTES,
  MAX_INSTANCE_METADATA,
  SPRING_INSTANCE,
} from "../../../../src/codecs/zookeeper/curator-instance.ts";

/** Nodes below an application, as the real peer wrote them. */
function recorded(name: string): readonly { readonly path: string; readonly data: unknown }[] {
  const file = new URL(`../../../../fixtures/registry/${name}.json`, import.meta.url);
  const nodes = JSON.parse(readFileSync(file, "utf8")) as readonly { path: string; data: unknown }[];
  return nodes.filter(({ path }) => /^\/services\/[^/]+\/[^/]+$/.test(path));
}

function bytesOf(data: unknown): Uint8Array {
  return Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
}

function decoded(value: unknown) {
  const reading = decodeCuratorInstance(bytesOf(value));
  return reading.type === "instance" ? reading.instance : reading.message;
}

test.each(["zk-spring-2021.0", "zk-spring-2025.0"])("an instance of %s is read", (name) => {
  const [svcB] = recorded(name).filter(({ path }) => path.startsWith("/services/svc-b/"));
  const id = svcB!.path.split("/")[3];
  expect(decoded(svcB!.data)).toMatchObject({
    ...{ name: "svc-b", id, address: "10.77.0.3", port: 9001, sslPort: 0, payloadClass: SPRING_INSTANCE },
    ...{ metadata: { instance_status: "UP" }, enabled: true },
  });
});

test.each(["zk-spring-2021.0", "zk-spring-2025.0"])(
  "what is written differs from an instance of %s in its time alone",
  (name) => {
    for (const { data } of recorded(name)) {
      const { name, id, address, port, metadata } = decoded(data) as Exclude<ReturnType<typeof decoded>, string>;
      const written: unknown = JSON.parse(
        Buffer.from(encodeSpringInstance({ name, id, address, port, metadata })).toString(),
      );
      expect(JSON.stringify(written)).toBe(JSON.stringify({ ...(data as object), registrationTimeUTC: 0 }));
    }
  },
);

test("an instance of Dubbo is told from Spring's by its class, and has its metadata as they stand", () => {
  const [one] = recorded("zk-3.3.6-instance");
  const instance = decoded(one!.data) as Exclude<ReturnType<typeof decoded>, string>;
  expect(instance.payloadClass).toBe(DUBBO_INSTANCE);
  expect(JSON.parse(instance.metadata["dubbo.endpoints"]!)).toEqual([{ port: 20880, protocol: "dubbo" }]);
});

test.each([
  ["no JSON", "{", "instance is no JSON in UTF-8"],
  ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "instance is no JSON in UTF-8"],
  ["nothing", "", "instance is no JSON in UTF-8"],
  ["a list", "[]", "instance is no JSON object"],
  ["null", "null", "instance is no JSON object"],
  ["no address", { port: 1 }, "instance has no usable address"],
  ["an address that is a number", { address: 1, port: 1 }, "instance has no usable address"],
  ["an address with a path", { address: "h/x", port: 1 }, "instance has no usable address"],
  ["an address with a line break", { address: "h\nX", port: 1 }, "instance has no usable address"],
  ["an endless address", { address: "h".repeat(256), port: 1 }, "instance has no usable address"],
  ["no port", { address: "h" }, "instance has no usable port"],
  ["port 0", { address: "h", port: 0 }, "instance has no usable port"],
  ["a port as text", { address: "h", port: "80" }, "instance has no usable port"],
  ["a negative port", { address: "h", port: -1 }, "instance has no usable port"],
  ["a port over 65535", { address: "h", port: 65_536 }, "instance has no usable port"],
  ["a port that is no whole number", { address: "h", port: 1.5 }, "instance has no usable port"],
  ["a TLS port over 65535", { address: "h", port: 1, sslPort: 1e9 }, "instance has no usable port"],
] as const)("a node with %s is refused", (_, value, message) => {
  const bytes = value instanceof Uint8Array ? value : bytesOf(value);
  expect(decodeCuratorInstance(bytes)).toEqual({ type: "fault", message });
});

test("what is too much is refused before it is read", () => {
  expect(decodeCuratorInstance(new Uint8Array(MAX_INSTANCE_BYTES + 1))).toEqual({
    type: "fault",
    message: `instance of ${MAX_INSTANCE_BYTES + 1} bytes is over the limit of ${MAX_INSTANCE_BYTES}`,
  });
  const keys = Array.from({ length: MAX_INSTANCE_METADATA + 1 }, (_, i) => [`k${i}`, ""]);
  expect(decoded({ address: "h", port: 1, payload: { metadata: Object.fromEntries(keys) } })).toBe(
    "instance has over 1024 metadata",
  );
  expect(decodeCuratorInstance(bytesOf("[".repeat(200_000)))).toMatchObject({ type: "fault" });
});

test("metadata of odd kinds and names are read as texts or left out, and change nothing else", () => {
  const json =
    '{"address":"::1","port":1,"enabled":false,"registrationTimeUTC":7,"payload":{"@class":1,"metadata":' +
    '{"__proto__":"p","n":1.5,"b":true,"o":{},"l":[],"z":null}}}';
  const instance = decoded(json) as Exclude<ReturnType<typeof decoded>, string>;
  expect(Object.entries(instance.metadata)).toEqual([
    ["__proto__", "p"],
    ["n", "1.5"],
    ["b", "true"],
  ]);
  expect(instance).toMatchObject({ name: "", payloadClass: "", enabled: false, registeredAtMs: 7, address: "::1" });
});

test("an old node without a payload, and one with a port for TLS alone, are read", () => {
  expect(decoded({ address: "h", sslPort: 8443, payload: null })).toMatchObject({ port: 0, sslPort: 8443 });
});

test("an instance of Dubbo's is written as 3.3.6 writes it, registered at 0", () => {
  const nodes: { path: string; data: string }[] = JSON.parse(
    readFileSync("fixtures/registry/zk-3.3.6-instance.json", "utf8"),
  );
  const { data } = nodes.find(({ path }) => path.startsWith("/services/order-provider/"))!;
  const { metadata } = JSON.parse(data).payload;
  const id = "10.77.0.2:20880";
  const written = encodeDubboInstance({ name: "order-provider", id, address: "10.77.0.2", port: 20880, metadata });
  expect(new TextDecoder().decode(written)).toBe(data.replace(/"registrationTimeUTC":\d+/, '"registrationTimeUTC":0'));
});

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  isLoneRevision,
  portFor,
  readInstance,
  readInstanceNode,
  saysApplicationLevel,
} from "../../../../src/registry-sync/application/instance.ts";

interface Recorded {
  readonly path: string;
  readonly data: string;
}

/** The instance nodes that real providers wrote. */
function recorded(name: string): Recorded[] {
  const nodes: Recorded[] = JSON.parse(readFileSync(`fixtures/registry/${name}.json`, "utf8"));
  return nodes.filter(({ path }) => path.startsWith("/services/order-provider/"));
}

function read(name: string) {
  const [node] = recorded(name);
  return readInstanceNode(node!.path.slice("/services/order-provider/".length), new TextEncoder().encode(node!.data));
}

describe("instances of real providers:", () => {
  test.each([
    ["zk-3.3.6-instance", "becc5482e2e9fdf4c4b1883a2fb56d26", "local", "dubbo", "1.0.0"],
    ["zk-3.3.6-all-tri", "b45a51243c8574635bd380c2e52975fb", "local", "tri", "2.0.0"],
    ["zk-3.2.18-all", "3dd7399ccca5c066b5898531834b117e", "local", "dubbo", "1.0.0"],
  ])("%s", (name, revision, storage, protocol, version) => {
    expect(read(name)).toMatchObject({
      type: "instance",
      instance: {
        ...{
          id: "10.77.0.2:20880",
          address: "10.77.0.2",
          port: 20880,
          revision,
          storage,
          disabled: false,
          weight: 100,
        },
        metadata: { protocol, port: 20880, version },
      },
    });
  });

  test("metadata in the metadata centre: no place to ask", () => {
    expect(read("zk-3.3.6-all-remote")).toMatchObject({
      instance: { storage: "remote", metadata: undefined, revision: "8711da1b9306e544d0cf0394ade4cc58" },
    });
  });

  test("2.7 nests the place by protocol and says no revision: it is given one of its own", () => {
    expect(read("zk-2.7.23-service-local")).toMatchObject({
      instance: {
        revision: "instance:10.77.0.2:20880:1795249501971",
        metadata: { protocol: "dubbo", port: 20881, version: "1.0.0" },
      },
    });
  });

  test("ports by protocol", () => {
    const reading = read("zk-3.3.6-all-dubbo+tri");
    expect(reading).toMatchObject({ instance: { ports: [{ protocol: "dubbo" }, { protocol: "tri" }] } });
  });
});

const METADATA = { "dubbo.metadata.revision": "r1" };

test("dubbo-go's revisions of 128 digits are revisions", () => {
  const revision = "a".repeat(128);
  const listed = { id: "i", address: "h", port: 1, metadata: { "dubbo.metadata.revision": revision } };
  expect(readInstance(listed)).toMatchObject({ instance: { revision } });
});

describe("refused:", () => {
  test.each([
    ["no address", { address: "" }, /no usable address/],
    ["an address for all", { address: "0.0.0.0" }, /no usable address/],
    ["an address with blanks", { address: "a b" }, /no usable address/],
    ["port 0", { port: 0 }, /no usable port/],
    ["port 70000", { port: 70_000 }, /no usable port/],
    ["port NaN", { port: Number.NaN }, /no usable port/],
    ["a long revision", { metadata: { "dubbo.metadata.revision": "x".repeat(300) } }, /no usable revision/],
    [
      "a revision of Trestle's own",
      { metadata: { "dubbo.metadata.revision": "instance:h:1:0" } },
      /no usable revision/,
    ],
    ["a revision with a slash", { metadata: { "dubbo.metadata.revision": "../x" } }, /no usable revision/],
  ])("%s", (_, changes, message) => {
    const reading = readInstance({ id: "i", address: "10.0.0.1", port: 1, metadata: METADATA, ...changes });
    expect(reading).toMatchObject({ type: "fault", message: expect.stringMatching(message) });
  });
});

describe("metadata that cannot be read is as if it were missing:", () => {
  test.each([
    ["no JSON", "{"],
    ["another shape", "[1,2]"],
    ["a hostile port", '{"port":"99999999","protocol":"dubbo"}'],
    ["1 MB", `{"port":"1","x":"${"y".repeat(1 << 20)}"}`],
  ])("%s", (_, text) => {
    const metadata = { ...METADATA, "dubbo.metadata-service.url-params": text, "dubbo.endpoints": text };
    const reading = readInstance({ id: "i", address: "h", port: 1, metadata });
    expect(reading).toMatchObject({ instance: { metadata: undefined, ports: [] } });
  });
});

test("Spring Cloud's instances and empty nodes are others", () => {
  const spring = {
    address: "h",
    port: 1,
    payload: { "@class": "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance" },
  };
  expect(readInstanceNode("u", new TextEncoder().encode(JSON.stringify(spring))).type).toBe("other");
  expect(readInstanceNode("u", new Uint8Array(0)).type).toBe("other");
  expect(saysApplicationLevel({ "management.port": "1" })).toBe(false);
});

test("a node that is no instance is a fault", () => {
  expect(readInstanceNode("h:1", new TextEncoder().encode("{"))).toMatchObject({ type: "fault" });
});

test("a service that says no port is called at the endpoint of its protocol, else at the instance's own", () => {
  const metadata = { ...METADATA, "dubbo.endpoints": '[{"port":50051,"protocol":"tri"},{"port":0,"protocol":"x"},5]' };
  const reading = readInstance({ id: "i", address: "h", port: 20880, metadata });
  const instance = reading.type === "instance" ? reading.instance : undefined;
  expect([portFor(instance!, "tri"), portFor(instance!, "dubbo")]).toEqual([50051, 20880]);
});

test("an instance that says no revision has one of its own where it says whom to ask, and a new one when it is registered anew", () => {
  const metadata = { "dubbo.metadata-service.url-params": '{"dubbo":{"port":"20881"}}' };
  const revisionAt = (registeredAtMs?: number) => {
    const since = registeredAtMs === undefined ? {} : { registeredAtMs };
    const reading = readInstance({ id: "i", address: "10.0.0.1", port: 1, metadata, ...since });
    return reading.type === "instance" ? reading.instance.revision : "";
  };
  expect([revisionAt(), revisionAt(5)]).toEqual(["instance:10.0.0.1:1:0", "instance:10.0.0.1:1:5"]);
  expect([isLoneRevision(revisionAt()), isLoneRevision("0"), isLoneRevision("ab12")]).toEqual([true, false, false]);
  const silent = readInstance({ id: "i", address: "h", port: 1, metadata: { "dubbo.endpoints": "[]" } });
  expect(silent).toMatchObject({ instance: { revision: "" } });
});

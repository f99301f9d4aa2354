import { expect, test } from "vitest";
import { plainEndpoint } from "../../../../src/model/entry.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";
import { toAerakiEntry } from "../../../../src/registry-sync/entries/aeraki.ts";

const entryWith = (protocol: string) => ({
  host: "com.acme.a",
  service: parseServiceKey("com.acme.A"),
  endpoints: [
    plainEndpoint({ address: "10.0.0.1", port: 20880, protocol, weight: 100, params: { version: "v1" }, origin: "zk" }),
  ],
});

test("Dubbo2's port has the name that Aeraki looks for, at the service and at its endpoints", () => {
  const { metadata, spec } = toAerakiEntry(entryWith("dubbo"), "trestle");
  expect(spec.ports).toEqual([{ number: 20880, name: "tcp-metaprotocol-dubbo", protocol: "TCP" }]);
  expect(spec.endpoints[0]!.ports).toEqual({ "tcp-metaprotocol-dubbo": 20880 });
  expect(metadata.annotations["interface"]).toBe("com.acme.A");
});

test("the ports of other protocols keep their names", () => {
  expect(toAerakiEntry(entryWith("tri"), "trestle").spec.ports[0]!.name).toBe("grpc-tri");
});

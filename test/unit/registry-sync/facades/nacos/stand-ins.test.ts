import { expect, test } from "vitest";
import { type NacosBody, parseBody } from "../../../../../src/codecs/nacos/body.ts";
import { decodePayload, encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { isRegistering, standInMessage } from "../../../../../src/registry-sync/facades/nacos/stand-ins.ts";

const inbound = [{ listen: { host: "10.0.0.5", port: 90 }, to: { host: "10.0.0.1", port: 80 }, protocol: "http" }];
const context = (takes = true) => ({ inbound, takes: () => takes });
const message = (type: string, body: NacosBody) =>
  encodePayload({ type, headers: new Map([["accessToken", "t"]]), body: JSON.stringify(body) });
const instance = (ip: string) => ({ ip, port: 80, metadata: {} });
const bodyOf = (bytes: Buffer) => parseBody(decodePayload(bytes).body);

test("one instance, and each of a batch, is at the proxy in front of it", () => {
  const one = standInMessage(
    message("InstanceRequest", { serviceName: "s", instance: instance("10.0.0.1") }),
    context(),
  );
  expect(one.isMovable).toBe(true);
  expect(bodyOf(one.message)).toMatchObject({ serviceName: "s", instance: { ip: "10.0.0.5", port: 90 } });
  expect(decodePayload(one.message).headers.get("accessToken")).toBe("t");
  const instances = [instance("10.0.0.2"), instance("10.0.0.1")];
  const batch = standInMessage(message("BatchInstanceRequest", { serviceName: "s", instances }), context());
  expect(bodyOf(batch.message)["instances"]).toMatchObject([{ ip: "10.0.0.2" }, { ip: "10.0.0.5" }]);
  expect(Object.hasOwn(bodyOf(batch.message), "instance")).toBe(false);
});

test("what stays as it came is the client's own message; it may be moved where only take and pass forbid it", () => {
  const own = message("InstanceRequest", { serviceName: "s", instance: instance("10.0.0.1") });
  expect(standInMessage(own, context(false))).toMatchObject({ message: own, isMovable: true });
  const other = message("InstanceRequest", { serviceName: "s", instance: instance("10.0.0.2") });
  expect(standInMessage(other, context())).toMatchObject({ message: other, isMovable: false });
  for (const type of ["PersistentInstanceRequest", "SubscribeServiceRequest"]) {
    const passing = message(type, { serviceName: "s", instance: instance("10.0.0.1") });
    expect(standInMessage(passing, context())).toMatchObject({ message: passing, isMovable: false });
    expect(isRegistering(type)).toBe(false);
  }
});

import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { encodeEurekaBody } from "../../../../../src/codecs/eureka/body.ts";
import type { EurekaFormat, RawInstance } from "../../../../../src/codecs/eureka/document.ts";
import { parseEurekaJson } from "../../../../../src/codecs/eureka/json.ts";
import { parseEurekaXml } from "../../../../../src/codecs/eureka/xml.ts";
import { InOrder } from "../../../../../src/registry-sync/facades/eureka/in-order.ts";
import { EurekaStandIns } from "../../../../../src/registry-sync/facades/eureka/stand-ins.ts";
import { rawInstance } from "../../../../support/eureka-documents.ts";
import { turn } from "../../../../support/recording-logger.ts";

const orders = rawInstance({ app: "orders", host: "10.0.0.1", port: 8080 });
const id = "10.0.0.1:orders:8080";
const at = { key: `ORDERS/${id}`, app: "ORDERS", path: "/apps/ORDERS" };
const inbound = [{ listen: { host: "10.0.0.5", port: 8090 }, to: { host: "10.0.0.1", port: 8080 }, protocol: "http" }];

function registers(instance: RawInstance, format: EurekaFormat = "json", authorization = "Basic YTpi") {
  return {
    ...{ method: "POST", url: "/eureka/apps/ORDERS", address: "10.1.0.1" },
    headers: { "content-type": `application/${format}`, authorization },
    body: encodeEurekaBody({ kind: "instance", instance }, format),
  };
}

function stage() {
  const clock = new ManualClock();
  const given = { inbound, takes: true, status: 204, held: undefined as RawInstance | undefined };
  const asked: { method: string; path: string; place: string; authorization: string | undefined }[] = [];
  const standIns = new EurekaStandIns({
    registering: () => ({ inbound: given.inbound, takes: () => given.takes }),
    async ask({ method, body, headers }, path) {
      const place = method === "POST" ? placeIn(body, `${headers["content-type"]}`) : "";
      asked.push({ method, path, place, authorization: headers.authorization });
      if (given.status === 0) throw new TransientError("gone");
      const bytes = given.held && encodeEurekaBody({ kind: "instance", instance: given.held }, "json");
      if (method === "GET")
        return { status: bytes ? 200 : 404, type: "application/json", body: bytes ?? Buffer.alloc(0) };
      return { status: given.status, type: undefined, body: Buffer.alloc(0) };
    },
    inOrder: new InOrder(),
    clock,
  });
  const register = (request = registers(orders)) => {
    const registration = standIns.registration(request, at);
    registration.taken();
    return placeIn(registration.request.body, request.headers["content-type"]);
  };
  const renew = (authorization = "Basic YTpi") =>
    standIns.mustRegister(
      { ...registers(orders), headers: { authorization }, method: "PUT" },
      at.key,
      `/apps/ORDERS/${id}`,
    );
  return { clock, given, asked, standIns, register, renew };
}

function placeIn(body: Buffer, type: string): string {
  const document = type.includes("xml") ? parseEurekaXml(body.toString()) : parseEurekaJson(body.toString());
  if (document.kind !== "instance") throw new Error(document.kind);
  return `${document.instance["ipAddr"]}:${(document.instance["port"] as { $: number }).$}`;
}

test.each(["json", "xml"] as const)(
  "a registration in %s is at the proxy, and moved when that is to be otherwise",
  async (format) => {
    const { given, asked, standIns, register, renew } = stage();
    expect(register(registers(orders, format))).toBe("10.0.0.5:8090");
    expect(await renew("Basic bmV3")).toBe(false);
    expect(asked).toEqual([]);
    given.takes = false;
    standIns.contextChanged();
    await turn();
    expect(asked).toEqual([
      { method: "POST", path: "/apps/ORDERS", place: "10.0.0.1:8080", authorization: "Basic bmV3" },
    ]);
    given.takes = true;
    standIns.contextChanged();
    standIns.contextChanged();
    await turn();
    expect(asked.map(({ place }) => place)).toEqual(["10.0.0.1:8080", "10.0.0.5:8090"]);
  },
);

test("a move that the registry did not take is made when the instance renews", async () => {
  const { given, asked, standIns, register, renew } = stage();
  register();
  given.inbound = [];
  given.status = 0;
  standIns.contextChanged();
  await turn();
  given.status = 500;
  await renew();
  given.status = 204;
  await renew();
  await renew();
  expect(asked.map(({ place }) => place)).toEqual(["10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.1:8080"]);
});

test("metadata that were changed at the registry are moved too; what took itself out, or does not renew, is not", async () => {
  const { clock, given, asked, standIns, register } = stage();
  register();
  standIns.metadata(at.key, new URLSearchParams("colour=green"));
  standIns.metadata("ORDERS/other", new URLSearchParams("colour=green"));
  standIns.gone(at.key);
  given.takes = false;
  standIns.contextChanged();
  await turn();
  expect(asked).toEqual([]);
  register();
  given.takes = true;
  clock.advance(91_000);
  standIns.contextChanged();
  await turn();
  expect(asked).toEqual([]);
});

test("an instance of before is told to register anew where a proxy may stand for it; others are asked for once", async () => {
  const { given, asked, renew } = stage();
  expect(await renew()).toBe(false);
  given.held = orders;
  expect(await renew()).toBe(true);
  given.held = { ...orders, ipAddr: "10.0.0.5", hostName: "10.0.0.5", port: { $: 8090 } };
  expect(await renew()).toBe(true);
  given.held = { ...orders, ipAddr: "10.0.0.2", hostName: "10.0.0.2" };
  expect(await renew()).toBe(false);
  expect(await renew()).toBe(false);
  expect(asked).toHaveLength(4);
  expect(asked[0]).toMatchObject({ method: "GET", path: `/apps/ORDERS/${id}`, authorization: "Basic YTpi" });
});

test("what is no instance of a proxy's passes as it came, and nothing is asked without proxies", async () => {
  const { given, asked, standIns, renew } = stage();
  const other = registers({ ...orders, ipAddr: "10.0.0.2", hostName: "10.0.0.2" });
  expect(standIns.registration(other, at).request).toBe(other);
  const broken = { ...other, body: Buffer.from("{") };
  expect(standIns.registration(broken, at).request).toBe(broken);
  given.inbound = [];
  expect(await renew()).toBe(false);
  expect(asked).toEqual([]);
});

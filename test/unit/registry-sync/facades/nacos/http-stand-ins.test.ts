import { expect, test } from "vitest";
import { HttpStandIns } from "../../../../../src/registry-sync/facades/nacos/http-stand-ins.ts";
import { turn } from "../../../../support/recording-logger.ts";

const place = (protocol: string, port = 90) => ({
  listen: { host: "10.0.0.5", port },
  to: { host: "10.0.0.1", port: 80 },
  protocol,
  identity: "i",
});
const labels = { "security.istio.io/tlsMode": "istio", "trestle.identity": "i" };

function stage(inbound = [place("http")]) {
  const given = { inbound, takes: true, nowMs: 0, status: 200 };
  const sent: string[] = [];
  const standIns = new HttpStandIns({
    registering: () => ({ inbound: given.inbound, takes: () => given.takes }),
    now: () => given.nowMs,
    async send({ method, path }) {
      const query = new URLSearchParams(path.slice(path.indexOf("?")));
      sent.push(`${method} ${query.get("ip")}:${query.get("port")} ${query.get("accessToken")}`);
      return given.status;
    },
  });
  const ask = (
    method: string,
    fields: Record<string, string>,
    { base = "/v1/ns/instance", form = false, taken = true } = {},
  ) => {
    const text = new URLSearchParams(fields).toString();
    const answer = standIns.toServer({
      ...{ method, base, path: `/nacos${base}`, rawQuery: form ? "" : text, address: "10.1.0.1" },
      query: new URLSearchParams(form ? "" : text),
      headers: form ? { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" } : {},
      body: Buffer.from(form ? text : ""),
    });
    if (taken) answer.taken();
    const now = new URLSearchParams(form ? answer.body.toString() : answer.rawQuery);
    return { at: `${now.get("ip")}:${now.get("port")}`, now, instance: answer.instance };
  };
  return { given, sent, standIns, ask };
}

const one = { serviceName: "DEFAULT_GROUP@@s", ip: "10.0.0.1", port: "80" };
const REAL = "10.0.0.1:80";
const PROXY = "10.0.0.5:90";

test.each([false, true])("a registration is at the proxy with what is said of that, also in a form (%s)", (form) => {
  const { ask } = stage();
  const { at, now, instance } = ask("POST", { ...one, metadata: '{"a":"1"}', accessToken: "t" }, { form });
  expect([at, instance]).toEqual([PROXY, PROXY]);
  expect(JSON.parse(now.get("metadata")!)).toEqual({ a: "1", ...labels });
  expect(JSON.parse(ask("POST", { ...one, metadata: "a=1,b=2" }, { form }).now.get("metadata")!)).toMatchObject({
    b: "2",
  });
  expect(JSON.parse(ask("POST", one, { form }).now.get("metadata")!)).toEqual(labels);
});

test("beats, updates and deregistrations are of the instance at the proxy, with or without what it is", () => {
  const { ask } = stage();
  ask("POST", one);
  const beat = { ...one, beat: JSON.stringify({ ip: "10.0.0.1", port: 80, metadata: { a: "1" } }) };
  const full = ask("PUT", beat, { base: "/v1/ns/instance/beat" });
  expect(full.at).toBe(PROXY);
  expect(JSON.parse(full.now.get("beat")!)).toEqual({ ip: "10.0.0.5", port: 90, metadata: { a: "1", ...labels } });
  const { ip: _, port: __, ...bare } = beat;
  expect(JSON.parse(ask("PUT", bare, { base: "/v1/ns/instance/beat" }).now.get("beat")!)).toMatchObject({ port: 90 });
  const update = ask("PUT", { ...one, enabled: "false" });
  expect([update.at, update.now.get("metadata")]).toEqual([PROXY, null]);
  expect(ask("PUT", one, { base: "/v1/ns/health/instance" }).at).toBe(PROXY);
  expect(ask("DELETE", one)).toMatchObject({ at: PROXY, instance: PROXY });
});

test("what stood at its own address is taken out, once; moves put the new one first", async () => {
  const { given, sent, standIns, ask } = stage();
  ask("POST", { ...one, accessToken: "t1" });
  ask("POST", { ...one, accessToken: "t1" });
  expect(sent).toEqual([`DELETE ${REAL} t1`]);
  ask("PUT", { ...one, accessToken: "t2" }, { base: "/v1/ns/instance/beat" });
  given.takes = false;
  standIns.contextChanged();
  standIns.contextChanged();
  await turn();
  expect(sent.splice(1)).toEqual([`POST ${REAL} t2`, `DELETE ${PROXY} t2`]);
  expect(ask("PUT", one, { base: "/v1/ns/instance/beat" }).at).toBe(REAL);
  given.takes = true;
  given.status = 500;
  standIns.contextChanged();
  await turn();
  expect(sent.splice(1)).toEqual([`POST ${PROXY} t2`]);
});

test("what is gone is not moved", async () => {
  const { given, sent, standIns, ask } = stage();
  ask("POST", one);
  ask("DELETE", one);
  ask("POST", { ...one, port: "80" });
  given.nowMs = 31_000;
  given.takes = false;
  standIns.contextChanged();
  await turn();
  expect(sent.filter((text) => text.startsWith("POST"))).toEqual([]);
});

test("an instance of an application stays where its registration left it, though beats say no more", () => {
  const { ask } = stage([place("dubbo")]);
  expect(ask("PUT", one, { base: "/v1/ns/instance/beat" }).at).toBe(PROXY);
  expect(ask("POST", { ...one, metadata: '{"dubbo.metadata.revision":"1"}' }).at).toBe(REAL);
  expect(ask("PUT", one, { base: "/v1/ns/instance/beat" }).at).toBe(REAL);
});

test("everything else passes as it came", () => {
  const { given, ask } = stage();
  expect(ask("POST", { ...one, ip: "10.0.0.2" }).at).toBe("10.0.0.2:80");
  expect(ask("POST", { ...one, ephemeral: "false" }).at).toBe(REAL);
  expect(ask("POST", { ...one, port: "x" })).toMatchObject({ at: "10.0.0.1:x", instance: undefined });
  expect(ask("POST", one, { base: "/v1/cs/configs" }).at).toBe(REAL);
  given.inbound = [];
  expect(ask("DELETE", one)).toMatchObject({ at: REAL, instance: REAL });
});

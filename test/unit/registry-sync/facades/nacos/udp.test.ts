import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createNacosCounters } from "../../../../../src/registry-sync/facades/nacos/counters.ts";
import { printPush, readPush, UdpPushes } from "../../../../../src/registry-sync/facades/nacos/udp.ts";

const INFO = { name: "DEFAULT_GROUP@@orders", hosts: [] };
const SEEN = `{"type":"dom","data":${JSON.stringify(JSON.stringify(INFO))},"lastRefTime":1795247420188123456}`;

test.each([
  ["plain", Buffer.from(SEEN)],
  ["packed", gzipSync(SEEN)],
  [
    "with its time in front",
    Buffer.from(`{"lastRefTime":1795247420188123456,"type":"dom","data":${JSON.stringify(JSON.stringify(INFO))}}`),
  ],
])("a server's push, %s, is read with its time to the last digit", (_name, bytes) => {
  expect(readPush(bytes)).toEqual({ info: INFO, time: "1795247420188123456" });
});

test.each([
  ["nothing", ""],
  ["no json", "dom"],
  ["another type", '{"type":"push-ack","data":"{}","lastRefTime":1}'],
  ["data that is no text", '{"type":"dom","data":{},"lastRefTime":1}'],
  ["data that is no object", '{"type":"dom","data":"[]","lastRefTime":1}'],
])("%s is no push", (_name, text) => {
  expect(readPush(Buffer.from(text))).toBeUndefined();
});

test("a push that unpacks to more than it may is none", () => {
  expect(readPush(gzipSync(Buffer.alloc(8 << 20, 32)))).toBeUndefined();
});

test("a push of ours is read by the same rules, long ones packed", () => {
  const short = printPush(JSON.stringify(INFO), 1_700_000_000_000);
  expect(short.toString()).toContain('"lastRefTime":1700000000000000000}');
  expect(readPush(short)).toEqual({ info: INFO, time: "1700000000000000000" });
  const long = { ...INFO, more: "x".repeat(5_000) };
  const packed = printPush(JSON.stringify(long), 1_700_000_000_000);
  expect(packed.length).toBeLessThan(1_024);
  expect(readPush(packed)?.info).toEqual(long);
});

test("a push that has to wait for the proxies is made once it need not", () => {
  const counters = createNacosCounters();
  const due: (() => void)[] = [];
  const pushes = new UdpPushes({
    ...{ host: "127.0.0.1", counters, now: () => 0, wallNow: () => 0, isServer: () => true },
    later: (act) => void due.push(act),
  });
  const at = { address: "10.1.0.1", port: 9_000, groupName: "DEFAULT_GROUP", clusters: "" };
  let shown: { text: string; json: string } | undefined;
  for (const serviceName of ["orders", "stock"]) pushes.subscribe({ ...at, serviceName, show: () => shown }, "before");
  pushes.contextChanged();
  expect(counters.udpPushes).toBe(0);
  expect(due.length).toBe(1);
  due.shift()!();
  expect(due.length).toBe(1);
  shown = { text: "after", json: "{}" };
  due.shift()!();
  expect(counters.udpPushes).toBe(2);
  expect(due.length).toBe(0);
});

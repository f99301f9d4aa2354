import { expect, test } from "vitest";
import { BlockList } from "../../../../../src/base/block-list.ts";
import { groupedName, readServiceInfo } from "../../../../../src/codecs/nacos/service-info.ts";
import type { ApplicationService } from "../../../../../src/model/application.ts";
import type { Finding } from "../../../../../src/model/entry.ts";
import { NacosApplications } from "../../../../../src/registry-sync/sources/nacos/applications.ts";
import { offered } from "../../../../support/applications.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

const metadata = (revision: string) => ({
  "dubbo.metadata.revision": revision,
  "dubbo.endpoints": '[{"port":20880,"protocol":"dubbo"}]',
});

function applications(known: Readonly<Record<string, readonly ApplicationService[]>> = { r1: [offered("a.B")] }) {
  const revisions = new Map(Object.entries(known));
  const wanted: string[] = [];
  const findings = new BlockList<Finding>();
  const state = new NacosApplications(
    {
      services: (_, revision) => revisions.get(revision),
      failure: (_, revision) => (revision === "broken" ? "no answer" : undefined),
      follow: (name, list) => void wanted.push(`${name}: ${list.map(({ revision }) => revision)}`),
    },
    findings,
  );
  const take = (hosts: readonly object[] | undefined, group = "DEFAULT_GROUP", more: object = {}) => {
    const info = hosts && readServiceInfo({ name: "shop", groupName: group, hosts, ...more }, 100)!.info;
    return state.take(groupedName(group, "shop"), "shop", info);
  };
  const rebuild = () => {
    const touched = new Set<string>();
    return [state.rebuild("shop", touched), [...touched]];
  };
  const offers = () => state.offersOf("a.B").map(({ url }) => `${url.protocol}://${url.host}:${url.port}`);
  return { state, revisions, wanted, findings, take, rebuild, offers };
}

test("Dubbo's instances of a service are an application's, and what their revision has is offered at each", () => {
  const { state, wanted, take, rebuild, offers } = applications();
  take([
    nacosHost("10.0.0.1", 20880, metadata("r1")),
    nacosHost("10.0.0.2", 20880, metadata("r1")),
    nacosHost("a", 80),
  ]);
  expect(rebuild()).toEqual([true, ["a.B"]]);
  expect(state.list.map(({ name, instances }) => `${name} ${instances.map(({ id }) => id)}`)).toEqual([
    "shop 10.0.0.1:20880,10.0.0.2:20880",
  ]);
  expect(offers()).toEqual(["dubbo://10.0.0.1:20880", "dubbo://10.0.0.2:20880"]);
  expect(wanted).toEqual(["shop: r1"]);
});

test("a service without such instances is no application, and one that has none any more is gone", () => {
  const { state, take, rebuild, offers } = applications();
  expect([take([nacosHost("a", 80)]), rebuild(), state.list]).toEqual([false, [false, []], []]);
  take([nacosHost("10.0.0.1", 20880, metadata("r1"))]);
  rebuild();
  expect([take(undefined), rebuild(), state.list, offers()]).toEqual([true, [true, ["a.B"]], [], []]);
});

test("an application in two groups is one; of an instance in both the one that takes calls counts", () => {
  const { state, take, rebuild } = applications();
  take([nacosHost("10.0.0.1", 20880, metadata("r1"), { healthy: false })]);
  take([nacosHost("10.0.0.1", 20880, metadata("r1")), nacosHost("10.0.0.2", 20880, metadata("r1"))], "G1");
  rebuild();
  expect(state.list[0]!.instances.map(({ id, disabled }) => [id, disabled])).toEqual([
    ["10.0.0.1:20880", false],
    ["10.0.0.2:20880", false],
  ]);
});

test("weight and health are Nacos' own", () => {
  const { state, take, rebuild } = applications();
  const off = { weight: 0.5, healthy: false };
  take([
    nacosHost("10.0.0.1", 20880, metadata("r1"), off),
    nacosHost("10.0.0.2", 20880, metadata("r1"), { weight: 0 }),
  ]);
  rebuild();
  expect(state.list[0]!.instances).toMatchObject([
    { weight: 50, disabled: true },
    { weight: 0, disabled: true },
  ]);
  take([nacosHost("10.0.0.1", 20880, metadata("r1"), off)], "DEFAULT_GROUP", { reachProtectionThreshold: true });
  rebuild();
  expect(state.list[0]!.instances).toMatchObject([{ disabled: false }]);
});

test("what says the same changes nothing; a revision that becomes known brings its services", () => {
  const { revisions, take, rebuild, offers } = applications({});
  const one = [nacosHost("10.0.0.1", 20880, metadata("r1"))];
  take(one);
  expect(rebuild()).toEqual([true, []]);
  expect(rebuild()).toEqual([false, []]);
  revisions.set("r1", [offered("a.B")]);
  expect(rebuild()).toEqual([true, ["a.B"]]);
  expect(offers()).toEqual(["dubbo://10.0.0.1:20880"]);
});

test("a revision that can't be had, and an instance that is none, are told of", () => {
  const { findings, take, rebuild } = applications();
  const bad = nacosHost("0.0.0.0", 20880, metadata("r1"));
  take([nacosHost("10.0.0.1", 20880, metadata("broken")), bad]);
  rebuild();
  expect(findings.get().map(({ code }) => code)).toEqual(["TR0123", "TR0107"]);
});

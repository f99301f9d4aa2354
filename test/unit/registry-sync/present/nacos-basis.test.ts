import { expect, test } from "vitest";
import { serviceKey } from "../../../../src/model/service.ts";
import { encodeName } from "../../../../src/registry-sync/dubbo/url.ts";
import { SharedServices } from "../../../../src/registry-sync/facades/nacos/services.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import { NOWHERE } from "../../../../src/registry-sync/present/elsewhere.ts";
import { presentNacosHosts } from "../../../../src/registry-sync/present/nacos.ts";
import { basisOf, readProvidersAsked } from "../../../../src/registry-sync/present/nacos-basis.ts";
import { createZookeeperWorld } from "../../../../src/registry-sync/sources/zookeeper/world.ts";
import { hostOf } from "../../../support/nacos-link.ts";

const NAME = "providers:a.B::";
const QUESTION = { groupName: "DEFAULT_GROUP", serviceName: NAME, clusters: "", ownCluster: "" };
const provider = (address: string, more: Readonly<Record<string, string>> = {}) =>
  hostOf(address, {
    ...{ protocol: "dubbo", path: "a.B", interface: "a.B", application: "shop", methods: "m", timestamp: "1" },
    ...more,
  });
const hosts = [
  provider("10.0.0.1:20880"),
  provider("10.0.0.2:20880", { application: "shop-2" }),
  provider("10.0.0.3:50051", { protocol: "tri", "prefer.serialization": "hessian2" }),
  provider("10.0.0.4:8080", { protocol: "rest" }),
  provider("10.0.0.5:20880", { version: "2.0.0", group: "g" }),
  hostOf("10.0.0.6:20880", {}),
];
const context = (options: Partial<PresentOptions> = {}) =>
  createPresentContext({ addresses: ["10.0.0.9:20880"], triAddresses: ["10.0.0.9:50051"], ...options });

function tagged() {
  const name = encodeName("dubbo://10.0.0.1:20880/a.B?interface=a.B&application=shop&methods=m&timestamp=1");
  const override = encodeName("override://10.0.0.1:20880/a.B?group=*&version=*&dubbo.tag=gray");
  const nodes = { providers: [name], consumers: [], routers: [], configurators: [override] };
  return createZookeeperWorld({ name: "n" }).update({ interfaces: new Map([["a.B", nodes]]) });
}

const all: readonly [string, Partial<PresentOptions>][] = [
  ["another object that says the same", {}],
  ["another proxy", { addresses: ["10.0.0.8:20880"] }],
  ["no proxy", { addresses: [], triAddresses: [] }],
  ["no Triple", { triAddresses: [] }],
  ["a proxy at a provider's address", { addresses: ["10.0.0.1:20880"] }],
  ["a bypass", { bypass: { all: true, services: [] } }],
  ["one service bypassed", { bypass: { all: false, services: ["g/a.B:2.0.0"] } }],
  ["one application taken", { take: { services: ["*"], applications: ["shop"] } }],
  ["a service passed", { pass: ["a.B"] }],
  ["proxies that have not been told", { served: new Set() }],
  ["proxies that have been told of one", { served: new Set(["g/a.B:2.0.0"]) }],
  ["rules that are not applied", { unruled: new Map([["a.B", "too new"]]) }],
  ["known messages", { messages: new Set(["a.B"]) }],
  ["a tag that an override gave", { world: tagged() }],
  ["a service by rules", { ruled: [{ service: serviceKey("a.B", "", "3.0.0"), methods: [] }] }],
  [
    "providers of another registry",
    {
      elsewhere: {
        ...NOWHERE,
        providersOf: () => [
          {
            service: serviceKey("a.B"),
            url: { protocol: "dubbo", host: "10.9.9.9", port: 20880, path: "a.B", params: { interface: "a.B" } },
          },
        ],
      },
    },
  ],
];

test.each(all)("what was shown before is shown on only where it would be now: %s", (_, options) => {
  for (const [, before] of all) {
    const services = new SharedServices(() => Date.now());
    const list = services.share("s", { hosts });
    services.shown(list, QUESTION, context(before), false);
    const { hosts: shown, passed, soon } = services.shown(list, QUESTION, context(options), false);
    expect({ hosts: shown, passed, soon }).toEqual(presentNacosHosts(hosts, QUESTION, context(options)));
  }
});

test("contexts that say the same of a list have one basis; what depends on more has none", () => {
  const asked = readProvidersAsked(NAME, hosts)!;
  expect(basisOf(asked, context())).toBe(basisOf(asked, context()));
  expect(basisOf(asked, context({ take: { services: ["a.*"], applications: ["*"] } }))).toBe(basisOf(asked, context()));
  for (const name of ["a service by rules", "providers of another registry"])
    expect(basisOf(asked, context(all.find(([one]) => one === name)![1]))).toBeUndefined();
  expect(readProvidersAsked("orders", hosts)).toBeUndefined();
  expect(readProvidersAsked("consumers:a.B::", hosts)).toBeUndefined();
});

test("a list that is shown alike under the next context is the same object", () => {
  const services = new SharedServices(() => Date.now());
  const list = services.share("s", { hosts });
  const shown = services.shown(list, QUESTION, context(), false);
  expect(services.shown(list, QUESTION, context(), false)).toBe(shown);
  expect(services.shown(list, QUESTION, context({ messages: new Set(["a.B"]) }), false)).not.toBe(shown);
});

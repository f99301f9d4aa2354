import { describe, expect, test } from "vitest";
import { parseNodeName } from "../../../../src/registry-sync/dubbo/url.ts";
import { ANYBODY, type Asker, speechOf, withSpeech } from "../../../../src/registry-sync/present/asker.ts";
import { createPresentContext, type PresentOptions } from "../../../../src/registry-sync/present/context.ts";
import type { Directory } from "../../../../src/registry-sync/present/directory.ts";
import { isHidden, mayBeVirtual, present } from "../../../../src/registry-sync/present/present.ts";

const providers: Directory = { kind: "providers", path: "/dubbo/com.acme.Order/providers", name: "com.acme.Order" };
const instances: Directory = { kind: "instances", path: "/services/shop", name: "shop" };
const proxies = ["10.0.0.9:20880", "10.0.0.9:20881"];

function name(text: string): string {
  return encodeURIComponent(text);
}

function provider(host: string, more = "", scheme = "dubbo"): string {
  return name(`${scheme}://${host}:20880/com.acme.Order?application=shop&interface=com.acme.Order&pid=1${more}`);
}

function shownOf(names: readonly string[], options: Partial<PresentOptions> = {}, asker: Asker = ANYBODY): string[] {
  const { shown } = present(providers, names, createPresentContext({ addresses: proxies, ...options }), asker);
  return [...shown].map((one) => decodeURIComponent(one));
}

const proxied = (more = "") =>
  proxies.map((at) => `dubbo://${at}/com.acme.Order?application=shop&interface=com.acme.Order${more}`);

describe("a list of providers", () => {
  test("one URL per proxy address stands for all providers of a service", () => {
    expect(shownOf([provider("10.0.0.2"), provider("10.0.0.3", "&weight=3")])).toEqual(proxied());
  });

  test("each group and version has its own", () => {
    const names = [provider("10.0.0.2", "&group=g&version=1"), provider("10.0.0.3", "&group=g&version=2")];
    expect(shownOf(names)).toEqual([
      ...proxies.map(
        (at) => `dubbo://${at}/com.acme.Order?application=shop&group=g&interface=com.acme.Order&version=1`,
      ),
      ...proxies.map(
        (at) => `dubbo://${at}/com.acme.Order?application=shop&group=g&interface=com.acme.Order&version=2`,
      ),
    ]);
  });

  const tagged = (tag: string) =>
    proxies.map((at) => `dubbo://${at}/com.acme.Order?application=shop&dubbo.tag=${tag}&interface=com.acme.Order`);
  test.each<[string, string[], string[]]>([
    ["one tag beside none", ["", "&dubbo.tag=gray"], [...proxied(), ...tagged("gray")]],
    ["the same tag twice", ["&dubbo.tag=gray", "", "&weight=0&dubbo.tag=gray"], [...proxied(), ...tagged("gray")]],
    ["two tags and nothing untagged", ["&dubbo.tag=gray", "&dubbo.tag=blue"], [...tagged("blue"), ...tagged("gray")]],
    ["a tag of a 2.6 provider's defaults", ["&default.dubbo.tag=gray"], tagged("gray")],
    ["a tag that is empty", ["&dubbo.tag="], proxied()],
    ["a provider's label of the name tag", ["&tag=gray"], proxied()],
  ])("each tag has its own, for consumers' tag routers: %s", (_, more, expected) => {
    const names = more.map((one, index) => provider(`10.0.0.${index + 2}`, one));
    expect(shownOf(names)).toEqual(expected);
    expect(shownOf([...names].reverse())).toEqual(expected);
  });

  test("a tagged provider that comes leaves the untagged URLs as they were", () => {
    const plain = [provider("10.0.0.2", "&methods=a"), provider("10.0.0.3", "&methods=b")];
    const before = shownOf(plain);
    expect(shownOf([...plain, provider("10.0.0.4", "&methods=c&dubbo.tag=gray")]).slice(0, 2)).toEqual(before);
  });

  test("version 0.0.0 and none are two, as consumers tell them apart", () => {
    expect(shownOf([provider("10.0.0.2", "&version=0.0.0"), provider("10.0.0.3")])).toHaveLength(4);
  });

  test("nothing is shown of nothing", () => {
    expect(shownOf([])).toEqual([]);
  });

  test("what is shown does not change when a like provider comes or goes, or restarts", () => {
    const one = shownOf([provider("10.0.0.2", "&timestamp=1")]);
    expect(shownOf([provider("10.0.0.3", "&timestamp=2&weight=7"), provider("10.0.0.2", "&timestamp=9")])).toEqual(one);
  });

  test("the order of the registry's names does not matter", () => {
    const names = [provider("10.0.0.2"), provider("10.0.0.3", "&version=2"), provider("10.0.0.4", "", "tri")];
    expect(shownOf([...names].reverse()).sort()).toEqual(shownOf(names).sort());
  });

  test.each<[string, string, string]>([
    ["another protocol", provider("10.0.0.4", "", "rest"), "rest:// is not a protocol that is led through"],
    ["Triple where it is not carried", provider("10.0.0.4", "", "tri"), "tri:// is not a protocol that is led through"],
    ["a name that is no URL", "rubbish", "url has no protocol"],
    ["a broken escape", "%zz", "node name has a broken percent escape"],
    [
      "a URL of another interface",
      name("dubbo://10.0.0.2:1/x?interface=com.acme.Pay"),
      "its url names another interface",
    ],
    ["a URL without a port", name("dubbo://10.0.0.2/com.acme.Order"), "its url has no host and port"],
    ["a provider behind TLS", provider("10.0.0.4", "&ssl-enabled=true"), "it takes TLS connections alone"],
    ["a provider that asks for broadcast", provider("10.0.0.4", "&cluster=broadcast"), "it asks for cluster=broadcast"],
    ["a proxy's own address", provider("10.0.0.9"), "it is a proxy's own address"],
  ])("%s passes unchanged, with its reason", (_, odd, reason) => {
    const { shown, passed } = present(providers, [odd], createPresentContext({ addresses: proxies }));
    expect([...shown]).toEqual([odd]);
    expect(passed.map((one) => one.reason)).toEqual([reason]);
  });

  test("what passes stands beside what is led", () => {
    const tri = provider("10.0.0.4", "", "tri");
    expect(shownOf([provider("10.0.0.2"), tri])).toEqual([decodeURIComponent(tri), ...proxied()]);
  });

  test("a bypass shows the real addresses, all of them", () => {
    const names = [provider("10.0.0.2"), provider("10.0.0.3")];
    expect(shownOf(names, { bypass: { all: true, services: [] } })).toEqual(names.map(decodeURIComponent));
    expect(shownOf(names, { addresses: [] })).toEqual(names.map(decodeURIComponent));
  });

  test("an unlisted address leaves the other", () => {
    expect(shownOf([provider("10.0.0.2")], { addresses: proxies.slice(1) })).toEqual(proxied().slice(1));
  });

  test("IPv6 proxies are written in brackets", () => {
    const [shown] = shownOf([provider("10.0.0.2")], { addresses: ["[fd00::9]:20880"] });
    expect(shown).toContain("dubbo://[fd00::9]:20880/");
    const context = createPresentContext({ addresses: ["[fd00::9]:20880"] });
    expect(mayBeVirtual(providers, name(shown ?? ""), context)).toBe(true);
  });

  test("a broadcasting consumer of that group and version is shown the providers", () => {
    const reading = parseNodeName(
      name("consumer://10.0.0.1/com.acme.Order?cluster=broadcast&interface=com.acme.Order&version=1"),
    );
    if (reading.type === "fault") throw new Error(reading.message);
    const names = [provider("10.0.0.2", "&version=1"), provider("10.0.0.3", "&version=2")];
    const shown = shownOf(names, {}, { ...ANYBODY, unled: [reading.url] });
    expect(shown[0]).toBe(decodeURIComponent(names[0] ?? ""));
    expect(shown.slice(1).every((one) => one.includes("10.0.0.9") && one.endsWith("version=2"))).toBe(true);
  });

  test("a thousand malformed names make twenty notes", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `rubbish${index}`);
    const { shown, passed } = present(providers, names, createPresentContext({ addresses: proxies }));
    expect(shown.size).toBe(1_000);
    expect(passed).toHaveLength(20);
  });
});

describe("with proxies that carry Triple", () => {
  const tri = ["10.0.0.9:50051", "10.0.0.9:50052"];
  const both = { triAddresses: tri };
  const consumer = (text: string): Asker => {
    const reading = parseNodeName(name(text));
    if (reading.type === "fault") throw new Error(reading.message);
    return { unled: [], speaks: withSpeech(ANYBODY.speaks, speechOf(reading.url)) };
  };
  const asksTri = consumer("consumer://10.0.0.1/com.acme.Order?protocol=tri&release=3.3.6");
  const asksAny = consumer("consumer://10.0.0.1/com.acme.Order?release=3.3.6");
  const asks27 = consumer("consumer://10.0.0.1/com.acme.Order?release=2.7.23");
  const triple = (more = "") =>
    tri.map((at) => `tri://${at}/com.acme.Order?application=shop&interface=com.acme.Order${more}`);
  const bridged = "&prefer.serialization=hessian2&serialization=hessian2&weight=0";
  const dubboOnly = [provider("10.0.0.2", "&prefer.serialization=fastjson2,hessian2")];
  const tripleOnly = [provider("10.0.0.2", "", "tri")];
  const native = "&prefer.serialization=hessian2,fastjson2";

  test.each<[string, string[], Asker, string[]]>([
    ["Dubbo2 providers, to anybody", dubboOnly, ANYBODY, proxied(native)],
    ["Dubbo2 providers, to 2.7", dubboOnly, asks27, proxied(native)],
    ["Dubbo2 providers, to 3.3", dubboOnly, asksAny, proxied(native)],
    ["Dubbo2 providers, to one that asks for Triple", dubboOnly, asksTri, [...proxied(native), ...triple(bridged)]],
    ["Triple providers, to anybody", tripleOnly, ANYBODY, [...proxied(bridged), ...triple()]],
    ["Triple providers, to 2.7", tripleOnly, asks27, proxied(bridged)],
    ["providers of both, to 2.7", [...tripleOnly, ...dubboOnly], asks27, proxied(native)],
    [
      "Triple providers whose calls are bare protobuf, to 2.7",
      [provider("10.0.0.2", "&proxy=nativestub", "tri")],
      asks27,
      triple("&proxy=nativestub"),
    ],
    ["Triple providers, to 3.3", tripleOnly, asksAny, triple()],
    ["Triple providers, to one that asks for Triple", tripleOnly, asksTri, triple()],
    ["providers of both", [...tripleOnly, ...dubboOnly], asksTri, [...proxied(native), ...triple()]],
    [
      "Triple providers whose calls are bare protobuf",
      [provider("10.0.0.2", "&proxy=nativestub", "tri")],
      ANYBODY,
      triple("&proxy=nativestub"),
    ],
    [
      "Triple providers of which one can be called from Dubbo2",
      [provider("10.0.0.2", "&proxy=nativestub", "tri"), provider("10.0.0.3", "&methods=a", "tri")],
      ANYBODY,
      [...proxied(`&methods=a${bridged}`), ...triple("&methods=a")],
    ],
  ])("%s", (_, names, asker, expected) => {
    expect(shownOf(names, both, asker)).toEqual(expected);
    expect(shownOf([...names].reverse(), both, asker)).toEqual(expected);
  });

  test("a Triple provider whose calls are bare protobuf is shown in Dubbo2 once the proxy knows its messages", () => {
    const names = [provider("10.0.0.2", "&proxy=nativestub", "tri")];
    const known = { ...both, messages: new Set(["com.acme.Order"]) };
    expect(shownOf(names, known, asks27)).toEqual(proxied(bridged));
  });

  test("a Triple provider whose calls name another service than the interface passes unchanged", () => {
    const [proto, below] = ["acme.Order", "ctx/com.acme.Order"].map((path) =>
      name(`tri://10.0.0.2:50051/${path}?application=shop&interface=com.acme.Order`),
    );
    const { shown, passed } = present(
      providers,
      [proto!, below!],
      createPresentContext({ addresses: proxies, ...both }),
    );
    expect([...shown]).toEqual([proto, below]);
    expect(passed.map(({ reason }) => reason)).toEqual([
      "its calls name acme.Order, not the interface",
      "its calls name ctx/com.acme.Order, not the interface",
    ]);
  });

  test("a Dubbo2 provider below a context path is shown in Triple by its interface", () => {
    const below = name("dubbo://10.0.0.2:20880/ctx/com.acme.Order?application=shop&interface=com.acme.Order");
    expect(shownOf([below], both, asksTri).slice(2)).toEqual(triple(bridged));
  });

  test("a tag that only Triple providers have is shown in Dubbo2 beside the others", () => {
    const names = [provider("10.0.0.2"), provider("10.0.0.3", "&dubbo.tag=gray", "tri")];
    const gray = (at: string, more = "") =>
      `${at}/com.acme.Order?application=shop&dubbo.tag=gray&interface=com.acme.Order${more}`;
    expect(shownOf(names, both)).toEqual([
      ...proxied(),
      ...proxies.map((at) => `dubbo://${gray(at, bridged)}`),
      ...tri.map((at) => `tri://${gray(at)}`),
    ]);
  });

  test("while no proxy of a protocol serves, what it would carry is shown as it is", () => {
    expect(shownOf(tripleOnly, { triAddresses: [] })).toEqual(tripleOnly.map(decodeURIComponent));
    expect(shownOf(dubboOnly, { addresses: [], ...both }, asksTri)).toEqual(dubboOnly.map(decodeURIComponent));
    expect(shownOf(dubboOnly, { triAddresses: [] }, asksTri)).toEqual(proxied(native));
    expect(shownOf(tripleOnly, { addresses: [], ...both })).toEqual(triple());
    expect(shownOf(tripleOnly, { addresses: [], ...both }, asks27)).toEqual(triple());
  });

  test("a bypass shows the real addresses, and other protocols pass as ever", () => {
    const names = [...tripleOnly, ...dubboOnly, provider("10.0.0.2", "", "rest")];
    expect(shownOf(names, { ...both, bypass: { all: true, services: [] } })).toEqual(names.map(decodeURIComponent));
    expect(shownOf(names, both)[0]).toContain("rest://10.0.0.2:20880/");
  });

  test("a Triple provider is hidden, names at either kind of address may be ours", () => {
    const context = createPresentContext({ addresses: proxies, ...both });
    expect(isHidden(providers, provider("10.0.0.2", "", "tri"), context)).toBe(true);
    expect(mayBeVirtual(providers, name("tri://10.0.0.9:50051/com.acme.Order"), context)).toBe(true);
    expect(mayBeVirtual(providers, name("tri://10.0.0.9:20880/com.acme.Order"), context)).toBe(false);
    const own = name("dubbo://10.0.0.9:50051/com.acme.Order?interface=com.acme.Order");
    expect(present(providers, [own], context).passed.map(({ reason }) => reason)).toEqual([
      "it is a proxy's own address",
    ]);
  });
});

describe("single names", () => {
  const context = createPresentContext({ addresses: proxies });

  test("a provider that is led is hidden, one that passes is not", () => {
    expect(isHidden(providers, provider("10.0.0.2"), context)).toBe(true);
    expect(isHidden(providers, provider("10.0.0.2", "", "tri"), context)).toBe(false);
  });

  test("a name may be one of ours when its address is a proxy's", () => {
    expect(mayBeVirtual(providers, provider("10.0.0.9"), context)).toBe(true);
    expect(mayBeVirtual(providers, provider("10.0.0.2"), context)).toBe(false);
    expect(mayBeVirtual(providers, "rubbish", context)).toBe(false);
    expect(mayBeVirtual(instances, "10.0.0.9:20880", context)).toBe(false);
  });
});

describe("a list of instances", () => {
  test("hides those that the context names, shows the rest", () => {
    const context = {
      ...createPresentContext({ addresses: proxies }),
      hidesInstance: (app: string, one: string) => app === "shop" && one === "10.0.0.2:20880",
    };
    const { shown, virtual } = present(instances, ["10.0.0.2:20880", "10.0.0.3:20880"], context);
    expect([...shown]).toEqual(["10.0.0.3:20880"]);
    expect(virtual.size).toBe(0);
    expect(isHidden(instances, "10.0.0.2:20880", context)).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { serviceKey } from "../../../../src/model/service.ts";
import { speechOf, withSpeech } from "../../../../src/registry-sync/present/asker.ts";
import {
  createPresentContext,
  type PresentOptions,
  type RuledService,
} from "../../../../src/registry-sync/present/context.ts";
import { present } from "../../../../src/registry-sync/present/present.ts";
import { ruledUrls } from "../../../../src/registry-sync/present/ruled.ts";

const directory = { kind: "providers", path: "/dubbo/com.acme.Order/providers", name: "com.acme.Order" } as const;
const plain: RuledService = { service: serviceKey("com.acme.Order"), methods: ["get", "create", "get"] };
const grouped: RuledService = { service: serviceKey("com.acme.Order", "g", "1.0"), methods: [] };

function context(options: Partial<PresentOptions> = {}) {
  return createPresentContext({
    addresses: ["10.0.0.9:20880"],
    triAddresses: ["10.0.0.9:50051"],
    ruled: [plain, grouped],
    ...options,
  });
}

function shownOf(names: readonly string[], options: Partial<PresentOptions> = {}): string[] {
  return [...present(directory, names, context(options)).shown].map((one) => decodeURIComponent(one));
}

const registered = (query: string) =>
  encodeURIComponent(`dubbo://10.0.0.2:20880/com.acme.Order?application=shop&interface=com.acme.Order${query}`);
const ofRule =
  "dubbo://10.0.0.9:20880/com.acme.Order?application=trestle&category=providers&dubbo=2.0.2&interface=com.acme.Order&methods=create,get&prefer.serialization=hessian2&serialization=hessian2&side=provider";
const ofGroup =
  "dubbo://10.0.0.9:20880/com.acme.Order?application=trestle&category=providers&dubbo=2.0.2&group=g&interface=com.acme.Order&prefer.serialization=hessian2&serialization=hessian2&side=provider&version=1.0";

describe("services that exist by rules", () => {
  test("are shown at the proxy in an empty directory, all of them virtual", () => {
    expect(shownOf([])).toEqual([ofRule, ofGroup]);
    const { shown, virtual } = present(directory, [], context());
    expect(virtual).toEqual(shown);
  });

  test.each<[string, string, string[]]>([
    ["a provider of the same key", "", [ofGroup]],
    ["a provider whose version says none", "&version=0.0.0", [ofGroup]],
    ["a provider of the group and version", "&group=g&version=1.0", [ofRule]],
    ["a provider that is disabled", "&disabled=true", [ofGroup]],
  ])("make room for %s", (_, query, expected) => {
    const shown = shownOf([registered(query)]);
    expect(shown.filter((one) => one.includes("application=trestle"))).toEqual(expected);
    expect(shown).toHaveLength(2);
  });

  test.each<[string, Partial<PresentOptions>]>([
    ["no proxy carries dubbo2", { addresses: [] }],
    ["the service is not taken", { take: { services: ["com.other.*"], applications: ["*"] } }],
    ["everything is bypassed", { bypass: { all: true, services: [] } }],
    ["they are of another interface", { ruled: [{ service: serviceKey("com.acme.Stock"), methods: [] }] }],
  ])("are not shown where %s", (_, options) => {
    expect(shownOf([], options)).toEqual([]);
  });

  test("wait until the proxies were told of them", () => {
    const { shown, soon } = present(directory, [], context({ served: new Set(["g/com.acme.Order:1.0"]) }));
    expect([...shown].map((one) => decodeURIComponent(one))).toEqual([ofGroup]);
    expect([...soon]).toEqual(["com.acme.Order"]);
    expect(ruledUrls("com.acme.Order", [], context({ served: new Set() }))).toMatchObject({
      urls: [],
      waiting: [plain.service, grouped.service],
    });
  });

  test("name no methods where a consumer could not read so many", () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `${"m".repeat(95)}${1000 + i}`);
    const listed = (count: number) => shownOf([], { ruled: [{ ...plain, methods: many(count) }] })[0]!;
    expect(listed(600)).toContain("&methods=");
    expect(listed(700)).not.toContain("methods=");
  });

  test("are shown in Triple to who takes nothing else", () => {
    const consumer = {
      protocol: "consumer",
      host: "",
      port: 0,
      path: "",
      params: { protocol: "tri", release: "3.3.6" },
    };
    const asker = { unled: [], speaks: withSpeech([], speechOf(consumer)) };
    const { shown } = present(directory, [], context(), asker);
    const inTriple = [...shown].filter((one) => one.startsWith("tri"));
    expect(inTriple.map((one) => decodeURIComponent(one).split("?")[0])).toEqual([
      "tri://10.0.0.9:50051/com.acme.Order",
      "tri://10.0.0.9:50051/com.acme.Order",
    ]);
  });
});

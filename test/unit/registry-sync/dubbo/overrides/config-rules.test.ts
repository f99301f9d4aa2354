import { describe, expect, test } from "vitest";
import { serviceKey } from "../../../../../src/model/service.ts";
import {
  interfaceOfStem,
  readConfigRule,
  stemsOfService,
} from "../../../../../src/registry-sync/dubbo/overrides/config-rules.ts";

describe("a key of the config centre", () => {
  const rows: readonly (readonly [key: string, text: string, type: string | undefined])[] = [
    ["shop.tag-router", "tags: []", undefined],
    ["shop.condition-router", "conditions:\n - '=> host = 10.0.0.1'", "conditions"],
    ["a.B:1.0.0:g.condition-router", "enabled: true", undefined],
    ["a.B:1.0.0:g.condition-router", "configVersion: v3.9\nconditions: []", "router"],
    ["shop.script-router", "script: x", "router"],
    ["shop.MESHAPPRULE", "kind: VirtualService", "router"],
    ["shop.configurators", "configs: []", "configurators"],
    ["shop.tag-router", "key: shop\nenabled: false\ntags: []", undefined],
    ["shop.affinity-router", "affinityAware: {key: region}", "router"],
    ["shop.tag-router", "tags:\n- {name: x, enabled: false}", "tags"],
    ["shop.tag-router", "tags: [{}]", "router"],
    ["shop.tag-router", "{{ not yaml", "broken"],
    ["shop.condition-router", "conditions: ['== a']", "broken"],
    ["shop.configurators", "{{ not yaml", "broken"],
    ["shop.configurators", '["override://0.0.0.0/a.B?x=1"]', "configurators"],
    ["shop.tag-router", "tags: [{name: x, addresses: ['10.0.0.1:20880']}]", "tags"],
    ["shop.tag-router", "force: true\ntags: [{name: x, addresses: ['10.0.0.1:20880']}]", "tags"],
    ["shop.tag-router", "  \n", undefined],
    ["shop.migration", "step: x", undefined],
    ["dubbo.properties", "x=y", undefined],
    ["tag-router", "tags: []", undefined],
    [".tag-router", "tags: []", undefined],
  ];
  test.each(rows)("%s with %j is a rule of type %s", (key, text, type) => {
    expect(readConfigRule(key, text)?.type).toBe(type);
  });
});

describe("a text that cannot be read", () => {
  const key = "shop.condition-router";
  const good = readConfigRule(key, "conditions: ['=> host = 10.0.0.1']")!;

  test("leaves the last good rule in force, with its fault", () => {
    const kept = readConfigRule(key, "conditions: [", good);
    expect(kept).toEqual({ ...good, fault: "it is no YAML" });
    expect(readConfigRule(key, "conditions: ['== x']", kept)).toMatchObject({
      type: "conditions",
      fault: expect.stringContaining("before") as string,
    });
    expect(readConfigRule(key, "conditions: ['=> host = 10.0.0.1']", kept)).toEqual(good);
    expect(readConfigRule(key, "", kept)).toBeUndefined();
  });

  test("is in force for nobody where nothing was before it", () => {
    const broken = readConfigRule(key, "conditions: [");
    expect(broken).toEqual({ key, stem: "shop", type: "broken", fault: "it is no YAML" });
    expect(readConfigRule(key, "x", broken)).toMatchObject({ type: "broken", fault: "it has no fields" });
  });
});

test("a stem names an interface in both of Dubbo's forms", () => {
  expect(["a.B:1.0.0:g", "a.B::", "a.B", "g*a.B:1.0.0"].map(interfaceOfStem)).toEqual(["a.B", "a.B", "a.B", "a.B"]);
});

test("a service is named by every stem that Dubbo writes for it", () => {
  expect(stemsOfService(serviceKey("a.B", "g", "1.0"))).toEqual(["a.B:1.0:g", "g*a.B:1.0"]);
  expect(stemsOfService(serviceKey("a.B"))).toEqual(["a.B::", "a.B", "a.B:0.0.0:", "a.B:0.0.0"]);
});

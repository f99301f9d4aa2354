import { describe, expect, test } from "vitest";
import { serviceKey } from "../../../../../src/model/service.ts";
import {
  interfaceOfStem,
  readConfigRule,
  stemsOfService,
} from "../../../../../src/registry-sync/dubbo/overrides/config-rules.ts";

describe("a key of the config centre", () => {
  const rows: readonly (readonly [key: string, text: string, type: string | undefined])[] = [
    ["shop.tag-router", "tags: []", "router"],
    ["shop.condition-router", "conditions:\n - '=> host = 10.0.0.1'", "router"],
    ["a.B:1.0.0:g.condition-router", "enabled: true", "router"],
    ["shop.script-router", "script: x", "router"],
    ["shop.MESHAPPRULE", "kind: VirtualService", "router"],
    ["shop.configurators", "configs: []", "configurators"],
    ["shop.tag-router", "key: shop\nenabled: false\ntags: []", undefined],
    ["shop.tag-router", "tags:\n- {name: x, enabled: false}", "router"],
    ["shop.tag-router", "{{ not yaml", "router"],
    ["shop.tag-router", "tags: [{name: x, addresses: ['10.0.0.1:20880']}]", "tags"],
    ["shop.tag-router", "force: true\ntags: [{name: x, addresses: ['10.0.0.1:20880']}]", "router"],
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

test("a stem names an interface in both of Dubbo's forms", () => {
  expect(["a.B:1.0.0:g", "a.B::", "a.B", "g*a.B:1.0.0"].map(interfaceOfStem)).toEqual(["a.B", "a.B", "a.B", "a.B"]);
});

test("a service is named by every stem that Dubbo writes for it", () => {
  expect(stemsOfService(serviceKey("a.B", "g", "1.0"))).toEqual(["a.B:1.0:g", "g*a.B:1.0"]);
  expect(stemsOfService(serviceKey("a.B"))).toEqual(["a.B::", "a.B", "a.B:0.0.0:", "a.B:0.0.0"]);
});

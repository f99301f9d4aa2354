import { describe, expect, test } from "vitest";
import { consumerTakes } from "../../../../src/registry-sync/dubbo/match.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";

function urlOf(text: string): DubboUrl {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

describe("a consumer takes a provider", () => {
  const rows: readonly (readonly [name: string, consumer: string, provider: string, takes: boolean])[] = [
    ["of the same interface", "", "", true],
    ["not of another interface", "", "interface=a.C", false],
    ["of any interface with *", "interface=*", "interface=a.C", true],
    ["of the same group", "group=g", "group=g", true],
    ["not of another group", "group=g", "group=h", false],
    ["not of a group when it names none", "", "group=g", false],
    ["not without a group when it names one", "group=g", "", false],
    ["of any group with *", "group=*", "group=h", true],
    ["without a group with *", "group=*", "", true],
    ["of a group in its list", "group=g,h", "group=h", true],
    ["not of a part of a name in its list", "group=gray,h", "group=gra", false],
    ["of the same version", "version=1.0.0", "version=1.0.0", true],
    ["not of another version", "version=1.0.0", "version=2.0.0", false],
    ["of any version with *", "version=*", "version=2.0.0", true],
    ["not of 0.0.0 when it names none", "", "version=0.0.0", false],
    ["by 2.6's default keys", "default.group=g", "default.group=g", true],
    ["not when it is not enabled", "", "enabled=false", false],
    ["not enabled, when it asks for all", "enabled=*", "enabled=false", true],
    ["of the same classifier", "classifier=x", "classifier=x", true],
    ["not of another classifier", "classifier=x", "classifier=y", false],
    ["of any classifier when it names none", "", "classifier=y", true],
    ["as it stands in the registry", "category=consumers", "", true],
    ["when it lists the category", "category=providers,routers", "category=routers", true],
    ["not of a category that it does not list", "category=providers", "category=routers", false],
    ["not of a category that it takes out", "category=-routers", "category=routers", false],
    ["of a category beside one that it takes out", "category=-routers", "", true],
    ["of any category with *", "category=*", "category=configurators", true],
  ];
  test.each(rows)("%s", (_name, consumer, provider, takes) => {
    expect(
      consumerTakes(urlOf(`consumer://10.0.0.9/a.B?${consumer}`), urlOf(`dubbo://10.0.0.1:20880/a.B?${provider}`)),
    ).toBe(takes);
  });
});

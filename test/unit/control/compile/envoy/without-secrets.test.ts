import { expect, test } from "vitest";
import { noteOrigin, originOf } from "../../../../../src/codecs/xds/origins.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import type { ServedList } from "../../../../../src/codecs/xds/served.ts";
import { withoutSecrets } from "../../../../../src/control/compile/envoy/without-secrets.ts";

const sds = { commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: { ads: {} } }] } };
const files = { commonTlsContext: { validationContext: { trustedCa: { filename: "/ca" } } } };
const plainMatch = { name: "plain", match: { zone: "a" }, transportSocket: { typedConfig: files } };
const cluster = (name: string, more: object) => ({
  name,
  version: "1",
  resource: { name, type: "EDS", edsClusterConfig: {}, ...more },
});
const list = [
  cluster("a", {}),
  cluster("b", { transportSocket: { typedConfig: files } }),
  cluster("c", { transportSocketMatches: [{ transportSocket: { typedConfig: sds } }] }),
  cluster("d", { transportSocket: { typedConfig: sds } }),
  cluster("e", { transportSocketMatches: [{ transportSocket: { typedConfig: sds } }, plainMatch] }),
];
const listener = (name: string, typedConfig: object) => ({
  name,
  version: "1",
  resource: { name, filterChains: [{ transportSocket: { typedConfig } }] },
});
const set = {
  version: "1",
  types: new Map<string, ServedList>([
    [CLUSTER_TYPE, list],
    [ENDPOINT_TYPE, []],
    [LISTENER_TYPE, [listener("l", sds), listener("m", files)]],
  ]),
};

test("what names no secret stays the same object", () => {
  const { types } = withoutSecrets(set).set;
  expect(types.get(CLUSTER_TYPE)?.slice(0, 2)).toEqual(list.slice(0, 2));
  expect(types.get(CLUSTER_TYPE)?.[0]).toBe(list[0]);
  const plain = { ...set, types: new Map([[CLUSTER_TYPE, list.slice(0, 2)]]) };
  expect(withoutSecrets(plain).set.types.get(CLUSTER_TYPE)).toBe(plain.types.get(CLUSTER_TYPE));
});

test("mutual TLS that nobody asked for is left out; where a rule asks for it, nothing goes out unprotected", () => {
  const { types } = withoutSecrets(set).set;
  expect(
    types
      .get(CLUSTER_TYPE)
      ?.slice(2)
      .map(({ resource }) => resource),
  ).toEqual([
    { name: "c", type: "EDS", edsClusterConfig: {} },
    { name: "d", type: "STATIC", loadAssignment: { clusterName: "d" } },
    { name: "e", type: "EDS", edsClusterConfig: {}, transportSocketMatches: [plainMatch] },
  ]);
  expect(types.get(LISTENER_TYPE)?.map(({ name }) => name)).toEqual(["m"]);
});

test("it is said of each, once; the same set gives the same", () => {
  const made = withoutSecrets(set);
  expect(made.findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0715", "d"],
    ["TR0715", "l"],
  ]);
  expect(withoutSecrets(set)).toBe(made);
  expect(made.set.version).not.toBe(set.version);
});

test("a refusal of a cluster that lost its TLS still names its rule", () => {
  const strict = cluster("s", { transportSocket: { typedConfig: sds } });
  noteOrigin(strict.resource, { rule: "strict" });
  const [plain] = withoutSecrets({ version: "1", types: new Map([[CLUSTER_TYPE, [strict]]]) }).set.types.get(
    CLUSTER_TYPE,
  )!;
  expect(plain!.resource).not.toBe(strict.resource);
  expect(originOf(plain!.resource)).toEqual({ rule: "strict" });
});

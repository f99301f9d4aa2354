import { expect, test } from "vitest";
import { CLUSTER_TYPE, LISTENER_TYPE, SECRET_TYPE } from "../../../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../../../src/codecs/xds/served.ts";
import { withCredentials, withServedSecrets } from "../../../../src/control/ca/served-secrets.ts";

const named = (name: string, version = "1") => ({ name, version, resource: { name } });
const set: ServedSet = { version: "v", types: new Map([[CLUSTER_TYPE, [named("c")]]]) };

test("secrets stand beside the rest, in order of names, and change the version", () => {
  const given = { ...set, types: new Map([...set.types, [SECRET_TYPE, [named("gate")]]]) };
  const whole = withServedSecrets(given, [named("ROOTCA"), named("default")]);
  expect(whole.types.get(SECRET_TYPE)!.map(({ name }) => name)).toEqual(["ROOTCA", "default", "gate"]);
  expect(whole.types.get(CLUSTER_TYPE)).toBe(set.types.get(CLUSTER_TYPE));
  expect(whole.version).not.toBe(withServedSecrets(given, [named("ROOTCA"), named("default", "2")]).version);
});

test("the same set and secrets are the same set again, and no secrets change nothing", () => {
  const secrets = [named("default")];
  expect(withServedSecrets(set, secrets)).toBe(withServedSecrets(set, secrets));
  expect(withServedSecrets(set, [])).toBe(set);
});

test("of credentials a client is given those that its listeners ask for and that it may read", () => {
  const [all, nobody] = [() => true, () => false];
  const context = { tlsCertificateSdsSecretConfigs: [{ name: "kubernetes://a" }] };
  const filterChains = [{ transportSocket: { typedConfig: { commonTlsContext: context } } }];
  const listener = { name: "l", version: "1", resource: { name: "l", filterChains } };
  const asking = { version: "v", types: new Map([[LISTENER_TYPE, [listener]]]) } as ServedSet;
  const credentials = ["kubernetes://a", "kubernetes://b"].map((name) => ({ name, version: "1", resource: { name } }));
  const given = withCredentials(asking, credentials, all);
  expect(given.types.get(SECRET_TYPE)?.map(({ name }) => name)).toEqual(["kubernetes://a"]);
  expect(withCredentials(asking, credentials, all)).toBe(given);
  expect(withCredentials(asking, [], all)).toBe(asking);
  expect(withCredentials(asking, credentials, nobody)).toBe(asking);
  const asked: string[] = [];
  const roots = {
    name: "kubernetes://a-cacert",
    version: "1",
    resource: { name: "a", validationContext: {} },
  } as never;
  withCredentials(asking, [...credentials, roots], (name) => asked.push(name) > 0);
  expect(asked).toEqual(["a"]);
});

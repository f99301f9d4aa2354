import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TransientError } from "../../../../src/base/errors.ts";
import { createRulesSource } from "../../../../src/control/kubernetes/rules-source.ts";
import { ApiFailure, type KubernetesApi } from "../../../../src/kubernetes/api.ts";
import { turn } from "../../../support/recording-logger.ts";

const group = { name: "networking.istio.io", versions: [{ version: "v1" }] };
const LIST = "/apis/networking.istio.io/v1/sidecars";
const sidecar = (name: string) => ({ metadata: { name, namespace: "shop", resourceVersion: "5" }, spec: {} });

/** A server with these answers, whose watches stay open. */
function follow(answers: Map<string, unknown>, namespaces: readonly string[] = [], optionalPolicies = false) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      asked.push(path);
      const answer = answers.get(path.split("?")[0]!) ?? new ApiFailure(path, 404, "");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async *lines(_, signal) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
  const source = createRulesSource({ name: "kubernetes://", api, namespaces, clock, optionalPolicies });
  return {
    source,
    asked,
    async pass(ms: number) {
      for (let i = 0; i < 10; i++) await turn();
      clock.advance(ms);
      for (let i = 0; i < 10; i++) await turn();
      clock.advance(50);
    },
  };
}

const served = (items: readonly object[]) =>
  new Map<string, unknown>([
    ["/apis", { groups: [group] }],
    ["/apis/networking.istio.io/v1", { resources: [{ name: "sidecars" }] }],
    [LIST, { metadata: { resourceVersion: "5" }, items }],
  ]);

test("it is loaded when every kind that the server has was read", async () => {
  const { source, pass } = follow(served([sidecar("a"), sidecar("b")]));
  expect(source.current.get().loaded).toBe(false);
  await pass(100);
  expect(source.current.get()).toMatchObject({ loaded: true, rules: [{ name: "a" }, { name: "b" }] });
  expect(source.current.get().findings.map(({ code }) => code)).toEqual(["TR0218"]);
  expect(source.objects()).toHaveLength(2);
  await source.close();
});

test("one that it may not read does not hold up the others; a server that is not there does", async () => {
  const answers = served([]);
  answers.set(LIST, new ApiFailure(LIST, 403, "no"));
  const denied = follow(answers);
  await denied.pass(100);
  expect(denied.source.current.get().loaded).toBe(true);
  expect(denied.source.current.get().findings.map(({ code }) => code)).toEqual(["TR0205", "TR0218"]);
  await denied.source.close();
  const gone = follow(new Map([["/apis", new TransientError("connect ECONNREFUSED")]]));
  await gone.pass(100);
  expect(gone.source.current.get()).toMatchObject({ loaded: false, rules: [] });
  expect(gone.source.current.get().findings.map(({ code }) => code)).toEqual(["TR0217"]);
  await gone.source.close();
});

test("what was read stays while nobody answers, and while a kind is missed once; it goes when it is missed again", async () => {
  const answers = served([sidecar("a")]);
  const { source, pass } = follow(answers);
  await pass(100);
  const groups = answers.get("/apis");
  answers.set("/apis", new TransientError("connect ECONNREFUSED"));
  await pass(10_000);
  expect(source.current.get().rules).toHaveLength(1);
  expect(source.current.get().findings.map(({ code }) => code)).toContain("TR0217");
  answers.set("/apis", { groups: [] });
  await pass(2_000);
  expect(source.current.get().rules).toHaveLength(1);
  await pass(10_000);
  expect(source.current.get().rules).toHaveLength(0);
  answers.set("/apis", groups);
  await pass(10_000);
  await pass(100);
  expect(source.current.get().rules).toHaveLength(1);
  await source.close();
});

test("of namespaces that are named, lists are asked for apart", async () => {
  const answers = served([]);
  for (const one of ["shop", "legacy"])
    answers.set(`/apis/networking.istio.io/v1/namespaces/${one}/sidecars`, {
      metadata: { resourceVersion: "5" },
      items: one === "shop" ? [sidecar("a")] : [],
    });
  const { source, pass } = follow(answers, ["shop", "legacy"]);
  await pass(100);
  expect(source.current.get()).toMatchObject({ loaded: true, rules: [{ name: "a" }] });
  await source.close();
});

const POLICIES = "authorizationpolicies.security.istio.io";
const POLICY_LIST = "/apis/security.istio.io/v1/authorizationpolicies";
const DEFINITION = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${POLICIES}`;
const security = () =>
  new Map<string, unknown>([
    ["/apis", { groups: [{ name: "security.istio.io", versions: [{ version: "v1" }] }] }],
    ["/apis/security.istio.io/v1", { resources: [{ name: "authorizationpolicies" }] }],
    [POLICY_LIST, { metadata: { resourceVersion: "5" }, items: [sidecar("nobody")] }],
  ]);
const codes = (source: { readonly current: { get(): { readonly findings: readonly { code: string }[] } } }) =>
  source.current.get().findings.map(({ code }) => code);

test("policies that may not be read hold everything up, unless they are optional", async () => {
  const answers = security();
  const policies = answers.get(POLICY_LIST);
  answers.set(POLICY_LIST, new ApiFailure(POLICY_LIST, 403, "no"));
  const { source, pass } = follow(answers);
  await pass(100);
  expect(source.current.get().loaded).toBe(false);
  expect(source.current.get().findings[0]).toMatchObject({
    code: "TR0205",
    message: expect.stringContaining("no rule of the cluster is taken up before"),
  });
  answers.set(POLICY_LIST, policies);
  await pass(10_000);
  await pass(100);
  expect(source.current.get()).toMatchObject({ loaded: true, rules: [{ name: "nobody" }] });
  // What is lost later takes nothing away.
  await source.close();
  answers.set(POLICY_LIST, new ApiFailure(POLICY_LIST, 403, "no"));
  const optional = follow(answers, [], true);
  await optional.pass(100);
  expect(optional.source.current.get().loaded).toBe(true);
  await optional.source.close();
});

test.each([
  ["is defined", { metadata: {} }, [false, false, false], ["TR0249", "TR0218"]],
  ["may not be asked for, and is missed twice", new ApiFailure(DEFINITION, 403, "no"), [false, true, true], ["TR0218"]],
  ["has no definition", undefined, [true, true, true], ["TR0218"]],
])("a kind of security that is not listed at the start and %s", async (_name, definition, loaded, told) => {
  const answers = served([]);
  if (definition !== undefined) answers.set(DEFINITION, definition);
  const { source, pass } = follow(answers);
  for (const [i, is] of loaded.entries()) {
    await pass(i === 0 ? 100 : 2_000);
    expect(source.current.get().loaded).toBe(is);
  }
  expect(codes(source)).toEqual(told);
  await source.close();
});

test.each([
  ["its definition is there", { metadata: {} }, 1],
  ["its definition may not be asked for", new ApiFailure(DEFINITION, 403, "no"), 1],
  ["it has no definition any more", undefined, 0],
])("policies of a kind that is not listed any more, and %s", async (_name, definition, left) => {
  const answers = security();
  const { source, pass } = follow(answers);
  await pass(100);
  expect(source.current.get().rules).toHaveLength(1);
  answers.set("/apis", { groups: [] });
  if (definition !== undefined) answers.set(DEFINITION, definition);
  for (let i = 0; i < 4; i++) await pass(10_000);
  expect(source.current.get().rules).toHaveLength(left);
  expect(codes(source).includes("TR0249")).toBe(left === 1);
  await source.close();
});

test("a definition that nobody answers for holds up what hangs on it alone, is told, and is asked for ever less", async () => {
  const answers = served([sidecar("a")]);
  answers.set(DEFINITION, new ApiFailure(DEFINITION, 500, "etcd is away"));
  const { source, pass, asked } = follow(answers);
  await pass(100);
  // What the server has of others is read meanwhile, but half of the rules is not in force.
  expect(source.objects()).toHaveLength(1);
  expect(source.current.get()).toMatchObject({ loaded: false, rules: [] });
  const told = source.current.get().findings;
  expect(told.map(({ code }) => code)).toEqual(["TR0249", "TR0217", "TR0218"]);
  expect(told[0]?.message).toContain("was not answered: no rule of the cluster is taken up before");
  expect(told[1]?.message).toContain("etcd is away");
  const times = () => asked.filter((path) => path === DEFINITION).length;
  expect(times()).toBe(1);
  for (let s = 0; s < 34; s++) await pass(1_000);
  // After 2, 4, 8 and then each 10 s.
  expect(times()).toBeGreaterThan(4);
  expect(times()).toBeLessThan(7);
  answers.delete(DEFINITION);
  await pass(10_000);
  await pass(100);
  expect(source.current.get()).toMatchObject({ loaded: true, rules: [{ name: "a" }] });
  expect(codes(source)).toEqual(["TR0218"]);
  await source.close();
});

test("policies that are in force stay while nobody answers whether their kind is gone, and other kinds are followed", async () => {
  const answers = security();
  const { source, pass } = follow(answers);
  await pass(100);
  for (const [path, answer] of served([sidecar("late")])) answers.set(path, answer);
  answers.set(DEFINITION, new ApiFailure(DEFINITION, 401, "who is it"));
  for (let i = 0; i < 4; i++) await pass(10_000);
  expect(source.current.get().rules.map(({ name }) => name)).toEqual(["nobody", "late"]);
  expect(codes(source)).toEqual(["TR0249", "TR0217", "TR0218"]);
  await source.close();
});

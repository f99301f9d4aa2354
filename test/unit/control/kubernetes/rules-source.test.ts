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
function follow(answers: Map<string, unknown>, namespaces: readonly string[] = []) {
  const clock = new ManualClock();
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      const answer = answers.get(path.split("?")[0]!) ?? new ApiFailure(path, 404, "");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async *lines(_, signal) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
  const source = createRulesSource({ name: "kubernetes://", api, namespaces, clock });
  return {
    source,
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

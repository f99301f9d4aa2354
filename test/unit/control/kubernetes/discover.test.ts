import { expect, test } from "vitest";
import { askAbsence, discover } from "../../../../src/control/kubernetes/discover.ts";
import { ApiFailure } from "../../../../src/kubernetes/api.ts";

const { signal } = new AbortController();

/** A server that has these answers. */
const server = (answers: Readonly<Record<string, unknown>>) => ({
  async get(path: string) {
    const answer = answers[path];
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw new ApiFailure(path, 404, "");
    return answer;
  },
});

const groups = {
  groups: [{ name: "networking.istio.io", versions: [{ version: "v1alpha3" }, { version: "v1" }] }],
};

test("a kind is taken in the best version that has it; a group that went meanwhile has none", async () => {
  const found = await discover(
    server({
      "/apis": groups,
      "/apis/networking.istio.io/v1": { resources: [{ name: "virtualservices" }] },
      "/apis/networking.istio.io/v1alpha3": { resources: [{ name: "virtualservices" }, { name: "sidecars" }] },
    }),
    signal,
  );
  expect([...found].map(([name, { version }]) => `${name} ${version}`)).toEqual([
    "virtualservices.networking.istio.io v1",
    "sidecars.networking.istio.io v1alpha3",
  ]);
  expect((await discover(server({ "/apis": groups }), signal)).size).toBe(0);
});

test("any other failure is told", async () => {
  const broken = server({ "/apis": groups, "/apis/networking.istio.io/v1": new ApiFailure("/x", 503, "starting") });
  await expect(discover(broken, signal)).rejects.toThrow("503: starting");
});

test.each([
  [{ metadata: {} }, "defined"],
  [undefined, "certain"],
  [new ApiFailure("/x", 403, "no"), "unknown"],
])("what a definition's answer %j says", async (answer, absence) => {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/a.b";
  expect(await askAbsence(server({ [path]: answer }), "a.b", signal)).toBe(absence);
  await expect(askAbsence(server({ [path]: new ApiFailure(path, 500, "") }), "a.b", signal)).rejects.toThrow("500");
});

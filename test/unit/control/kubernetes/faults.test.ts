import { expect, test } from "vitest";
import { TransientError } from "../../../../src/base/errors.ts";
import { SourceFaults } from "../../../../src/control/kubernetes/faults.ts";
import { nameOfResource, RULE_RESOURCES } from "../../../../src/control/kubernetes/kinds.ts";
import { ApiFailure } from "../../../../src/kubernetes/api.ts";

const all = new Set(RULE_RESOURCES.map(nameOfResource));
const sidecars = "sidecars.networking.istio.io";
const denied = new ApiFailure(
  "/apis/networking.istio.io/v1/sidecars",
  403,
  'sidecars.networking.istio.io is forbidden: User "system:serviceaccount:mesh:trestle" cannot list resource "sidecars" in API group "networking.istio.io" at the cluster scope',
);

test("what is refused is told with who, the verb and the role that is missing", () => {
  const faults = new SourceFaults("kubernetes://");
  faults.served(all);
  expect(faults.failed(sidecars, denied)).toBe(true);
  expect(faults.failed(sidecars, denied)).toBe(false);
  expect(faults.isRefused(sidecars)).toBe(true);
  expect(faults.findings()).toEqual([
    {
      code: "TR0205",
      severity: "error",
      at: "kubernetes://",
      message:
        "system:serviceaccount:mesh:trestle may not list sidecars.networking.istio.io in the cluster; a role for it needs the verbs get, list and watch of sidecars.networking.istio.io",
    },
  ]);
  expect(faults.worked(sidecars)).toBe(true);
  expect(faults.findings()).toEqual([]);
});

test("a server out of reach is one finding, whatever was asked for", () => {
  const faults = new SourceFaults("kubernetes://");
  faults.served(all);
  faults.failed(sidecars, new TransientError("/apis: connect ECONNREFUSED"));
  faults.failed("others", new TransientError("/apis: connect ECONNREFUSED"));
  expect(faults.isRefused(sidecars)).toBe(false);
  const [told, ...others] = faults.findings();
  expect(others).toEqual([]);
  expect(told).toMatchObject({
    code: "TR0217",
    message: expect.stringContaining("what was read before stays in force"),
  });
  expect(faults.has("others")).toBe(true);
});

test("before anything was read there is nothing that stays in force", () => {
  const faults = new SourceFaults("kubernetes://");
  faults.served(all);
  faults.failed(sidecars, new TransientError("/apis: connect ECONNREFUSED"));
  expect(faults.findings(new Set()).map(({ message }) => message)).toEqual([
    "/apis: connect ECONNREFUSED; no rule of the cluster is taken up before it answers, and it is tried again",
  ]);
});

test("kinds that the cluster does not have are no fault", () => {
  const faults = new SourceFaults("kubernetes://");
  faults.served(new Set([...all].filter((name) => name !== sidecars)));
  faults.failed("gone", new ApiFailure("/x", 404, ""));
  expect(faults.isRefused("gone")).toBe(true);
  expect(faults.findings()).toEqual([
    {
      code: "TR0218",
      severity: "info",
      at: "kubernetes://",
      message: `the cluster has no ${sidecars}; they are read as soon as their CustomResourceDefinitions are there`,
    },
  ]);
});

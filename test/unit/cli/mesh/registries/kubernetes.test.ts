import { expect, test } from "vitest";
import { realClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { resolveRegistry } from "../../../../../src/cli/config/registries.ts";
import { openKubernetesRegistry } from "../../../../../src/cli/mesh/registries/kubernetes.ts";

test("a kubeconfig that is not there is out of reach, and tried again later", async () => {
  const config = resolveRegistry({ url: "kubernetes:///nowhere/config?namespace=shop", name: "k" }, "", {}, () => {});
  const source = openKubernetesRegistry({
    config,
    hosts: [],
    askMetadata: async () => undefined,
    isOwnAddress: () => false,
    protocols: [],
    onConnected: () => {},
    onFindings: () => {},
    clock: realClock,
    log: silentLogger,
  });
  expect(source.name).toBe("k");
  expect(source.status?.().state).toBe("connecting");
  const watched = source.watch(new AbortController().signal)[Symbol.asyncIterator]();
  await expect(watched.next()).rejects.toThrow(/^the kubeconfig cannot be read: ENOENT/);
});

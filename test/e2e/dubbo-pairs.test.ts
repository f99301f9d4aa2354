import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { lines, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { knownDifferences } from "../support/known-differences.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, stopAll } from "../support/process.ts";
import { openZnodes } from "../support/znodes.ts";

// Unmodified applications of every line, joined by nothing but the facade's address.
let mesh: Mesh;
const service = { group: "g", version: "1.0.0" };
const providersPath = "/dubbo/com.acme.OrderService/providers";

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
});

afterAll(async () => {
  await stopAll();
});

describe.each(lines)("a %s provider behind Trestle", (providerLine) => {
  let provider: Peer;

  beforeAll(async () => {
    const registry = mesh.inside;
    provider = await startProvider(providerLine, { ...service, registry, host: hosts.provider1, label: providerLine });
  });

  afterAll(async () => {
    await provider.stop();
  });

  test("stands in the real registry with its own address, and is shown with the proxy's", async () => {
    const real = await openZnodes(mesh.outside);
    const shown = await openZnodes(mesh.inside);
    onTestFinished(() => {
      real.close();
      shown.close();
    });
    const at = (names: string[]): string[] => names.map((name) => decodeURIComponent(name).split("/")[2]);
    expect(at(await real.children(providersPath))).toEqual([`${hosts.provider1}:20880`]);
    const proxies = [`${hosts.trestle}:20880`, `${hosts.trestle}:20881`];
    await eventually("the proxy's two addresses", async () => {
      const names = at(await shown.children(providersPath));
      return names.length === 2 && proxies.every((proxy) => names.includes(proxy));
    });
  });

  test.each(lines)("answers every kind of call of a %s consumer", async (line) => {
    const before = await mesh.carried();
    const consumer = await startConsumer(line, { ...service, registry: mesh.inside });
    onTestFinished(() => consumer.stop());
    const checks = await consumer.suite();
    expect(surprises(checks, knownDifferences(line, providerLine, true))).toEqual([]);
    await eventually("all calls were carried by Trestle", async () => (await mesh.carried()) - before >= 117, 5_000);
  });

  test("leaves the registry when it ends", async () => {
    await provider.stop();
    const real = await openZnodes(mesh.outside);
    onTestFinished(() => real.close());
    await eventually("no provider node", async () => (await real.children(providersPath)).length === 0, 12_000);
  });
});

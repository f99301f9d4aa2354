import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { realClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { resolveRegistry } from "../../../../../src/cli/config/registries.ts";
import { openFile } from "../../../../../src/cli/mesh/registries/file.ts";

test("the path of the URL is what is read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-file-"));
  await writeFile(
    join(folder, "a.yaml"),
    "services: [{service: a.A, endpoints: ['10.0.0.1:20880', '10.0.0.2:20880']}]",
  );
  const config = resolveRegistry({ url: `file://${folder}`, name: "f" }, "", {}, () => {});
  const source = openFile({
    config,
    hosts: [],
    askMetadata: async () => undefined,
    isOwnAddress: (address) => address === "10.0.0.2",
    protocols: [],
    onConnected: () => {},
    onFindings: () => {},
    clock: realClock,
    log: silentLogger,
  });
  const stop = new AbortController();
  for await (const world of source.watch(stop.signal)) {
    expect(world.entries.map(({ host, endpoints }) => [host, endpoints.length])).toEqual([["a.a", 1]]);
    expect(world.findings.map(({ code }) => code)).toEqual(["TR0110"]);
    stop.abort();
  }
  await rm(folder, { recursive: true });
});

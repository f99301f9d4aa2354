import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { stopAll } from "../support/process.ts";
import { startTrestle } from "../support/trestle.ts";

afterAll(() => stopAll());

test("a configuration that is edited while a start is held by it is taken up, and the start goes on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-held-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "away",
      contexts: [{ name: "away", context: { cluster: "away", user: "nobody" } }],
      clusters: [{ name: "away", cluster: { server: "https://127.0.0.1:9" } }],
      users: [{ name: "nobody", user: { token: "none" } }],
    }),
  );
  const file = join(folder, "trestle.json");
  const configure = (...rules: string[]) => writeFile(file, JSON.stringify({ rules }));
  await configure(`kubernetes://${kubeconfig}`);
  const { peer, get } = await startTrestle({ extra: ["--config", file], readyStatus: 503 });
  let log = "";
  peer.child.stderr!.on("data", (text: string) => {
    log += text;
  });
  await expect.poll(() => log, { timeout: 10_000 }).toContain("rules of a cluster can't be read yet");
  expect(await get("/ready")).toMatchObject({ status: 503 });
  await configure();
  await expect.poll(() => get("/ready"), { timeout: 10_000 }).toMatchObject({ status: 200 });
  expect(peer.stdout()).toContain("is up: ");
  // And it is followed on.
  await configure(`kubernetes://${kubeconfig}?policies=optional`);
  await expect.poll(() => log.split("configuration taken up").length, { timeout: 5_000 }).toBe(3);
});

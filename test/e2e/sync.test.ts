import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { freePorts } from "../support/ports.ts";
import { eventually, type Peer, startProcess, stopAll } from "../support/process.ts";
import { runTrestle } from "../support/trestle.ts";

const cli = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");

let folder = "";
let running: Peer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trestle-sync-"));
});
afterEach(async () => {
  await running?.stop(10_000);
  running = undefined;
  await rm(folder, { recursive: true, force: true });
});
afterAll(stopAll);

const at = (name: string) => join(folder, name);
const services = (count: number, ...more: readonly string[]) =>
  `services:\n- {service: com.acme.OrderService, endpoints: [${Array.from({ length: count }, (_, i) => `"10.1.0.${i + 1}:20880"`).join()}]}\n${more.join("\n")}`;
const flags = () => [
  "--registry",
  `file://${at("services.yaml")}`,
  "--output",
  `files=${at("out")}`,
  "--data",
  at("data"),
];
const written = async (host: string) => parse(await readFile(join(at("out"), `${host}.yaml`), "utf8"));

async function startSync(...more: readonly string[]) {
  const admin = `127.0.0.1:${(await freePorts(1))[0]}`;
  const ask = async (path: string) => {
    const answer = await fetch(`http://${admin}${path}`, { signal: AbortSignal.timeout(2_000) });
    return { status: answer.status, body: await answer.text() };
  };
  running = await startProcess({
    name: "trestle sync",
    command: process.execPath,
    args: [cli, "sync", ...flags(), "--admin", admin, ...more],
    ready: async () => (await ask("/ready").catch(() => ({ status: 0 }))).status === 200,
    deadlineMs: 20_000,
  });
  return { admin, ask, command: (...args: readonly string[]) => runTrestle([...args, "--admin", admin]) };
}

test("sync mirrors a registry to files, a dry run says beforehand what would change, and the audit log afterwards what did", async () => {
  await writeFile(at("services.yaml"), services(2));
  const dry = await runTrestle(["sync", ...flags(), "--dry-run"]);
  expect([dry.code, dry.stdout]).toEqual([
    0,
    `files=${at("out")}: 1 entry differs\n+ com.acme.orderservice\n    + dubbo://10.1.0.1:20880\n    + dubbo://10.1.0.2:20880\n`,
  ]);
  await expect(readdir(at("out"))).rejects.toThrow("ENOENT");
  const { ask, command } = await startSync();
  await eventually("the entry", async () => (await written("com.acme.orderservice")).spec.endpoints.length === 2);
  await writeFile(at("services.yaml"), services(3, "- {service: com.acme.StockService}"));
  await eventually("the change", async () => (await written("com.acme.orderservice")).spec.endpoints.length === 3);
  await eventually("the second entry", async () => (await readdir(at("out"))).length === 2);
  expect((await command("diff")).stdout).toBe(`files=${at("out")}: no changes\n`);
  const rows = (await command("registries")).stdout.split("\n")[1]!.split(/\s{2,}/);
  expect(rows.slice(2, 6)).toEqual(["connected", "2", "3", "0"]);
  expect((await command("services")).stdout).toContain("com.acme.stockservice");
  expect((await ask("/metrics")).body).toMatch(/trestle_registry_state\{registry="[^"]*",state="connected"\} 1/);
  expect((await ask("/metrics")).body).toMatch(/trestle_registry_age_seconds\{/);
  await running!.stop(10_000);
  const audit = await runTrestle(["audit", "--data", at("data"), "--host", "orderservice", "-o", "json"]);
  expect(
    JSON.parse(audit.stdout).map((one: Record<string, unknown>) => [one["action"], one["changed"], one["why"]]),
  ).toEqual([
    ["create", ["+ dubbo://10.1.0.1:20880", "+ dubbo://10.1.0.2:20880"], "registry"],
    ["update", ["+ dubbo://10.1.0.3:20880"], "registry"],
  ]);
}, 60_000);

test("after a restart while the registry is down what was kept is known, nothing is written, and the guard remembers", async () => {
  await writeFile(at("services.yaml"), services(10));
  await startSync();
  await eventually("the entry", async () => (await written("com.acme.orderservice")).spec.endpoints.length === 10);
  const second = await runTrestle(["sync", ...flags(), "--admin", `127.0.0.1:${(await freePorts(1))[0]}`]);
  expect([second.code, second.stderr]).toEqual([
    1,
    expect.stringMatching(
      `^trestle: the data folder ${at("data")} is in use by process ${running!.pid} of .* one of its own\n$`,
    ),
  ]);
  await running!.stop(10_000);
  await rename(at("services.yaml"), at("gone.yaml"));
  const file = join(at("out"), "com.acme.orderservice.yaml");
  const before = await stat(file);
  const { ask } = await startSync();
  const { registries } = JSON.parse((await ask("/api/v1/registries")).body);
  expect(registries).toMatchObject([{ state: "lost", restored: true, services: 1, endpoints: 10 }]);
  await writeFile(at("new.yaml"), services(1));
  await rename(at("new.yaml"), at("services.yaml"));
  await eventually(
    "the registry's own answer",
    async () => JSON.parse((await ask("/api/v1/registries")).body).registries[0].restored === false,
  );
  const findings = JSON.parse((await ask("/api/v1/findings")).body).findings.map(({ code }: { code: string }) => code);
  expect(findings).toContain("TR0150");
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs);
  const own = await runTrestle(["diff", ...flags()]);
  expect(own.stdout).toContain("no changes");
  expect(own.stdout).toContain("held by the guard:\n! TR0150: com.acme.OrderService lost 9 of 10 providers at once");
}, 60_000);

test("names, filters and renames come from the configuration", async () => {
  await writeFile(
    at("services.yaml"),
    'services:\n- {service: com.acme.OrderService, version: "1.0.0", endpoints: ["10.1.0.1:20880"]}\n- {service: com.acme.internal.Hidden}\n',
  );
  await writeFile(
    at("trestle.yaml"),
    `registries:
- url: file://${at("services.yaml")}
  services: {exclude: ["*.internal.*", "nothing.*"]}
  rename:
  - {from: com.acme.*, to: org.acme.*, labels: {lane: version}}
outputs: [{files: ${at("out")}}]
naming: dubbo2istio
`,
  );
  const { code, stdout } = await runTrestle(["sync", "-c", at("trestle.yaml"), "--dry-run", "--log-level", "error"]);
  expect([code, stdout]).toEqual([
    0,
    `files=${at("out")}: 1 entry differs\n+ org.acme.orderservice-1-0-0\n    + dubbo://10.1.0.1:20880\n`,
  ]);
}, 30_000);

test.each([
  [["sync", "--registry", "memory://m"], "there is no output to write to; name one with --output files=FOLDER"],
  [["sync", "--output", "files=out"], "there is no registry to read; name one with --registry URL"],
  [["sync", "--registry", "file:///nowhere/x", "--output", "files=/tmp/none", "--dry-run"], "cannot be reached"],
  [["audit", "--data", "/nowhere"], "there is no audit log in /nowhere"],
])(
  "%j ends with one line that says what is wrong",
  async (args, message) => {
    const { code, stderr } = await runTrestle(args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  },
  30_000,
);

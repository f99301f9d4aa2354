import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { ProxyWorker } from "../../src/cli/mesh/worker-process.ts";

// How the parent keeps a worker alive, with a program in the worker's place that does what the test says.

const [program] = process.argv.splice(1, 1, "");
let folder: string;
let worker: ProxyWorker | undefined;
let refused: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "worker-"));
  refused = [];
});

afterEach(async () => {
  await worker?.stop();
  process.argv[1] = program!;
  rmSync(folder, { recursive: true });
});

/** Starts a worker whose n-th process runs the n-th of these texts, the last one from then on. */
function start(...texts: readonly string[]): void {
  const path = join(folder, "worker.cjs");
  const starts = JSON.stringify(join(folder, "starts"));
  writeFileSync(
    path,
    `const { appendFileSync, readFileSync } = require("node:fs");
    appendFileSync(${starts}, process.pid + "\\n");
    const n = readFileSync(${starts}, "utf8").trim().split("\\n").length;
    const texts = ${JSON.stringify(texts)};
    eval(texts[Math.min(n, texts.length) - 1]);`,
  );
  process.argv[1] = path;
  worker = new ProxyWorker({
    name: "w",
    logLevel: "error",
    log: silentLogger,
    onServing: () => {},
    onLeave: () => {},
    askKeys: async () => "failed",
    onRefused: (error) => refused.push(error),
  });
  worker.start();
}

const pids = () => readFileSync(join(folder, "starts"), "utf8").trim().split("\n").map(Number);
const alive = () =>
  pids().filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });

const SERVES = `process.on("message", ({ type, id }) => {
  if (type === "apply") process.send({ type: "applied", id });
  if (type === "drain") process.exit(0);
});
process.send({ type: "ready" });`;

const resources = {
  version: "1",
  listeners: [{ name: "l", version: "1", resource: {} }],
  routes: [],
  clusters: [],
  endpoints: [],
  schemas: [],
  virtualHosts: [],
};

test("a worker that is replaced while it waits to be started again is one process afterwards", async () => {
  start("process.exit(1)", SERVES);
  void worker!.update(resources as never);
  await vi.waitFor(() => expect(worker!.status([]).state).toBe("starting"));
  await vi.waitFor(() => expect(pids().length).toBe(1), { timeout: 20_000 });
  await sleep(50);
  expect(await worker!.replace()).toBe(true);
  await sleep(500);
  expect(pids().length).toBe(2);
  expect(alive().length).toBe(1);
});

test("a worker that cannot take its resources says why, and the next process gets those of then", async () => {
  const refuses = SERVES.replace("id });", 'id, error: "no" });');
  start(refuses, SERVES);
  void worker!.update(resources as never);
  await vi.waitFor(() => expect(refused).toEqual(["no"]), { timeout: 20_000 });
  const others = { ...resources, version: "2" };
  await worker!.update(others as never);
  await vi.waitFor(() => expect(worker!.applied).toBe(others), { timeout: 20_000 });
  expect(pids().length).toBe(2);
});

test("a worker that dies is started again and led to the same resources", async () => {
  start(`${SERVES} setTimeout(() => process.exit(1), 100);`, SERVES);
  void worker!.update(resources as never);
  await vi.waitFor(() => expect(pids().length).toBe(2), { timeout: 20_000 });
  await vi.waitFor(() => expect(worker!.applied).toBe(resources), { timeout: 20_000 });
});

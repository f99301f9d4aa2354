import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installEnvoy } from "../bench/toolchain.ts";
import { answerCall, type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { startProcess, stopAll } from "../support/process.ts";
import { runTrestle } from "../support/trestle.ts";

// `trestle export --format envoy`: what it writes is given to a stock Envoy as it is.
const run = promisify(execFile);
let dir: string;
let http: Server;
let dubbo: FakeProvider;
let port: number;
let args: string[];

beforeAll(async () => {
  requireNamespace();
  dir = await mkdtemp(join(tmpdir(), "trestle-export-envoy-"));
  http = createServer((asked, answer) => void answer.end(`stock ${asked.url}`));
  await new Promise<void>((resolve) => http.listen(0, hosts.provider1, resolve));
  port = (http.address() as AddressInfo).port;
  dubbo = await startFakeProvider();
  dubbo.onCall = (seen) => answerCall(seen, "taken");
  await writeFile(
    join(dir, "world.yaml"),
    `services:
- {service: com.acme.OrderService, endpoints: ['127.0.0.1:${dubbo.port}']}
- {service: stock, protocol: http, endpoints: ['${hosts.provider1}:${port}']}
`,
  );
  await writeFile(
    join(dir, "rules.yaml"),
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http:
    - match: [{uri: {prefix: /slow}}]
      fault: {abort: {httpStatus: 418, percentage: {value: 100}}}
      route: [{destination: {host: stock}}]
    - route: [{destination: {host: stock}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec: {hosts: [com.acme.OrderService], http: [{timeout: 1s, route: [{destination: {host: com.acme.OrderService}}]}]}
`,
  );
  args = ["export", "--registry", `file://${join(dir, "world.yaml")}`, "--rules", join(dir, "rules.yaml")];
});

afterAll(async () => {
  http?.close();
  await dubbo?.close();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
});

async function written(name: string, ...more: string[]): Promise<{ readonly path: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await runTrestle([...args, "--format", "envoy", ...more]);
  expect(code).toBe(0);
  const path = join(dir, name);
  await writeFile(path, stdout);
  return { path, stderr };
}

test("a bootstrap is one that an Envoy takes", async () => {
  const { path, stderr } = await written("bootstrap.yaml", "--control", `${hosts.trestle}:15011`);
  expect(stderr).toBe("");
  const { stdout } = await run(await installEnvoy(), ["--mode", "validate", "-c", path]);
  expect(stdout).toContain("OK");
});

test("a static configuration is one that an Envoy takes, and carries calls by; what it cannot do is told", async () => {
  const { path, stderr } = await written("static.yaml", "--static");
  expect(stderr).toMatch(/rules\.yaml:\d+:\d+: TR0701 /);
  const envoy = await installEnvoy();
  expect((await run(envoy, ["--mode", "validate", "-c", path])).stdout).toContain("OK");
  const admin = join(dir, "admin");
  const peer = await startProcess({
    name: "envoy by a file",
    command: envoy,
    args: ["-c", path, "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", admin, "-l", "warn"],
    ready: async () =>
      existsSync(admin) &&
      (await fetch(`http://${readFileSync(admin, "utf8").trim()}/ready`).catch(() => undefined))?.status === 200,
  });
  const ask = async (path: string) => {
    const sent = request({ host: "127.0.0.1", port, path, headers: { host: "stock" }, agent: false }).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return [answer.statusCode, (await answer.toArray()).join("")];
  };
  expect(await ask("/a")).toEqual([200, "stock /a"]);
  expect(await ask("/slow")).toEqual([418, "fault filter abort"]);
  const called = await runTrestle([
    "call",
    "dubbo://127.0.0.1:20880",
    "com.acme.OrderService.find",
    '["x"]',
    "--types",
    "java.lang.String",
  ]);
  expect(called.stdout).toContain("taken");
  await peer.stop();
});

test.each([
  [["--format", "aeraki", "--static"], /--static is for --format envoy/],
  [["--format", "envoy", "--static", "--control", "a:1"], /--static asks nobody/],
  [["--format", "envoy", "--node", "x"], /--node x is not sidecar/],
])("%o is refused in one line", async (more, message) => {
  const { code, stderr } = await runTrestle([...args, ...more]);
  expect([code === 0, stderr.trim().split("\n").length]).toEqual([false, 1]);
  expect(stderr).toMatch(message);
});

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AdminServer, createAdminServer } from "../../../src/control/admin/server.ts";
import { adminSourcesOf } from "../../support/admin-sources.ts";
import { virtualServiceText } from "../../support/rules.ts";

let server: AdminServer;
let url: string;
let dir: string;

beforeAll(async () => {
  server = await createAdminServer({ listen: "127.0.0.1:0", sources: adminSourcesOf() });
  url = `http://${server.address}`;
  dir = await mkdtemp(join(tmpdir(), "admin-"));
});

afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs the command line from its sources; never rejects. */
async function trestle(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const run = promisify(execFile);
  try {
    const { stdout, stderr } = await run(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args]);
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

test("promtool reads the metrics and has nothing to say but of the unit in Istio's own name", async () => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const promtool = spawn("promtool", ["check", "metrics"]);
  promtool.stdin.end(text);
  let said = "";
  promtool.stdout.on("data", (chunk) => (said += chunk));
  promtool.stderr.on("data", (chunk) => (said += chunk));
  await new Promise((resolve) => promtool.on("close", resolve));
  expect(said.trim()).toBe('istio_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"');
});

test("a head over 16 KiB is refused, and the server goes on", async () => {
  const status = await new Promise((resolve, reject) => {
    const call = request(url, { headers: { "x-long": "a".repeat(20_000) } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
  expect(status).toBe(431);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("an address in use is told", async () => {
  await expect(createAdminServer({ listen: server.address, sources: adminSourcesOf() })).rejects.toThrow("EADDRINUSE");
});

test.each([
  {
    args: ["services"],
    shows:
      /^HOST +SERVICE +ENDPOINTS +PROXIED[\s\S]*com\.acme\.orderservice-1-0-0 +com\.acme\.OrderService:1\.0\.0 +1 +yes +- +orders +lanes +test$/m,
  },
  {
    args: ["endpoints", "com.acme.OrderService"],
    shows: /^com\.acme\.OrderService:1\.0\.0 +10\.0\.0\.1:20880 +dubbo +100 +gray +ok +- +- +test$/m,
  },
  { args: ["routes"], shows: /^com\.acme\.orderservice-1-0-0 +orders\/0 +\/com\.acme\.OrderService\/createOrder and/m },
  {
    args: ["routes", "com.acme.ORDERservice"],
    shows: /^com\.acme\.orderservice-1-0-0 +orders\/1 +every call +outbound/m,
  },
  {
    args: ["explain", "com.acme.OrderService.createOrder"],
    shows:
      /^ {2}orders\/0 \(r\.yaml:\d+\): does not match\n {4}.+ is absent, asked is .+\n {2}orders\/1 \(r\.yaml:\d+\): taken$/m,
  },
  {
    args: ["explain", "com.acme.OrderService.createOrder", "--principal", "cluster.local/ns/shop/sa/web"],
    shows: /^authorization, outbound, com\.acme\.orderservice-1-0-0: allowed: no policy denies it$/m,
  },
  { args: ["rules"], shows: /^VirtualService +orders +com\.acme\.OrderService +1 +newest +r\.yaml:1:1$/m },
  { args: ["rules", "--findings"], shows: /^zookeeper: warning TR0103: a node is no URL$/m },
  { args: ["services", "-o", "yaml"], shows: /^- host: com\.acme\.orderservice-1-0-0$/m },
])("trestle $args prints what the instance knows", async ({ args, shows }) => {
  const { code, out, err } = await trestle(...args, "--admin", url);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(shows);
});

test("JSON is printed as the admin API has it", async () => {
  const { out } = await trestle("services", "-o", "json", "--admin", server.address);
  expect(JSON.parse(out)).toHaveLength(2);
});

test("a command that finds no instance says what to do, in one line", async () => {
  const gone = await createAdminServer({ listen: "127.0.0.1:0", sources: adminSourcesOf() });
  await gone.close();
  const { code, err } = await trestle("services", "--admin", gone.address);
  expect(code).not.toBe(0);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(err).toContain(
    `no answer from http://${gone.address} (ECONNREFUSED); start trestle there or name its address with --admin`,
  );
});

test("analyze passes good rules, and rules against the services known", async () => {
  const file = join(dir, "good.yaml");
  await writeFile(
    file,
    virtualServiceText("a", "[com.acme.OrderService]", "[{route: [{destination: {host: com.acme.OrderService}}]}]"),
  );
  expect(await trestle("analyze", file)).toMatchObject({ code: 0, out: "" });
  expect(await trestle("analyze", file, "--admin", url)).toMatchObject({ code: 0, out: "" });
});

test("analyze names every fault with its place and exits with 1", async () => {
  const file = join(dir, "bad.yaml");
  await writeFile(file, virtualServiceText("a", "[com.acme.OrderService]", "[{timeout: soon, rout: []}]"));
  const { code, out } = await trestle("analyze", file);
  expect(code).toBe(1);
  expect(
    out
      .trim()
      .split("\n")
      .map((line) =>
        line
          .slice(dir.length + 1)
          .split(" ")
          .slice(0, 3)
          .join(" "),
      ),
  ).toEqual(["bad.yaml:6:20: error TR0210:", "bad.yaml:6:26: error TR0206:"]);
});

test("analyze against an instance knows its services", async () => {
  const file = join(dir, "unknown.yaml");
  await writeFile(
    file,
    virtualServiceText("a", "[com.acme.OrderService]", "[{route: [{destination: {host: com.acme.Missing}}]}]"),
  );
  expect((await trestle("analyze", file)).code).toBe(0);
  const { code, out } = await trestle("analyze", file, "--admin", url, "-o", "json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject([{ code: "TR0221", severity: "error" }]);
});

test("analyze of a path that is not there says so", async () => {
  const { code, out } = await trestle("analyze", join(dir, "missing"));
  expect(code).toBe(1);
  expect(out).toContain("error TR0201");
});

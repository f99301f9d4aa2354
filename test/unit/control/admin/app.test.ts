import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TransientError } from "../../../../src/base/errors.ts";
import { createAdminApp } from "../../../../src/control/admin/app.ts";
import { ADMIN_PATHS } from "../../../../src/control/admin/page.ts";
import type { AdminSources } from "../../../../src/control/admin/sources.ts";
import { adminSourcesOf } from "../../../support/admin-sources.ts";

async function ask(
  path: string,
  init: RequestInit = {},
  changes: Partial<AdminSources> = {},
): Promise<{ status: number; text: string; json: unknown }> {
  const response = await createAdminApp(adminSourcesOf(changes)).fetch(new Request(`http://admin${path}`, init));
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined };
}

test.each(ADMIN_PATHS)("$method $path answers 200", async ({ method, path }) => {
  const query = path === "/api/v1/explain" ? "?service=com.acme.OrderService&method=createOrder" : "";
  expect((await ask(`${path}${query}`, { method })).status).toBe(200);
});

test("every path is in docs/admin-api.md", () => {
  const docs = readFileSync(new URL("../../../../docs/admin-api.md", import.meta.url), "utf8");
  for (const { method, path } of ADMIN_PATHS) expect(docs).toContain(`${method} ${path}`);
});

test("it is ready once nothing is waited for", async () => {
  expect(await ask("/ready")).toMatchObject({ status: 200, json: { ready: true, reasons: [] } });
  const reasons = ["registry legacy has not been read yet"];
  expect(await ask("/ready", {}, { notReady: () => reasons })).toMatchObject({
    status: 503,
    json: { ready: false, reasons },
  });
});

test("what would change is not told before every registry has been read", async () => {
  const diff = async () => {
    throw new TransientError("registry legacy has not been read yet");
  };
  expect(await ask("/api/v1/diff", {}, { diff })).toMatchObject({
    status: 503,
    json: { error: "registry legacy has not been read yet" },
  });
});

test("the status counts findings by severity", async () => {
  expect((await ask("/api/v1/status")).json).toMatchObject({
    version: "1.2.3",
    services: 2,
    rules: 2,
    findings: { error: 0, warning: 1, info: 0 },
    registries: [{ name: "legacy" }],
    workers: [{ worker: "w1" }],
  });
});

test("no answer holds a secret", async () => {
  for (const { method, path } of ADMIN_PATHS) expect((await ask(path, { method })).text).not.toContain("hush");
});

test("calls are counted once over many scrapes", async () => {
  const app = createAdminApp(adminSourcesOf());
  const scrape = async (): Promise<string> => (await app.fetch(new Request("http://admin/metrics"))).text();
  await scrape();
  expect(await scrape()).toMatch(/^istio_requests_total\{.*\} 3$/m);
});

test("before the first compile there are no resources to show", async () => {
  expect(await ask("/api/v1/resources", {}, { resources: () => undefined })).toMatchObject({
    status: 503,
    json: { error: "nothing has been compiled yet" },
  });
});

test.each([
  {
    name: "an unknown path",
    path: "/api/v2/services",
    init: {},
    status: 404,
    error: "there is nothing at /api/v2/services; / lists what there is",
  },
  {
    name: "another method",
    path: "/api/v1/restart",
    init: {},
    status: 405,
    error: "/api/v1/restart takes POST, not GET",
  },
  {
    name: "a large body",
    path: "/api/v1/restart",
    init: { method: "POST", body: "x".repeat(1024 * 1024 + 1), headers: { "content-length": "1048577" } },
    status: 413,
    error: "body is over 1048576 bytes",
  },
  {
    name: "a form of another site",
    path: "/api/v1/restart",
    init: { method: "POST", headers: { origin: "http://evil" } },
    status: 403,
    error: "requests from other sites are refused",
  },
  {
    name: "a script of another site",
    path: "/api/v1/config",
    init: { headers: { "sec-fetch-site": "cross-site" } },
    status: 403,
    error: "requests from other sites are refused",
  },
])("$name is refused with a reason", async ({ path, init, status, error }) => {
  expect(await ask(path, init)).toMatchObject({ status, json: { error } });
});

test("a source that fails is an error in JSON", async () => {
  const restart = (): Promise<never> => Promise.reject(new Error("worker w1 did not start within 10000 ms"));
  expect(await ask("/api/v1/restart", { method: "POST" }, { restart })).toMatchObject({
    status: 500,
    json: { error: "worker w1 did not start within 10000 ms" },
  });
});

test("consumers can be asked for by service", async () => {
  expect((await ask("/api/v1/consumers?service=com.acme.orderservice")).json).toEqual({
    consumers: [{ service: "com.acme.OrderService:1.0.0", application: "shop", address: "10.0.0.4" }],
  });
});

test("endpoints can be asked for by service", async () => {
  expect((await ask("/api/v1/endpoints?service=com.acme.StockService")).json).toMatchObject({
    endpoints: [{ protocol: "tri" }],
  });
});

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { TransientError } from "../../base/errors.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { createMetrics } from "../../base/metrics.ts";
import { createCallMetrics } from "./call-metrics.ts";
import { viewExplanation } from "./explain-view.ts";
import { viewOpenApi } from "./openapi-view.ts";
import { ADMIN_PATHS, adminPage } from "./page.ts";
import { addProcessMetrics } from "./process-metrics.ts";
import { viewRegistryRules } from "./registry-rules.ts";
import { viewOrigins, viewSchemas } from "./schema-views.ts";
import { type AdminSources, resourcesWithoutSecrets, withoutSecrets } from "./sources.ts";
import { createAnalysis, readState, withinTime } from "./state.ts";
import { createStateMetrics } from "./state-metrics.ts";
import { viewConsumers, viewEndpoints, viewRoutes, viewRules, viewServices } from "./views.ts";

/** Largest body that a request may have, bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What answers admin requests: `fetch` takes a request and gives the answer. */
export interface AdminApp {
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * The admin API as a function from requests to answers, without a socket. Answers are JSON but for `/`, `/metrics` and the
 * probes' sake `/healthz`; what goes wrong is `{error}`. Requests that browsers send from other sites are refused.
 */
export function createAdminApp(sources: AdminSources, logger: Logger = silentLogger): AdminApp {
  const app = new Hono();
  const analysis = createAnalysis(sources.mesh);
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  const stateMetrics = createStateMetrics(metrics);
  const callMetrics = createCallMetrics(metrics);

  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => c.json({ error: `body is over ${MAX_BODY_BYTES} bytes` }, 413),
    }),
  );
  app.use(async (c, next) => {
    if (c.req.header("sec-fetch-site") === "cross-site")
      return c.json({ error: "requests from other sites are refused" }, 403);
    const origin = c.req.header("origin");
    if (c.req.method !== "GET" && origin !== undefined && hostOf(origin) !== c.req.header("host"))
      return c.json({ error: "requests from other sites are refused" }, 403);
    await next();
    c.header("cache-control", "no-store");
    return undefined;
  });

  app.get("/", (c) => c.html(adminPage(sources.version)));
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/ready", (c) => {
    const reasons = sources.notReady();
    return c.json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    const state = await readState(sources, analysis);
    callMetrics.take(state.stats);
    stateMetrics.take(state);
    return c.body(metrics.expose() + (sources.ownMetrics?.() ?? ""), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
  app.get("/api/v1/status", async (c) => {
    const state = await readState(sources, analysis);
    return c.json({
      version: state.version,
      ready: state.notReady.length === 0,
      reasons: state.notReady,
      snapshot: state.snapshot.version,
      resources: sources.resources()?.version ?? "",
      services: state.snapshot.entries.length,
      endpoints: state.snapshot.entries.reduce((sum, entry) => sum + entry.endpoints.length, 0),
      rules: state.snapshot.rules.length,
      findings: {
        error: state.findings.filter(({ severity }) => severity === "error").length,
        warning: state.findings.filter(({ severity }) => severity === "warning").length,
        info: state.findings.filter(({ severity }) => severity === "info").length,
      },
      registries: state.registries,
      facades: state.facades,
      workers: state.workers,
    });
  });
  app.get("/api/v1/registries", (c) => c.json({ registries: sources.registries() }));
  app.get("/api/v1/services", (c) => {
    const origins = viewOrigins(sources.snapshot(), sources.schemaOrigins());
    const services = viewServices(sources.snapshot(), sources.notLed(), sources.httpAddresses());
    return c.json({ services: services.map((service, index) => ({ ...service, schema: origins[index] })) });
  });
  app.get("/api/v1/schemas", (c) =>
    c.json({ schemas: viewSchemas(sources.snapshot(), sources.schemaOrigins(), c.req.query("service")) }),
  );
  app.get("/api/v1/openapi", (c) => {
    const view = viewOpenApi(sources.resources(), c.req.query("host"), c.req.query("port"));
    return "error" in view ? c.json(view, 404) : c.json(view.document);
  });
  app.get("/api/v1/endpoints", async (c) => {
    const stats = await withinTime(sources.stats());
    return c.json({ endpoints: viewEndpoints(sources.snapshot(), c.req.query("service"), stats, sources.resources()) });
  });
  app.get("/api/v1/consumers", (c) =>
    c.json({ consumers: viewConsumers(sources.consumers?.() ?? [], c.req.query("service")) }),
  );
  app.get("/api/v1/entries", (c) => c.json({ entries: sources.snapshot().entries.map(withoutSecrets) }));
  app.get("/api/v1/routes", (c) => c.json({ routes: viewRoutes(sources.resources()) }));
  app.get("/api/v1/explain", (c) => {
    const view = viewExplanation(sources, new URL(c.req.url).searchParams);
    return "error" in view ? c.json({ error: view.error }, view.status) : c.json(view);
  });
  app.get("/api/v1/rules", (c) => {
    const set = sources.rules();
    return c.json({
      rules: [...viewRules(sources.snapshot(), set), ...viewRegistryRules(sources.snapshot(), sources.findings())],
      files: set.files.map(({ path, rules, valid }) => ({ path, rules: rules.length, valid })),
    });
  });
  app.get("/api/v1/findings", async (c) => c.json({ findings: (await readState(sources, analysis)).findings }));
  app.get("/api/v1/resources", (c) => {
    const resources = sources.resources();
    return resources === undefined
      ? c.json({ error: "nothing has been compiled yet" }, 503)
      : c.json(resourcesWithoutSecrets(resources));
  });
  app.get("/api/v1/proxies", (c) => c.json({ proxies: sources.proxies?.() ?? [] }));
  app.get("/api/v1/stats", async (c) => c.json({ workers: (await readState(sources, analysis)).stats }));
  app.get("/api/v1/diff", async (c) => c.json({ outputs: await sources.diff() }));
  app.get("/api/v1/config", (c) => c.json({ config: sources.config() ?? null }));
  app.post("/api/v1/restart", async (c) => {
    logger.info("restart of the proxy workers asked for");
    return c.json(await sources.restart());
  });

  app.notFound((c) => {
    const here = ADMIN_PATHS.filter(({ path }) => path === c.req.path).map(({ method }) => method);
    if (here.length === 0) return c.json({ error: `there is nothing at ${c.req.path}; / lists what there is` }, 404);
    return c.json({ error: `${c.req.path} takes ${here.join(", ")}, not ${c.req.method}` }, 405, {
      allow: here.join(", "),
    });
  });
  app.onError((error, c) => {
    if (error instanceof TransientError) return c.json({ error: error.message }, 503);
    logger.error("admin request failed", { path: c.req.path, error: error.stack ?? error.message });
    return c.json({ error: error.message }, 500);
  });
  return { fetch: (request) => app.fetch(request) };
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

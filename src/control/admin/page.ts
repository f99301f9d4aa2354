/** Every path of the admin server with what it answers; the page at `/` and the documentation list these. */
export const ADMIN_PATHS: readonly {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly answers: string;
}[] = [
  { method: "GET", path: "/healthz", answers: "200 while the process lives" },
  { method: "GET", path: "/ready", answers: "200 once rules and registries are loaded, else 503 with the reasons" },
  { method: "GET", path: "/metrics", answers: "metrics in Prometheus' text form" },
  { method: "GET", path: "/api/v1/status", answers: "version, readiness, registries, facades and proxy workers" },
  { method: "GET", path: "/api/v1/registries", answers: "how each registry's mirror stands" },
  { method: "GET", path: "/api/v1/services", answers: "the services that are known, with the rules in force" },
  { method: "GET", path: "/api/v1/endpoints", answers: "the endpoints, of one service with ?service=" },
  { method: "GET", path: "/api/v1/consumers", answers: "who calls what, of one service with ?service=" },
  { method: "GET", path: "/api/v1/entries", answers: "services with their endpoints, whole" },
  {
    method: "GET",
    path: "/api/v1/schemas",
    answers: "whose types of calls are known, and from where; of one service the types with ?service=",
  },
  {
    method: "GET",
    path: "/api/v1/openapi",
    answers: "the OpenAPI document of a gateway's calls, by ?host= and ?port= where there are several",
  },
  { method: "GET", path: "/api/v1/routes", answers: "the routes in force, in order" },
  {
    method: "GET",
    path: "/api/v1/explain",
    answers: "what becomes of a made-up call, by ?service= and ?method=, or of a request, by ?url=, and why",
  },
  { method: "GET", path: "/api/v1/rules", answers: "the rules in force and their files" },
  { method: "GET", path: "/api/v1/findings", answers: "what is wrong with rules, registries and configuration" },
  { method: "GET", path: "/api/v1/resources", answers: "the xDS resources that proxies are given" },
  { method: "GET", path: "/api/v1/proxies", answers: "the clients of the xDS server, and what they refused" },
  { method: "GET", path: "/api/v1/stats", answers: "what each proxy worker has counted" },
  { method: "GET", path: "/api/v1/diff", answers: "what a sync would create, change and remove" },
  { method: "GET", path: "/api/v1/config", answers: "the configuration in force, without secrets" },
  { method: "POST", path: "/api/v1/restart", answers: "rolls the proxy workers one after the other" },
];

/** The page at `/`: a list of what there is. */
export function adminPage(version: string): string {
  const rows = ADMIN_PATHS.map(({ method, path, answers }) => {
    const shown = method === "GET" ? `<a href="${path}">${path}</a>` : path;
    return `<tr><td>${method}</td><td>${shown}</td><td>${escapeHtml(answers)}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Trestle</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}td{padding:.15rem .8rem .15rem 0}</style>
<h1>Trestle ${escapeHtml(version)}</h1>
<table>
${rows.join("\n")}
</table>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

import { parseIp } from "../../base/ip-block.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import { parseIdentity } from "../../model/identity.ts";
import { explainCall } from "../explain/explain.ts";
import type { AskedGateway, Explanation, MadeUpCaller } from "../explain/explanation.ts";
import { explainAtGateway } from "../explain/gateway.ts";
import { explainRequest } from "../explain/requests.ts";
import { readRequest } from "./explain-url.ts";
import type { AdminSources, Place } from "./sources.ts";

/** Why there is no explanation, and the HTTP status that says so. */
export interface NoExplanation {
  readonly error: string;
  readonly status: 400 | 404 | 503;
}

/**
 * What becomes of the call that a query names: `service` and `method`, perhaps `group` and `version`; or of a request, by its `url`, perhaps with
 * `method`, and with `gateway` or `port` where it comes from outside. Of both perhaps `caller`, `principal` (`trust-domain/ns/NAMESPACE/sa/ACCOUNT`,
 * or `none`), `claims` (a token's payload as JSON), and any number of `header=name=value`.
 */
export function viewExplanation(sources: ExplainSources, query: URLSearchParams): Explanation | NoExplanation {
  const [service, method, url] = ["service", "method", "url"].map((name) => query.get(name) ?? "") as [
    string,
    string,
    string,
  ];
  if (url === "" && (service === "" || method === ""))
    return { error: "say ?service= and &method=, or ?url=", status: 400 };
  const place = readPlace(query.get("from"));
  if (typeof place === "string") return { error: place, status: 400 };
  if (place !== undefined && sources.seenFrom === undefined)
    return { error: "this instance serves no proxies elsewhere: ask the control server with from", status: 400 };
  const resources = place === undefined ? sources.resources() : sources.seenFrom!(place);
  if (resources === undefined) return { error: "nothing has been compiled yet", status: 503 };
  const known = { ...sources.snapshot(), ...(place && { from: place }) };
  const caller = readCaller(query);
  const asked = readGateway(query);
  for (const one of [caller, asked]) if (typeof one === "string") return { error: one, status: 400 };
  const who = caller as MadeUpCaller;
  try {
    if (url === "")
      return explainCall(
        resources,
        { service, method, ...optional(query, "group"), ...optional(query, "version"), ...who },
        known,
      );
    const request = readRequest(url, method, who);
    if (typeof request === "string") return { error: request, status: 400 };
    const gateway = asked as AskedGateway | undefined;
    if (gateway !== undefined) return explainAtGateway(resources, request, gateway, known);
    if (request.scheme !== "http")
      return { error: "callers in the mesh come by http://; say gateway or port for others", status: 400 };
    return explainRequest(resources, request, known);
  } catch (error) {
    return { error: (error as Error).message, status: 404 };
  }
}

function optional<N extends string>(query: URLSearchParams, name: N): { readonly [K in N]?: string } {
  const value = query.get(name);
  return (value === null ? {} : { [name]: value }) as { readonly [K in N]?: string };
}

/** Where an explanation gets what it is made from. */
export type ExplainSources = Pick<AdminSources, "resources" | "seenFrom" | "snapshot">;

/** `NAMESPACE` or `NAMESPACE/label=value,label=value`; a text says what is wrong. */
function readPlace(text: string | null): Place | string | undefined {
  if (text === null) return undefined;
  const [, namespace = "", list] = /^([a-z0-9-]+)(?:\/(.*))?$/.exec(text) ?? [];
  const pairs = (list ?? "").split(",").filter((one) => one !== "");
  if (namespace === "" || pairs.some((one) => one.indexOf("=") <= 0))
    return `from ${JSON.stringify(text)} is not NAMESPACE or NAMESPACE/label=value,label=value`;
  const labels = pairs.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]);
  return { namespace, labels: Object.fromEntries(labels) };
}

/** The gateway that is meant, undefined for none; a text says what is wrong. */
function readGateway(query: URLSearchParams): AskedGateway | string | undefined {
  const port = query.get("port");
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    return `port ${JSON.stringify(port)} is no port`;
  if (port === null && !query.has("gateway")) return undefined;
  return { ...optional(query, "gateway"), ...(port !== null && { port: Number(port) }) };
}

/** Who calls, and with what; a text says what is wrong. */
function readCaller(query: URLSearchParams): MadeUpCaller | string {
  const pairs = query.getAll("header").map((text) => [text, text.indexOf("=")] as const);
  const wrong = pairs.find(([, equals]) => equals <= 0);
  if (wrong !== undefined) return `header ${JSON.stringify(wrong[0])} is not name=value`;
  const headers = Object.fromEntries(pairs.map(([text, equals]) => [text.slice(0, equals), text.slice(equals + 1)]));
  const caller = query.get("caller");
  if (caller !== null && parseIp(caller) === undefined) return `caller ${JSON.stringify(caller)} is no IP address`;
  const said = query.get("principal");
  const principal = said === "none" ? "" : said?.startsWith("spiffe://") === false ? `spiffe://${said}` : said;
  if (principal && parseIdentity(principal) === undefined)
    return `principal ${JSON.stringify(said)} is not TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT or none`;
  const claims = readClaims(query.get("claims"));
  if (typeof claims === "string") return claims;
  return {
    headers,
    ...optional(query, "caller"),
    ...(claims && { claims }),
    ...(typeof principal === "string" && { principal }),
  };
}

/** A token's payload; a text that is none is an error in words. */
function readClaims(text: string | null): Claims | string | undefined {
  if (text === null) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(text);
  } catch {
    claims = undefined;
  }
  const isObject = typeof claims === "object" && claims !== null && !Array.isArray(claims);
  return isObject ? (claims as Claims) : 'claims are no JSON object, such as {"group": "admin"}';
}

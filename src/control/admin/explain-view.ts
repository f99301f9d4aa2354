import { parseIp } from "../../base/ip-block.ts";
import type { Claims } from "../../codecs/xds/claims.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import { parseIdentity } from "../../model/identity.ts";
import { type Explanation, explainCall } from "../explain/explain.ts";
import type { Known } from "../explain/passages.ts";

/** Why there is no explanation, and the HTTP status that says so. */
export interface NoExplanation {
  readonly error: string;
  readonly status: 400 | 404 | 503;
}

/**
 * What becomes of the call that a query names: `service` and `method`, perhaps `group`, `version`, `caller`, `principal`
 * (`trust-domain/ns/NAMESPACE/sa/ACCOUNT`, or `none`), `claims` (a token's payload as JSON), and any number of `header=name=value`.
 */
export function viewExplanation(
  resources: ResourceSet | undefined,
  query: URLSearchParams,
  known?: Known,
): Explanation | NoExplanation {
  const service = query.get("service");
  const method = query.get("method");
  if (!service || !method) return { error: "say ?service= and &method=", status: 400 };
  if (resources === undefined) return { error: "nothing has been compiled yet", status: 503 };
  const pairs = query.getAll("header").map((text) => [text, text.indexOf("=")] as const);
  const wrong = pairs.find(([, equals]) => equals <= 0);
  if (wrong !== undefined) return { error: `header ${JSON.stringify(wrong[0])} is not name=value`, status: 400 };
  const headers = Object.fromEntries(pairs.map(([text, equals]) => [text.slice(0, equals), text.slice(equals + 1)]));
  const optional = (name: "group" | "version" | "caller") => {
    const value = query.get(name);
    return value === null ? {} : { [name]: value };
  };
  const caller = query.get("caller");
  if (caller !== null && parseIp(caller) === undefined)
    return { error: `caller ${JSON.stringify(caller)} is no IP address`, status: 400 };
  const said = query.get("principal");
  const principal = said === "none" ? "" : said?.startsWith("spiffe://") === false ? `spiffe://${said}` : said;
  if (principal && parseIdentity(principal) === undefined)
    return {
      error: `principal ${JSON.stringify(said)} is not TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT or none`,
      status: 400,
    };
  const claims = readClaims(query.get("claims"));
  if (typeof claims === "string") return { error: claims, status: 400 };
  const who = { ...optional("caller"), ...(claims && { claims }), ...(typeof principal === "string" && { principal }) };
  const call = { service, method, headers, ...optional("group"), ...optional("version"), ...who };
  try {
    return explainCall(resources, call, known);
  } catch (error) {
    return { error: (error as Error).message, status: 404 };
  }
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

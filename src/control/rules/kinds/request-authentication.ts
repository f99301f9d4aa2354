import { isInBlock, parseBlock, parseIp } from "../../../base/ip-block.ts";
import type { JwtRule, RequestAuthentication } from "../../../model/rules/request-authentication.ts";
import type { Report } from "../findings.ts";
import { type Check, type ObjectShape, quote, type ReadContext, type ReadObject, type Shape } from "../schema.ts";
import { readScope, SCOPE_FIELDS } from "./authorization-schema.ts";
import { duration, flag, listOf, text } from "./istio-values.ts";
import { object } from "./shapes.ts";

const MAX_JWT_RULES = 4_096;

const wrong = (problem: string) => ({ code: "TR0209", problem }) as const;

const isUri: Check<string> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    return wrong(`is ${quote(value)}, which is no http or https address without a name and a password`);
  return isLinkLocal(url.hostname)
    ? wrong(`is ${quote(value)}; link-local addresses, where clouds hand out credentials, are not fetched from`)
    : undefined;
};

const isKeySet: Check<string> = (value) => {
  try {
    const keys = (JSON.parse(value) as { readonly keys?: unknown } | null)?.keys;
    if (Array.isArray(keys) && keys.length > 0) return undefined;
  } catch {
    // Said below.
  }
  return wrong("is no JSON Web Key Set, an object with a list of keys");
};

const headerName: Shape = {
  type: "text",
  check: (value) =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(value) && !/^(?:host|content-length|dubbo-.*)$/i.test(value)
      ? undefined
      : wrong(`is ${quote(value)}, which is no name of a header that a token may say`),
};

const jwtRule = object(
  {
    issuer: { shape: text, required: true },
    audiences: { shape: listOf(text) },
    jwksUri: { shape: { type: "text", check: isUri } },
    jwks_uri: { shape: { type: "text", check: isUri }, as: "jwksUri" },
    jwks: { shape: { type: "text", check: isKeySet } },
    fromHeaders: { shape: listOf(object({ name: { shape: text, required: true }, prefix: { shape: text } })) },
    fromParams: { shape: listOf(text) },
    fromCookies: { shape: listOf(text) },
    outputPayloadToHeader: { shape: headerName },
    outputClaimToHeaders: {
      shape: listOf(object({ header: { shape: headerName, required: true }, claim: { shape: text, required: true } })),
    },
    forwardOriginalToken: { shape: flag, as: "forward" },
    timeout: { shape: duration },
    spaceDelimitedClaims: { shape: listOf(text) },
  },
  { exclusive: [["jwks", "jwksUri", "jwks_uri"]], into: checkRule },
);

/** Spec of Istio's RequestAuthentication (istio/api security/v1beta1/request_authentication.proto). */
export const requestAuthenticationSpec: ObjectShape = object(
  { ...SCOPE_FIELDS, jwtRules: { shape: listOf(jwtRule) } },
  { exclusive: [["selector", "targetRefs", "targetRef"]], into: checkSpec },
);

/** The kind's own part. An address that keys are fetched from is reported where what answers there may be nobody's business. */
export function readRequestAuthentication(
  spec: ReadObject,
  report: Report,
): Pick<RequestAuthentication, "jwtRules" | "selector" | "targets"> {
  const { jwtRules = [] } = spec as unknown as { readonly jwtRules?: readonly JwtRule[] };
  for (const { at, issuer, jwks, jwksUri } of jwtRules) {
    const asked = jwks === undefined ? (jwksUri ?? issuer) : undefined;
    const why = asked === undefined ? undefined : insideOf(asked);
    const place = at.fields.jwksUri ?? at.fields.issuer ?? at.position;
    if (why !== undefined) report("TR0275", place, `keys are fetched from ${quote(asked!)} by Trestle itself, ${why}`);
  }
  return { ...readScope(spec, report), jwtRules };
}

/** Why a fetch from there reaches what its author may not; undefined for public addresses by https. */
function insideOf(uri: string): string | undefined {
  const { hostname, protocol } = new URL(uri);
  const ip = parseIp(hostname.replace(/^\[|\]$/g, ""));
  if (hostname === "localhost" || (ip !== undefined && INSIDE.some((block) => isInBlock(ip, block))))
    return "and that address is inside: who may write rules may have it ask there";
  if (ip === undefined && !hostname.includes(".")) return "and that name is one of an inner network";
  return protocol === "http:" ? "without TLS: whoever is on the way may hand out keys" : undefined;
}

const blocksOf = (...texts: string[]) => texts.map((one) => parseBlock(one)!);
const LINK_LOCAL = blocksOf("169.254.0.0/16", "fe80::/10", "fd00:ec2::254");
const INSIDE = blocksOf(
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "0.0.0.0/8",
  "::1",
  "::",
  "fc00::/7",
);

/** Whether an address is one that only a machine's own link has. */
export function isLinkLocal(hostname: string): boolean {
  const ip = parseIp(hostname.replace(/^\[|\]$/g, ""));
  return (
    hostname === "metadata.google.internal" || (ip !== undefined && LINK_LOCAL.some((block) => isInBlock(ip, block)))
  );
}

/** Without keys and their address the issuer is asked where they are, as OpenID Connect Discovery has it. */
function checkRule(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  if (value.jwks !== undefined || value.jwksUri !== undefined) return value;
  const fault = isUri(String(value.issuer));
  if (fault === undefined) return value;
  const message = `${path} needs jwks or jwksUri: its issuer is no address that could be asked where its keys are`;
  context.report("TR0208", value.at.position, message);
  return undefined;
}

function checkSpec(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { at, jwtRules } = value as unknown as ReadObject & { jwtRules?: readonly unknown[] };
  if ((jwtRules?.length ?? 0) <= MAX_JWT_RULES) return value;
  context.report("TR0209", at.position, `${path} has more than ${MAX_JWT_RULES} rules`);
  return undefined;
}

import { constants, type KeyObject, verify } from "node:crypto";
import { type IssuerKey, parseObject, SIGNING_ALGORITHMS } from "../../codecs/key-set.ts";
import type { Claims } from "../../codecs/xds/claims.ts";

/** Longest token that is looked at, characters. */
export const MAX_TOKEN = 8_192;
/** How far clocks may differ, s. */
const SKEW_S = 60;
/** Longest name of a key, or signature, that is waited for, characters: RSA of 8192 bits has 1,366. */
const MAX_MARK = 1_400;
/** How the mark of a token begins that names its key. */
const KID = "kid ";

/** What is asked of a token. */
export interface TokenRules {
  readonly issuer: string;
  /** One must be among the token's; none asks for nothing. */
  readonly audiences: readonly string[];
  readonly keys: readonly IssuerKey[];
}

/** Claims of a token that is good, until when (s since 1970), or what is wrong with it. */
export type TokenVerdict = { readonly claims: Claims; readonly untilS: number } | TokenFault;

interface TokenFault {
  readonly fault: string;
  /** It may be signed by a key of its issuer that is not known yet: what tells that key, or else the token, from others. */
  readonly unknownKey?: string;
}

/**
 * Verifies a token in compact form (RFC 7519): signature, issuer, audience and time, with a minute for clocks that differ. Only public-key
 * algorithms count; `none` is none of them, and neither is a header that marks anything as critical.
 */
export function verifyToken(token: string, { issuer, audiences, keys }: TokenRules, nowS: number): TokenVerdict {
  if (token.length > MAX_TOKEN) return { fault: `Jwt is longer than ${MAX_TOKEN} characters` };
  const [head, payload, signature, ...rest] = token.split(".");
  if (signature === undefined || rest.length > 0 || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token))
    return { fault: "Jwt is not in the form of Header.Payload.Signature" };
  const header = parseObject(decode(head!));
  const claims = parseObject(decode(payload!));
  if (header === undefined || claims === undefined) return { fault: "Jwt header or payload is no JSON" };
  const { alg, kid, crit } = header;
  if (crit !== undefined) return { fault: "Jwt header has critical extensions" };
  if (claims.iss !== issuer) return { fault: "Jwt issuer is not configured" };
  const { exp, nbf } = claims;
  if ((exp !== undefined && typeof exp !== "number") || (nbf !== undefined && typeof nbf !== "number"))
    return { fault: "Jwt has a time that is no number" };
  if (typeof exp === "number" && !(exp + SKEW_S > nowS)) return { fault: "Jwt is expired" };
  if (typeof nbf === "number" && !(nbf - SKEW_S <= nowS)) return { fault: "Jwt not yet valid" };
  if (!isMeant(claims.aud, audiences)) return { fault: "Audiences in Jwt are not allowed" };
  const fitting = keys.filter(
    (key) => key.algorithms.includes(String(alg)) && (kid === undefined || key.id === undefined || key.id === kid),
  );
  const mark = typeof kid === "string" ? `${KID}${kid}` : `signature ${signature}`;
  const isKnown = kid !== undefined && keys.some(({ id }) => id === kid);
  const newer = !isKnown && SIGNING_ALGORITHMS.has(String(alg)) && mark.length <= MAX_MARK ? { unknownKey: mark } : {};
  if (fitting.length === 0) return { fault: "Jwks has no key for the Jwt", ...newer };
  const signed = Buffer.from(`${head}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!fitting.some(({ key }) => isSigned(String(alg), key, signed, bytes)))
    return { fault: "Jwt verification fails", ...newer };
  return { claims, untilS: typeof exp === "number" ? exp + SKEW_S : Number.POSITIVE_INFINITY };
}

/** Whether a token with such a mark of its unknown key may be signed by one of these. */
export function maySign(keys: readonly IssuerKey[], mark: string): boolean {
  return !mark.startsWith(KID) || keys.some(({ id }) => id === undefined || `${KID}${id}` === mark);
}

function isMeant(aud: unknown, audiences: readonly string[]): boolean {
  if (audiences.length === 0) return true;
  const said: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return said.some(
    (one) =>
      typeof one === "string" &&
      audiences.some((meant) => meant === one || plainAudience(meant) === plainAudience(one)),
  );
}

/** Without scheme and the slash at its end: Envoy compares audiences so. */
function plainAudience(text: string): string {
  return text.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

function isSigned(alg: string, key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  try {
    if (alg === "EdDSA") return verify(null, signed, key, signature);
    const digest = `sha${alg.slice(2)}`;
    if (alg.startsWith("ES")) return verify(digest, signed, { key, dsaEncoding: "ieee-p1363" }, signature);
    if (alg.startsWith("RS")) return verify(digest, signed, key, signature);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(digest, signed, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
  } catch {
    return false;
  }
}

function decode(part: string): string {
  return Buffer.from(part, "base64url").toString("utf8");
}

import { createHash } from "node:crypto";
import { ConfigError } from "../../base/errors.ts";
import { type Identity, isIdentity } from "../../model/identity.ts";
import type { Authenticator } from "./callers.ts";

/** Most tokens of one file. */
const MAX_TOKENS = 10_000;
/** Shortest token that is taken, characters. */
const MIN_TOKEN = 16;

/** Identities by the SHA-256 of the token: what is looked up says nothing by the time it takes. */
export type TokenTable = ReadonlyMap<string, Identity>;

/**
 * Reads tokens, one a line: `TOKEN NAMESPACE/ACCOUNT`; what stands behind `#` at the start of a line is a note. Throws a `ConfigError`
 * that names the line and none of its text.
 */
export function parseTokens(text: string, trustDomain: string): TokenTable {
  const table = new Map<string, Identity>();
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return;
    const fault = (problem: string) => new ConfigError("ca.tokens", `line ${i + 1} ${problem}`);
    const parts = line.trim().split(/\s+/);
    const [token = "", account = ""] = parts;
    const [namespace = "", serviceAccount = "", ...more] = account.split("/");
    const identity = { trustDomain, namespace, serviceAccount };
    if (parts.length !== 2 || more.length > 0 || !isIdentity(identity))
      throw fault("must be a token and NAMESPACE/ACCOUNT with a space between");
    if (token.length < MIN_TOKEN) throw fault(`has a token of less than ${MIN_TOKEN} characters`);
    const key = hashOf(token);
    if (table.has(key)) throw fault("has a token that stands above already");
    table.set(key, identity);
    if (table.size > MAX_TOKENS) throw new ConfigError("ca.tokens", `over ${MAX_TOKENS} tokens`);
  });
  return table;
}

/** Who has a token of the table is whom the table says: for machines that have nothing else to prove themselves by. */
export function byToken(table: () => TokenTable): Authenticator {
  return {
    name: "token",
    authenticate: async ({ token }) => (token === undefined ? undefined : table().get(hashOf(token))),
  };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

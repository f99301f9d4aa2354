/**
 * Nacos' configurations over HTTP, as 1.x and later have them; b2 is the byte 2, b1 the byte 1:
 *
 *     GET  /v1/cs/configs?dataId&group[&tenant]    200 the text, Content-MD5: hex | 404
 *     POST /v1/cs/configs/listener                 Listening-Configs = (dataId b2 group b2 md5 [b2 tenant] b1)...
 *                                                  200 (dataId b2 group [b2 tenant] b1)... of those whose md5 is another, percent-encoded
 *     POST /v1/auth/login                          username, password: {"accessToken": text, "tokenTtl": seconds}
 *
 * The tenant is the namespace's id; "public" has none. Reference: Nacos 2.3.2, seen.
 */
import { ProtocolError } from "../../base/errors.ts";

const FIELD = "\u0002";
const END = "\u0001";

/** What a configuration is known by. */
export interface ConfigKey {
  readonly dataId: string;
  readonly group: string;
  /** Id of the namespace; empty for `public`. */
  readonly tenant: string;
}

/** Prints what is listened to, each with the MD5 (hex) of what is known of it: empty where it is taken not to be there. */
export function printListening(list: Iterable<Listening>): string {
  let text = "";
  for (const { dataId, group, tenant, md5 } of list)
    text += [dataId, group, md5, ...(tenant === "" ? [] : [tenant])].join(FIELD) + END;
  return text;
}

/** What is listened to, with the MD5 (hex) of what is known of it: empty where it is taken not to be there. */
export interface Listening extends ConfigKey {
  readonly md5: string;
}

/** Reads what is listened to; what names none is left out. */
export function parseListening(text: string): readonly Listening[] {
  return text.split(END).flatMap((line) => {
    const [dataId = "", group = "", md5 = "", tenant = ""] = line.split(FIELD);
    return dataId === "" || group === "" ? [] : [{ dataId, group, tenant, md5 }];
  });
}

/** Prints which configurations changed. */
export function printChanged(list: Iterable<ConfigKey>): string {
  let text = "";
  for (const { dataId, group, tenant } of list)
    text += [dataId, group, ...(tenant === "" ? [] : [tenant])].join(FIELD) + END;
  return `${encodeURIComponent(text)}\n`;
}

/** Reads which configurations changed. Throws `ProtocolError` for anything else. */
export function parseChanged(text: string): readonly ConfigKey[] {
  let plain: string;
  try {
    // As Java's URLDecoder: what was encoded there has a plus for a space.
    plain = decodeURIComponent(text.trim().replaceAll("+", " "));
  } catch {
    throw new ProtocolError("nacos", "nacos' list of changed configurations is not percent-encoded");
  }
  const lines = plain.split(END);
  if (lines.pop()?.trim() !== "") throw new ProtocolError("nacos", "nacos' list of changed configurations has no end");
  return lines.map((line) => {
    const [dataId = "", group = "", tenant = "", ...more] = line.split(FIELD);
    if (dataId === "" || group === "" || more.length > 0)
      throw new ProtocolError("nacos", "nacos' list of changed configurations names none");
    return { dataId, group, tenant };
  });
}

/** Reads the answer to a login: the token, and how long it is good for, ms. Throws `ProtocolError` where it is none. */
export function parseLogin(text: string): { readonly token: string; readonly ttlMs: number } {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ProtocolError("nacos", "nacos' answer to the login is no JSON");
  }
  const { accessToken, tokenTtl } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  // A header cannot hold anything else.
  if (typeof accessToken !== "string" || !/^[\x21-\x7e]{1,8192}$/.test(accessToken))
    throw new ProtocolError("nacos", "nacos' answer to the login has no token");
  const ttlMs = typeof tokenTtl === "number" && tokenTtl > 0 ? tokenTtl * 1000 : Number.POSITIVE_INFINITY;
  return { token: accessToken, ttlMs };
}

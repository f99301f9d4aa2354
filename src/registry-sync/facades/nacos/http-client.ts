import type { IncomingMessage } from "node:http";
import { plainAddress } from "../../allow.ts";
import type { FacadeClient } from "../../present/context.ts";
import type { NacosCounters } from "./counters.ts";
import type { TokenLogins } from "./token-logins.ts";

/** What of a request says who asks. */
export type Asking = Pick<IncomingMessage, "headers"> & {
  readonly socket?: { readonly remoteAddress?: string | undefined } | null;
};

/** A client of HTTP, as one request shows it. */
export type HttpClient = Required<FacadeClient>;

const NO_NAME = "unknown";
const MAX_NAME = 256;

/** Who asks. Clients say their application in a parameter where they ask for services, in a header where they ask for configurations. */
export function httpClient({ headers, socket }: Asking, query: URLSearchParams): HttpClient {
  const said = query.get("app") || headers["client-appname"] || headers["app"];
  const application = (Array.isArray(said) ? said[0] : said) ?? "";
  return {
    address: plainAddress(socket?.remoteAddress ?? ""),
    application: application === NO_NAME ? "" : application.slice(0, MAX_NAME),
  };
}

/** A request that was answered. */
export interface AnsweredRequest {
  /** Path below the API's root. */
  readonly base: string;
  readonly query: URLSearchParams;
  readonly address: string;
  readonly status: number;
}

/** Whether a request is for a token. */
export function isLogin(base: string): boolean {
  return base.endsWith("/login");
}

/** Who asks: by a token that the registry took or gave, or a password that it did not take. `given` is the body of an answer to a login. */
export function noteUser(
  { base, query, address, status }: AnsweredRequest,
  counters: Pick<NacosCounters, "loginsRefused">,
  logins: Pick<TokenLogins, "heard" | "renewed" | "refused"> | undefined,
  given?: Buffer,
): void {
  const token = query.get("accessToken");
  if (isLogin(base)) {
    // A Nacos 2.3.2 refuses by an answer that breaks HTTP.
    if ([401, 403, 502].includes(status)) {
      counters.loginsRefused++;
      logins?.refused(address);
    } else if (status === 200 && given !== undefined) {
      const renewed = tokenIn(given);
      if (renewed !== undefined) logins?.renewed(address, renewed);
    }
  } else if (status === 200 && token !== null && /^\/v[12]\/ns\/instance/.test(base)) logins?.heard(address, token);
}

/** The token in the answer to a login. */
function tokenIn(answer: Buffer): string | undefined {
  try {
    const said: unknown = JSON.parse(answer.toString("utf8"));
    const token =
      typeof said === "object" && said !== null ? (said as Record<string, unknown>)["accessToken"] : undefined;
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}

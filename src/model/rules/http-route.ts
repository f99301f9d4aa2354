import type { ConsistentHash } from "./destination-rule.ts";
import type { Located } from "./located.ts";

/** How a text is compared. `present` asks only that there is one; a regex is RE2 and of the full text. */
export type TextMatch =
  | { readonly type: "exact" | "prefix" | "regex"; readonly value: string }
  | { readonly type: "present" };

/** One `match` entry: all of its conditions hold together. Istio's HTTPMatchRequest, under its own field names. */
export interface HttpMatch extends Located {
  readonly name?: string;
  readonly uri?: TextMatch;
  readonly ignoreUriCase?: boolean;
  /** On a Dubbo host the Java method's name. */
  readonly method?: TextMatch;
  readonly authority?: TextMatch;
  readonly headers?: Readonly<Record<string, TextMatch>>;
  readonly withoutHeaders?: Readonly<Record<string, TextMatch>>;
  readonly gateways?: readonly string[];
  /** The port of the service, or of the gateway, that the call came to; 0 is none. */
  readonly port?: number;
  /** Of the caller: tested where the proxy is its own, else as far as its registration as a consumer tells. */
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  /** Conditions that no Dubbo call can meet: a match that has one never applies. */
  readonly scheme?: TextMatch;
  readonly queryParams?: Readonly<Record<string, TextMatch>>;
}

/** Where calls go. A plain interface name keeps the caller's group and version; no subset means every endpoint. */
export interface Destination extends Located {
  /** An entry's host, or the plain interface name in any case. */
  readonly host: string;
  readonly subset?: string;
  /** Which of its ports; absent: the one by which the call came, else the first. */
  readonly port?: { readonly number?: number };
}

/** Changes to a call's attachments. */
export interface HeaderOperations extends Located {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** Changes to a call's attachments and to those of its answer. */
export interface Headers extends Located {
  readonly request?: HeaderOperations;
  readonly response?: HeaderOperations;
}

/** One of a route's destinations. A weight is a share of the route's sum; one that is not written is 0 unless it stands alone. */
export interface RouteDestination extends Located {
  readonly destination: Destination;
  readonly weight?: number;
  readonly headers?: Headers;
}

/** When a call is tried again; `retryOn` is a comma list of Envoy's words and HTTP status codes. */
export interface Retries extends Located {
  /** Tries after the first; 0 for none. */
  readonly attempts: number;
  readonly perTryTimeoutMs?: number;
  readonly retryOn?: string;
  readonly backoffMs?: number;
  /** True: a further try may go to endpoints of other localities at once. */
  readonly retryRemoteLocalities?: boolean;
  /** False: a further try may go to an endpoint that had one. */
  readonly retryIgnorePreviousHosts?: boolean;
}

/** A share of calls; one without a value is 0, as proto3 has it. */
export interface Percent extends Located {
  /** From 0 to 100. */
  readonly value?: number;
}

/** Holds back a share of calls, all of them where neither share is written. */
export interface Delay extends Located {
  readonly fixedDelayMs: number;
  readonly percentage?: Percent;
  /** Istio's older whole-number form. */
  readonly percent?: number;
}

/** Answers a share of calls with an error, all of them where neither share is written; no provider sees them. */
export interface Abort extends Located {
  /** One of the two is set. */
  readonly httpStatus?: number;
  /** A gRPC code by name, in capitals, or by number. */
  readonly grpcStatus?: string;
  readonly percentage?: Percent;
  readonly percent?: number;
}

/** Faults for calls of a route; a call that both hit waits before it is aborted. */
export interface Fault extends Located {
  readonly delay?: Delay;
  readonly abort?: Abort;
}

/** An answer without a provider; `status` is an HTTP status from 100 to 599. */
export interface DirectResponseRule extends Located {
  readonly status: number;
  /** One of the two; `bytes` is base64. */
  readonly body?: Located & { readonly string?: string; readonly bytes?: string };
}

/** How a path (`/interface/method` of a Dubbo call) changes: the matched prefix, or the whole path of another match, becomes `uri`. */
export interface Rewrite extends Located {
  readonly uri?: string;
  /** The Host that the provider sees. */
  readonly authority?: string;
  /** In place of `uri`: what an RE2 expression finds in the path is replaced; `\1` in `rewrite` is what a group found. */
  readonly uriRegexRewrite?: Located & { readonly match: string; readonly rewrite: string };
}

/** A service that a share of the calls, all without a share, is sent to as well; its answers are thrown away. */
export interface Mirror extends Located {
  readonly destination: Destination;
  readonly percentage?: Percent;
}

/** The VirtualService whose routes stand in this one's place. */
export interface Delegate extends Located {
  readonly name: string;
  /** The referring rule's own where it is not said. */
  readonly namespace?: string;
}

/** Which web pages of other origins a browser lets call through a gateway. */
export interface CorsPolicy extends Located {
  readonly allowOrigins: readonly TextMatch[];
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAgeMs?: number;
  readonly allowCredentials?: boolean;
  /** What becomes of preflight requests of other origins: `IGNORE` answers them without permission, else they go on as any request. */
  readonly unmatchedPreflights?: "UNSPECIFIED" | "FORWARD" | "IGNORE";
}

/** Where callers of HTTP are sent; what is absent, or empty, stays as the request has it. */
export interface Redirect extends Located {
  /** The whole path; at most one of the two is set. */
  readonly uri?: string;
  /** In place of the matched prefix. */
  readonly prefixRewrite?: string;
  readonly authority?: string;
  /** At most one of the two is set. */
  readonly port?: number;
  readonly derivePort?: "FROM_PROTOCOL_DEFAULT" | "FROM_REQUEST_PORT";
  readonly scheme?: string;
  /** 301 where it is absent. */
  readonly redirectCode?: RedirectStatus;
}

/** The statuses of redirects. */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/** One entry of `http`: the first that matches a call decides. */
export interface HttpRoute extends Located {
  readonly name?: string;
  /** Any of them; absent or empty for every call. */
  readonly match?: readonly HttpMatch[];
  /** One of the four is set. */
  readonly route?: readonly RouteDestination[];
  /** Calls of Dubbo's services in the mesh pass it over: their callers cannot be sent elsewhere. */
  readonly redirect?: Redirect;
  readonly directResponse?: DirectResponseRule;
  readonly delegate?: Delegate;
  /** 0 for none. */
  readonly timeoutMs?: number;
  readonly retries?: Retries;
  readonly fault?: Fault;
  readonly headers?: Headers;
  readonly rewrite?: Rewrite;
  /** `mirror` and its percentages are among them. */
  readonly mirrors?: readonly Mirror[];
  /** Holds for calls that come in by a gateway alone. */
  readonly corsPolicy?: CorsPolicy;
  /** What calls of one session have in common, where they are to go to one endpoint. */
  readonly session?: ConsistentHash;
}

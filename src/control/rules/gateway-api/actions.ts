import type {
  HeaderOperations,
  Headers,
  HttpRoute,
  Mirror,
  Redirect,
  RedirectStatus,
  Retries,
  Rewrite,
  RouteDestination,
} from "../../../model/rules/http-route.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { destinationOf, readRef, type WrittenRef } from "./refs.ts";
import { readSession, type WrittenSession } from "./sessions.ts";

interface Named extends Located {
  readonly name: string;
  readonly value: string;
}

interface HeaderModifier extends Located {
  readonly set?: readonly Named[];
  readonly add?: readonly Named[];
  readonly remove?: readonly string[];
}

interface PathModifier extends Located {
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

/** A filter; which one its `type` says, of which fields count those that it has. */
export interface WrittenFilter extends Located {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly requestMirror?: Located & {
    readonly backendRef: WrittenRef;
    readonly percent?: number;
    readonly fraction?: { readonly numerator: number; readonly denominator?: number };
  };
  readonly urlRewrite?: Located & {
    readonly hostname?: string;
    readonly path?: PathModifier;
  };
  readonly requestRedirect?: Located & {
    readonly scheme?: string;
    readonly hostname?: string;
    readonly path?: PathModifier;
    readonly port?: number;
    readonly statusCode?: RedirectStatus;
  };
}

/** A backend with its share of the calls. */
export interface WrittenBackend extends WrittenRef {
  readonly weight?: number;
  readonly filters?: readonly WrittenFilter[];
}

/** What a rule does, beside its matches. */
export interface WrittenAction extends Located {
  readonly name?: string;
  readonly filters?: readonly WrittenFilter[];
  readonly backendRefs?: readonly WrittenBackend[];
  readonly sessionPersistence?: WrittenSession;
  readonly timeouts?: { readonly requestMs?: number; readonly backendRequestMs?: number };
  readonly retry?: Located & {
    readonly codes?: readonly number[];
    readonly attempts?: number;
    readonly backoffMs?: number;
  };
}

/** Everything of an `http` entry but its match and its place. */
export type RouteAction = Omit<HttpRoute, "match" | "at">;

/** Reads what a rule does. Backends of kinds that do not count are reported and get no calls; a rule without backends answers 500, as Gateway API says. */
export function readAction(rule: WrittenAction, namespace: string, report: Report): RouteAction {
  const backends = rule.backendRefs ?? [];
  const route = backends.flatMap((backend) => readBackend(backend, namespace, report));
  const filters = [...(rule.filters ?? []), ...filtersOfAll(backends, report)];
  const name = rule.name === undefined ? {} : { name: rule.name };
  const unknown = [...filters, ...backends.flatMap((one) => one.filters ?? [])].find(isUnknown);
  if (unknown !== undefined) {
    const text = `filter ${unknown.type} is not known here: what it keeps off must not pass, so calls of its rule are answered 500`;
    report("TR0256", unknown.at.position, text);
    return { ...name, directResponse: { at: rule.at, status: 500 } };
  }
  const headers = readHeaders(rule.at, filters);
  const mirrors = filters.flatMap((filter) => readMirror(filter, namespace, report));
  const rewrite = filters.flatMap((filter) => readRewrite(filter))[0];
  const redirect = filters.flatMap((filter) => readRedirect(filter))[0];
  if (redirect !== undefined) return { ...name, redirect, ...(headers && { headers }) };
  const sends = route.some(({ weight }) => weight !== 0);
  return {
    ...name,
    ...(sends ? { route } : { directResponse: { at: rule.at, status: 500 } }),
    ...(headers && { headers }),
    ...(mirrors.length > 0 && { mirrors }),
    ...(rewrite && { rewrite }),
    ...(rule.sessionPersistence && { session: readSession(rule.sessionPersistence, report) }),
    ...readTimes(rule),
  };
}

/** Filters that a rule without them would let calls pass by. */
function isUnknown({ type }: WrittenFilter): boolean {
  return type === "ExtensionRef" || type === "ExternalAuth";
}

/** Mirrors and rewrites of the one backend that gets calls: they are its rule's. Of one among several they are told. */
function filtersOfAll(backends: readonly WrittenBackend[], report: Report): readonly WrittenFilter[] {
  const called = backends.filter(({ weight }) => weight !== 0);
  const own = called.flatMap(({ filters = [] }) =>
    filters.filter(({ requestMirror, urlRewrite }) => requestMirror !== undefined || urlRewrite !== undefined),
  );
  if (called.length === 1) return own;
  for (const { at, type } of own) {
    const text = `${type} of one backend among several is left out: only a rule as a whole has one; give the backend a rule of its own`;
    report("TR0228", at.position, text);
  }
  return [];
}

function readBackend(backend: WrittenBackend, namespace: string, report: Report): RouteDestination[] {
  const ref = readRef(backend, namespace, "", "Service");
  if (typeof ref === "string") {
    report(
      "TR0228",
      backend.at.position,
      `backend ${backend.name} is left out: a ${ref} is not called, Service and ServiceEntry are`,
    );
    return [];
  }
  const headers = readHeaders(backend.at, backend.filters ?? []);
  return [
    {
      at: backend.at,
      destination: destinationOf(ref, backend.port),
      weight: backend.weight ?? 1,
      ...(headers && { headers }),
    },
  ];
}

function readHeaders(at: Located["at"], filters: readonly WrittenFilter[]): Headers | undefined {
  const request = filters.find(({ type }) => type === "RequestHeaderModifier")?.requestHeaderModifier;
  const response = filters.find(({ type }) => type === "ResponseHeaderModifier")?.responseHeaderModifier;
  if (request === undefined && response === undefined) return undefined;
  return {
    at,
    ...(request && { request: readModifier(request) }),
    ...(response && { response: readModifier(response) }),
  };
}

function readModifier({ at, set = [], add = [], remove = [] }: HeaderModifier): HeaderOperations {
  const record = (list: readonly Named[]) => Object.fromEntries(list.map(({ name, value }) => [name, value]));
  return {
    at,
    ...(set.length > 0 && { set: record(set) }),
    ...(add.length > 0 && { add: record(add) }),
    ...(remove.length > 0 && { remove }),
  };
}

function readMirror({ requestMirror }: WrittenFilter, namespace: string, report: Report): Mirror[] {
  if (requestMirror === undefined) return [];
  const { at, backendRef, percent, fraction } = requestMirror;
  const ref = readRef(backendRef, namespace, "", "Service");
  if (typeof ref === "string") {
    report(
      "TR0228",
      backendRef.at.position,
      `the mirror is left out: a ${ref} is not called, Service and ServiceEntry are`,
    );
    return [];
  }
  const value = fraction === undefined ? percent : (fraction.numerator * 100) / (fraction.denominator ?? 100);
  const share = value === undefined ? {} : { percentage: { at, value: Math.min(100, value) } };
  return [{ at, destination: destinationOf(ref, backendRef.port), ...share }];
}

function readRewrite({ urlRewrite }: WrittenFilter): Rewrite[] {
  if (urlRewrite === undefined) return [];
  const { at, hostname, path } = urlRewrite;
  return [
    {
      at,
      ...(hostname !== undefined && { authority: hostname }),
      ...(path?.replaceFullPath !== undefined && {
        // A backslash would be taken for the number of a group.
        uriRegexRewrite: { at: path.at, match: "^.*$", rewrite: path.replaceFullPath.replaceAll("\\", "\\\\") },
      }),
      ...(path?.replacePrefixMatch !== undefined && { uri: path.replacePrefixMatch || "/" }),
    },
  ];
}

/** Without a port callers keep theirs, or come by that of the scheme which is told; without a status it is 302. */
function readRedirect({ requestRedirect }: WrittenFilter): Redirect[] {
  if (requestRedirect === undefined) return [];
  const { at, scheme, hostname, path, port, statusCode = 302 } = requestRedirect;
  const derivePort = scheme === undefined ? "FROM_REQUEST_PORT" : "FROM_PROTOCOL_DEFAULT";
  return [
    {
      at,
      ...(scheme !== undefined && { scheme }),
      ...(hostname !== undefined && { authority: hostname }),
      ...(path?.replaceFullPath !== undefined && { uri: path.replaceFullPath }),
      ...(path?.replacePrefixMatch !== undefined && { prefixRewrite: path.replacePrefixMatch || "/" }),
      ...(port === undefined ? { derivePort } : { port }),
      redirectCode: statusCode,
    },
  ];
}

/** What Gateway API tries again beside the codes: calls that found no connection. */
const ALWAYS_RETRIED = ["connect-failure", "refused-stream", "reset-before-request"];

function readTimes({ at, timeouts = {}, retry }: WrittenAction): Pick<HttpRoute, "timeoutMs" | "retries"> {
  const { requestMs, backendRequestMs } = timeouts;
  // Without retries the one try may take no longer than all of them.
  const wholeMs = retry === undefined ? (backendRequestMs ?? requestMs) : requestMs;
  const retries: Retries | undefined = retry && {
    at: retry.at ?? at,
    attempts: retry.attempts ?? 1,
    retryOn: [...ALWAYS_RETRIED, ...(retry.codes ?? [])].join(),
    ...(backendRequestMs !== undefined && backendRequestMs > 0 && { perTryTimeoutMs: backendRequestMs }),
    ...(retry.backoffMs !== undefined && { backoffMs: retry.backoffMs }),
  };
  return { ...(wholeMs !== undefined && { timeoutMs: wholeMs }), ...(retries && { retries }) };
}

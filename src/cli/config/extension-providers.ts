import type { ExtensionProvider } from "../../model/mesh.ts";
import type { KeyShape, Shape } from "./document.ts";
import type { Fail } from "./registries.ts";
import { readDuration } from "./shaping.ts";

/** One item of `mesh.extensionProviders` as the file has it. */
export interface RawProvider {
  readonly name: string;
  readonly envoyExtAuthzGrpc: {
    readonly service: string;
    readonly port: number;
    readonly timeout?: string;
    readonly failOpen?: boolean;
    readonly statusOnError?: string;
  };
}

const text: Shape = { type: "string" };
const FORBIDDEN = 403;
/** Istio's own default, ms. */
const USUAL_TIMEOUT_MS = 600_000;
const MAX_PROVIDERS = 100;

const grpcKeys: Readonly<Record<string, KeyShape>> = {
  service: {
    shape: text,
    required: true,
    doc: "host of the service that answers, as a ServiceEntry or Service has it",
  },
  port: { shape: { type: "port" }, required: true, doc: "its port that speaks gRPC" },
  timeout: {
    shape: { type: "string", what: "a time such as 500ms or 5s" },
    doc: "how long a call waits for the answer; never longer than its own time-out",
    default: "10m",
  },
  failOpen: { shape: { type: "flag" }, doc: "calls pass while the server does not answer", default: "false" },
  statusOnError: {
    shape: { type: "string", what: 'an HTTP status in quotes, such as "503"' },
    doc: "HTTP status for callers while the server does not answer",
    default: '"403"',
  },
  includeRequestBodyInCheck: { shape: text, doc: "", refused: "is not supported: servers are told of heads alone" },
  clearRouteCache: {
    shape: text,
    doc: "",
    refused: "has no meaning: a call's route is chosen before a server is asked",
  },
};

const otherKind: KeyShape = {
  shape: text,
  doc: "",
  refused: "is not supported; of providers envoyExtAuthzGrpc alone is",
};

/** The keys of one item of `mesh.extensionProviders`. */
export const PROVIDER_KEYS: Readonly<Record<string, KeyShape>> = {
  name: { shape: text, required: true, doc: "name by which policies ask for it" },
  envoyExtAuthzGrpc: {
    shape: { type: "map", keys: grpcKeys },
    required: true,
    doc: "a server that speaks envoy.service.auth.v3.Authorization",
  },
  envoyExtAuthzHttp: otherKind,
};

/** Checks the items of `mesh.extensionProviders`; `fail` is told what is wrong, by path. */
export function resolveProviders(items: readonly RawProvider[], fail: Fail): ExtensionProvider[] {
  if (items.length > MAX_PROVIDERS) fail("mesh.extensionProviders", `there are more than ${MAX_PROVIDERS}`);
  const taken = new Set<string>();
  return items.map(({ name, envoyExtAuthzGrpc: grpc }, i) => {
    const at = `mesh.extensionProviders[${i}]`;
    if (taken.has(name)) fail(`${at}.name`, `"${name}" is the name of another provider already`);
    taken.add(name);
    const inner = `${at}.envoyExtAuthzGrpc`;
    const { port, timeout, failOpen = false, statusOnError } = grpc;
    if (port === 0) fail(`${inner}.port`, "0 is no port of a server");
    const timeoutMs = timeout === undefined ? USUAL_TIMEOUT_MS : readDuration(timeout);
    if (timeoutMs === undefined || timeoutMs === 0)
      fail(`${inner}.timeout`, `"${timeout}" is no time such as 500ms or 5s`);
    const status = statusOnError === undefined ? FORBIDDEN : Number(statusOnError);
    if (!Number.isInteger(status) || status < 400 || status > 599)
      fail(`${inner}.statusOnError`, `"${statusOnError}" is no HTTP status from 400 to 599`);
    // Istio lets a namespace stand before the host.
    const service = grpc.service.slice(grpc.service.indexOf("/") + 1).toLowerCase();
    return { name, service, port, timeoutMs: timeoutMs || USUAL_TIMEOUT_MS, failOpen, statusOnError: status };
  });
}

import type {
  HeaderOperations,
  HttpMatch,
  HttpRoute,
  Mirror,
  Percent,
  RouteDestination,
  TextMatch,
} from "../../../model/rules/http-route.ts";
import type { Located, RuleIdentity } from "../../../model/rules/located.ts";
import type { MetaRouter } from "../../../model/rules/meta-router.ts";
import type { ObjectShape } from "../schema.ts";
import { checkShare, metadata } from "./istio-schema.ts";
import { anyText, anything, exactHost, headerMatches, host, listOf, text, whole } from "./istio-values.ts";
import {
  globalRateLimit,
  localRateLimit,
  readGlobal,
  readLocal,
  type WrittenGlobal,
  type WrittenLocal,
  type WrittenMatch,
} from "./rate-limit-schema.ts";
import { meaningless, object } from "./shapes.ts";

const MAX_INT = 2_147_483_647;

const match = object({ attributes: { shape: headerMatches } });

const destination = object({
  host: { shape: exactHost, required: true },
  subset: { shape: text },
  port: meaningless("calls go to each provider's own port", object({ number: { shape: whole(1, 65_535) } })),
});

const pair = object({ key: { shape: text, required: true }, value: { shape: anyText, required: true } });

const percentage = object({ value: { shape: { type: "number", min: 0, max: 100 } } });

const route = object(
  {
    name: { shape: anyText },
    match: { shape: match },
    route: {
      shape: listOf(
        object({ destination: { shape: destination, required: true }, weight: { shape: whole(0, MAX_INT) } }),
        1,
      ),
      required: true,
    },
    requestMutation: { shape: listOf(pair) },
    responseMutation: { shape: listOf(pair) },
    mirror: { shape: destination },
    mirrorPercentage: { shape: percentage },
  },
  {
    into: (value, context, path) => {
      checkShare(value, context, path);
      return value;
    },
  },
);

/** What a whole MetaRouter must be (metaprotocol.aeraki.io/v1alpha1). */
export const META_ROUTER: ObjectShape = object({
  apiVersion: { shape: text, required: true },
  kind: { shape: text, required: true },
  metadata: { shape: metadata, required: true },
  spec: {
    required: true,
    shape: object({
      hosts: { shape: listOf(host, 1), required: true },
      gateways: { shape: listOf(text) },
      routes: { shape: listOf(route) },
      exportTo: meaningless("Aeraki passes it over as well", listOf(text)),
      localRateLimit: { shape: localRateLimit },
      globalRateLimit: { shape: globalRateLimit },
    }),
  },
  status: { shape: anything },
});

interface Pair {
  readonly key: string;
  readonly value: string;
}

interface WrittenRoute extends Located {
  readonly name?: string;
  readonly match?: WrittenMatch;
  readonly route: readonly RouteDestination[];
  readonly requestMutation?: readonly Pair[];
  readonly responseMutation?: readonly Pair[];
  readonly mirror?: Mirror["destination"];
  readonly mirrorPercentage?: Percent;
}

interface Spec {
  readonly hosts: readonly string[];
  readonly gateways?: readonly string[];
  readonly routes?: readonly WrittenRoute[];
  readonly localRateLimit?: WrittenLocal;
  readonly globalRateLimit?: WrittenGlobal;
}

/** What a MetaRouter's spec says, beside what all rules have. */
export function readMetaRouter(spec: Located & Record<string, unknown>): Omit<MetaRouter, keyof RuleIdentity | "kind"> {
  const { hosts, gateways = [], routes = [], localRateLimit: local, globalRateLimit: global } = spec as unknown as Spec;
  return {
    hosts,
    gateways,
    http: routes.map(readRoute),
    ...(local && { localRateLimit: readLocal(local, readMatch) }),
    ...(global && { globalRateLimit: readGlobal(global, readMatch) }),
  };
}

function readRoute({
  at,
  name,
  match: written,
  route: to,
  requestMutation,
  responseMutation,
  ...rest
}: WrittenRoute): HttpRoute {
  const headers = {
    ...(requestMutation && { request: setTo(at, requestMutation) }),
    ...(responseMutation && { response: setTo(at, responseMutation) }),
  };
  const { mirror, mirrorPercentage } = rest;
  return {
    at,
    ...(name !== undefined && { name }),
    ...(written && { match: [readMatch(written)] }),
    route: to,
    ...(Object.keys(headers).length > 0 && { headers: { at, ...headers } }),
    ...(mirror && {
      mirrors: [{ at: mirror.at, destination: mirror, ...(mirrorPercentage && { percentage: mirrorPercentage }) }],
    }),
  };
}

function setTo(at: Located["at"], pairs: readonly Pair[]): HeaderOperations {
  return { at, set: Object.fromEntries(pairs.map(({ key, value }) => [key, value])) };
}

/** `interface` and `method` are a call's path; other attributes are its attachments, under the names that Aeraki's codec gives them. */
function readMatch({ at, attributes = {} }: WrittenMatch): HttpMatch {
  const { interface: service, method, ...others } = attributes;
  const uri = serviceUri(service);
  return {
    at,
    ...(uri && { uri }),
    ...(method && { method }),
    ...(Object.keys(others).length > 0 && { headers: { ...others } }),
  };
}

function serviceUri(service: TextMatch | undefined): TextMatch | undefined {
  if (service === undefined || service.type === "present") return undefined;
  return service.type === "exact"
    ? { type: "prefix", value: `/${service.value}/` }
    : service.type === "prefix"
      ? { type: "prefix", value: `/${service.value}` }
      : { type: "regex", value: `/(?:${service.value})/.*` };
}

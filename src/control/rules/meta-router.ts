import type {
  HeaderOperations,
  HttpMatch,
  HttpRoute,
  Mirror,
  Percent,
  RouteDestination,
  TextMatch,
} from "../../model/rules/http-route.ts";
import type { Located } from "../../model/rules/located.ts";
import type { MetaRouter } from "../../model/rules/meta-router.ts";
import { metadata } from "./istio-schema.ts";
import { anyText, anything, exactHost, headerMatches, host, listOf, text, whole } from "./istio-values.ts";
import type { ObjectShape } from "./schema.ts";
import { meaningless, notYet, object } from "./shapes.ts";

const MAX_INT = 2_147_483_647;

const match = object({ attributes: { shape: headerMatches } });

const destination = object({
  host: { shape: exactHost, required: true },
  subset: { shape: text },
  port: meaningless("calls go to each provider's own port", object({ number: { shape: whole(1, 65_535) } })),
});

const pair = object({ key: { shape: text, required: true }, value: { shape: anyText, required: true } });

const percentage = object({ value: { shape: { type: "number", min: 0, max: 100 } } });

const route = object({
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
});

const limits = "calls are not counted";

/** What a whole MetaRouter must be (metaprotocol.aeraki.io/v1alpha1). */
export const META_ROUTER: ObjectShape = object({
  apiVersion: { shape: text, required: true },
  kind: { shape: text, required: true },
  metadata: { shape: metadata, required: true },
  spec: {
    required: true,
    shape: object({
      hosts: { shape: listOf(host, 1), required: true },
      routes: { shape: listOf(route) },
      exportTo: meaningless("Aeraki passes it over as well", listOf(text)),
      localRateLimit: notYet(limits),
      globalRateLimit: notYet(limits),
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
  readonly match?: Located & { readonly attributes?: Readonly<Record<string, TextMatch>> };
  readonly route: readonly RouteDestination[];
  readonly requestMutation?: readonly Pair[];
  readonly responseMutation?: readonly Pair[];
  readonly mirror?: Mirror["destination"];
  readonly mirrorPercentage?: Percent;
}

/** What a MetaRouter's spec says, beside what all rules have. */
export function readMetaRouter(spec: Located & Record<string, unknown>): Pick<MetaRouter, "hosts" | "http"> {
  const { hosts, routes = [] } = spec as unknown as {
    readonly hosts: readonly string[];
    readonly routes?: readonly WrittenRoute[];
  };
  return { hosts, http: routes.map(readRoute) };
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
function readMatch({ at, attributes = {} }: NonNullable<WrittenRoute["match"]>): HttpMatch {
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

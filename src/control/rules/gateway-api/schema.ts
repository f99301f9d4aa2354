import { anyText, anything, duration, durationOrZero, listOf, text, whole } from "../kinds/istio-values.ts";
import { checkLocation } from "../kinds/redirect.ts";
import { meaningless, object } from "../kinds/shapes.ts";
import { type ObjectShape, quote, type Shape } from "../schema.ts";
import type { WrittenSession } from "./sessions.ts";

const MAX_WEIGHT = 1_000_000;

const choice = (...of: readonly string[]): Shape => ({ type: "choice", of });

const refFields = {
  group: { shape: anyText },
  kind: { shape: text },
  name: { shape: text, required: true },
  namespace: { shape: text },
  port: { shape: whole(1, 65_535) },
} as const;

const parentRef = object({ ...refFields, sectionName: { shape: anyText } });

const named = object({ name: { shape: text, required: true }, value: { shape: anyText, required: true } });

const headerModifier = object({
  set: { shape: listOf(named) },
  add: { shape: listOf(named) },
  remove: { shape: listOf(text) },
});

/** A filter, whose `type` names the field that says what it does. */
const filterOf = (fields: ObjectShape["fields"]): ObjectShape =>
  object(
    { type: { shape: text, required: true }, ...fields },
    {
      into: (value, { report }, path) => {
        const type = value.type as string;
        const field = Object.keys(fields).find((name) => name.toLowerCase() === type.toLowerCase());
        const position = value.at.fields.type ?? value.at.position;
        if (field === undefined) report("TR0209", position, `${path}.type is ${quote(type)}, which is no filter here`);
        else if (value.at.fields[field] === undefined) report("TR0208", position, `${path}.${field} is missing`);
        else return value;
        return undefined;
      },
    },
  );

const mirror = object(
  {
    backendRef: { shape: object(refFields), required: true },
    percent: { shape: whole(0, 100) },
    fraction: {
      shape: object({
        numerator: { shape: whole(0, 1_000_000), required: true },
        denominator: { shape: whole(1, 1_000_000) },
      }),
    },
  },
  { exclusive: [["percent", "fraction"]] },
);

const pathModifier = object(
  {
    type: { shape: choice("ReplaceFullPath", "ReplacePrefixMatch"), required: true },
    replaceFullPath: { shape: text },
    replacePrefixMatch: { shape: anyText },
  },
  { exclusive: [["replaceFullPath", "replacePrefixMatch"]] },
);

const requestRedirect = object(
  {
    scheme: { shape: choice("http", "https") },
    hostname: { shape: text },
    path: { shape: { ...pathModifier, into: checkLocation } },
    port: { shape: whole(1, 65_535) },
    statusCode: { shape: whole(0, 999) },
  },
  { into: checkLocation },
);

const urlRewrite = object({ hostname: { shape: text }, path: { shape: pathModifier } });

const session = object(
  {
    sessionName: {
      shape: {
        type: "text",
        check: (value) =>
          /^[\w-]{1,128}$/.test(value)
            ? undefined
            : { code: "TR0209", problem: `is ${quote(value)}; it must be letters, digits, - and _, 128 at most` },
      },
    },
    type: { shape: choice("Cookie", "Header") },
    absoluteTimeout: { shape: duration, as: "absoluteTimeoutMs" },
    idleTimeout: { shape: duration, as: "idleTimeoutMs" },
    cookieConfig: { shape: object({ lifetimeType: { shape: choice("Permanent", "Session") } }) },
  },
  {
    into(value, { report }, path) {
      const { type = "Cookie", cookieConfig, absoluteTimeoutMs } = value as unknown as WrittenSession;
      const isPermanent = cookieConfig?.lifetimeType === "Permanent";
      if (isPermanent && absoluteTimeoutMs === undefined)
        return report(
          "TR0208",
          value.at.position,
          `${path}.absoluteTimeout is missing: the cookie is Permanent`,
        ) as undefined;
      if (type === "Cookie" || cookieConfig === undefined) return value;
      return report("TR0213", value.at.fields.cookieConfig!, `${path}.cookieConfig is for type Cookie`) as undefined;
    },
  },
);

const commonFilters = {
  requestHeaderModifier: { shape: headerModifier },
  responseHeaderModifier: { shape: headerModifier },
  requestMirror: { shape: mirror },
  extensionRef: { shape: anything },
} as const;

/** Of a rule and of a backend. */
const grpcFilter = filterOf(commonFilters);

const furtherFilters = {
  ...commonFilters,
  urlRewrite: { shape: urlRewrite },
  cors: meaningless("no browser makes a call in the mesh"),
  externalAuth: { shape: anything },
} as const;

const httpFilter = filterOf({ ...furtherFilters, requestRedirect: { shape: requestRedirect } });

const httpBackendFilter = filterOf({
  ...furtherFilters,
  requestRedirect: meaningless("a redirect stands among its rule's filters"),
});

/** A text by its `type`: as it is, or a regular expression. */
const typed = (fields: ObjectShape["fields"], ...types: readonly string[]): ObjectShape =>
  object({ type: { shape: choice(...types) }, ...fields });

const headerMatch = typed(
  { name: { shape: text, required: true }, value: { shape: anyText, required: true } },
  "Exact",
  "RegularExpression",
);

const grpcMatch = object({
  method: { shape: typed({ service: { shape: text }, method: { shape: text } }, "Exact", "RegularExpression") },
  headers: { shape: listOf(headerMatch) },
});

/** A path as it is begins with a slash. */
const httpPath = object(typed({ value: { shape: text } }, "Exact", "PathPrefix", "RegularExpression").fields, {
  into: (value, { report }, path) => {
    const { type, value: said = "/" } = value as { readonly type?: string; readonly value?: string };
    if (type === "RegularExpression" || said.startsWith("/")) return value;
    report("TR0209", value.at.fields.value!, `${path}.value is ${quote(said)}; it must begin with "/"`);
    return undefined;
  },
});

const httpMatch = object({
  path: { shape: httpPath },
  headers: { shape: listOf(headerMatch) },
  queryParams: { shape: listOf(headerMatch) },
  method: { shape: choice("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH") },
});

interface Filters {
  readonly filter: ObjectShape;
  readonly backendFilter: ObjectShape;
}

const rule = (match: ObjectShape, { filter, backendFilter }: Filters, more: ObjectShape["fields"] = {}): ObjectShape =>
  object({
    name: { shape: text },
    matches: { shape: listOf(match) },
    filters: { shape: listOf(filter) },
    backendRefs: {
      shape: listOf(
        object({ ...refFields, weight: { shape: whole(0, MAX_WEIGHT) }, filters: { shape: listOf(backendFilter) } }),
      ),
    },
    sessionPersistence: { shape: session },
    ...more,
  });

const spec = (oneRule: ObjectShape): ObjectShape =>
  object({
    parentRefs: { shape: listOf(parentRef, 1), required: true },
    hostnames: meaningless("routes of the mesh are for their parents' hosts", listOf(text)),
    rules: { shape: listOf(oneRule) },
    useDefaultGateways: meaningless("there are no default gateways", anyText),
  });

/** What the spec of a GRPCRoute must be. */
export const grpcRouteSpec: ObjectShape = spec(rule(grpcMatch, { filter: grpcFilter, backendFilter: grpcFilter }));

/** What the spec of an HTTPRoute must be. */
export const httpRouteSpec: ObjectShape = spec(
  rule(
    httpMatch,
    { filter: httpFilter, backendFilter: httpBackendFilter },
    {
      timeouts: {
        shape: object({
          request: { shape: durationOrZero, as: "requestMs" },
          backendRequest: { shape: durationOrZero, as: "backendRequestMs" },
        }),
      },
      retry: {
        shape: object({
          codes: { shape: listOf(whole(400, 599)) },
          attempts: { shape: whole(0, 100) },
          backoff: { shape: duration, as: "backoffMs" },
        }),
      },
    },
  ),
);

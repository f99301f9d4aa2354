import { anyText, duration, durationOrZero, listOf, text, whole } from "../istio-values.ts";
import { type ObjectShape, quote, type Shape } from "../schema.ts";
import { meaningless, notYet, object } from "../shapes.ts";

const MAX_WEIGHT = 1_000_000;

const choice = (...of: readonly string[]): Shape => ({ type: "choice", of });

const refFields = {
  group: { shape: anyText },
  kind: { shape: text },
  name: { shape: text, required: true },
  namespace: { shape: text },
  port: { shape: whole(1, 65_535) },
} as const;

const parentRef = object({ ...refFields, sectionName: meaningless("a service of the mesh has no sections", anyText) });

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

const backend = object({
  ...refFields,
  weight: { shape: whole(0, MAX_WEIGHT) },
  filters: {
    shape: listOf(
      filterOf({
        requestHeaderModifier: { shape: headerModifier },
        responseHeaderModifier: { shape: headerModifier },
        requestMirror: notYet("a mirror of one backend is no mirror of the route"),
        requestRedirect: meaningless("a caller can't be sent elsewhere"),
        urlRewrite: notYet("what one backend's calls become is not told apart"),
        cors: meaningless("no browser makes a call in the mesh"),
        extensionRef: notYet(),
        externalAuth: notYet("an AuthorizationPolicy with action CUSTOM asks a server"),
      }),
    ),
  },
});

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

const commonFilters = {
  requestHeaderModifier: { shape: headerModifier },
  responseHeaderModifier: { shape: headerModifier },
  requestMirror: { shape: mirror },
  extensionRef: notYet(),
} as const;

const grpcFilter = filterOf(commonFilters);

const httpFilter = filterOf({
  ...commonFilters,
  urlRewrite: { shape: object({ hostname: { shape: text }, path: { shape: pathModifier } }) },
  requestRedirect: meaningless("a caller can't be sent elsewhere; the filter is passed over"),
  cors: meaningless("no browser makes a call in the mesh"),
  externalAuth: notYet("an AuthorizationPolicy with action CUSTOM asks a server"),
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

const rule = (match: ObjectShape, filter: ObjectShape, more: ObjectShape["fields"] = {}): ObjectShape =>
  object({
    name: { shape: text },
    matches: { shape: listOf(match) },
    filters: { shape: listOf(filter) },
    backendRefs: { shape: listOf(backend) },
    sessionPersistence: notYet("a DestinationRule's consistentHash keeps calls together"),
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
export const grpcRouteSpec: ObjectShape = spec(rule(grpcMatch, grpcFilter));

/** What the spec of an HTTPRoute must be. */
export const httpRouteSpec: ObjectShape = spec(
  rule(httpMatch, httpFilter, {
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
  }),
);

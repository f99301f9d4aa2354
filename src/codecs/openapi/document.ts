/**
 * An OpenAPI 3.1 document of the calls that a gateway's routes let through: a path for each method of each service, its arguments as
 * the request's body, and its value as the answer's.
 *
 * Reference: OpenAPI Specification 3.1.1; docs/bridging.md for the JSON form of calls.
 */

import type { ServiceSchema } from "../../model/schema.ts";
import { compileJava, type JavaMethodForm, type JavaSchema, kindOfJava, printJavaMethod } from "../java-schema.ts";
import { restServiceOf } from "../rest/mapping.ts";
import type { ClusterService } from "../xds/cluster.ts";
import type { Route } from "../xds/route.ts";
import { ClassSchemas, type JsonSchema } from "./schemas.ts";

/** What a document is made from. */
export interface OpenApiParts {
  readonly title: string;
  /** In their order: of two that take one path the first counts. */
  readonly routes: readonly Route[];
  serviceOf(cluster: string): ClusterService | undefined;
  schemaOf(interfaceName: string): ServiceSchema | undefined;
}

/** Most operations of one document; those beyond are left out, which its description says. */
export const MAX_OPERATIONS = 5_000;

const JSON_TYPE = "application/json";
const ERROR_REF = { $ref: "#/components/responses/Error" };
/** Methods of HTTP that an operation may have. */
const VERBS = new Set(["get", "put", "post", "delete", "patch"]);

/**
 * The document. Paths that a regular expression takes or changes, and calls that Trestle answers by itself, are not in it; services of which only
 * the methods' names are known are described without types, and those of which nothing is known are left out.
 */
export function describeRoutes({ title, routes, serviceOf, schemaOf }: OpenApiParts): JsonSchema {
  const classes = new ClassSchemas();
  const paths = new Map<string, Map<string, JsonSchema>>();
  const ids = new Set<string>();
  let count = 0;
  let left = 0;
  for (const route of routes) {
    const service = serviceOf(clusterOf(route) ?? "");
    const verb = verbOf(route);
    if (service === undefined || verb === undefined) continue;
    const schema = schemaOf(service.interface);
    const definition = schema?.java ?? restServiceOf(schema)?.java;
    const java = definition === undefined ? undefined : compileJava(definition);
    const names = definition?.methods.map(({ name }) => name) ?? service.methods ?? [];
    for (const name of new Set(names)) {
      const path = pathOf(route, name);
      if (path === undefined || /[{}?#\s]/.test(path)) continue;
      const operations = paths.get(path) ?? new Map<string, JsonSchema>();
      if (operations.has(verb)) continue;
      const operation = operationOf({ service, name, verb, java, classes });
      if (operation === undefined) continue;
      if (++count > MAX_OPERATIONS) {
        left++;
        continue;
      }
      operations.set(verb, { operationId: freeId(`${service.interface}.${name}`, ids), ...operation });
      paths.set(path, operations);
    }
  }
  const description =
    "Calls of Dubbo services as JSON." + (left > 0 ? ` ${left} more than ${MAX_OPERATIONS} are left out.` : "");
  const sorted = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    openapi: "3.1.0",
    info: { title, version: "1", description },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(sorted.map(([path, operations]) => [path, Object.fromEntries(operations)])),
    components: {
      schemas: { ...classes.components(), [ERROR_NAME]: ERROR_SCHEMA },
      responses: {
        Error: {
          description: "What went wrong; the HTTP status says of what kind.",
          content: { [JSON_TYPE]: { schema: { $ref: `#/components/schemas/${ERROR_NAME}` } } },
        },
      },
    },
  };
}

/** No class is named so: it has a space in no name that Java takes, and `-` in none either. */
const ERROR_NAME = "trestle-error";
const ERROR_SCHEMA: JsonSchema = {
  type: "object",
  required: ["status", "message"],
  properties: {
    status: { type: "string", description: "The HTTP status." },
    message: { type: "string" },
    exception: { type: "string", description: "The Java class of what the service threw." },
  },
};

/** The cluster with the largest share of the route's calls. */
function clusterOf({ route }: Route): string | undefined {
  if (route?.cluster !== undefined) return route.cluster;
  const weighted = route?.weightedClusters?.clusters ?? [];
  return weighted.reduce<(typeof weighted)[number] | undefined>(
    (most, one) => (most === undefined || one.weight > most.weight ? one : most),
    undefined,
  )?.name;
}

/** The HTTP method of a route in lower case; POST where it names none, undefined where it takes no single one. */
function verbOf({ match }: Route): string | undefined {
  const named = match.headers?.find(({ name }) => name === ":method");
  if (named === undefined) return "post";
  const verb = named.stringMatch?.exact?.toLowerCase();
  return verb !== undefined && VERBS.has(verb) ? verb : undefined;
}

/** The path by which a route's callers call a method; undefined where there is none, or none can be told. */
function pathOf({ match, route }: Route, method: string): string | undefined {
  const { prefixRewrite: rewrite, regexRewrite } = route ?? {};
  if (regexRewrite !== undefined) return undefined;
  if (match.path !== undefined) return lastPart(rewrite ?? match.path) === method ? match.path : undefined;
  if (match.prefix === undefined) return undefined;
  if (!match.prefix.endsWith("/")) return `${match.prefix}/${method}`;
  // What a rewrite ends with begins the method's name.
  const start = lastPart(rewrite ?? match.prefix);
  return method.startsWith(start) ? match.prefix + method.slice(start.length) : undefined;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

interface OperationParts {
  readonly service: ClusterService;
  readonly name: string;
  readonly verb: string;
  readonly java: JavaSchema | undefined;
  readonly classes: ClassSchemas;
}

/** Undefined where a call of this kind cannot have the method's arguments. */
function operationOf({ service, name, verb, java, classes }: OperationParts): JsonSchema | undefined {
  const overloads = java?.methods(name) ?? [];
  const shared = { tags: [service.interface], responses: responsesOf(overloads, java, classes) };
  if (verb === "get" || verb === "delete") {
    const form = overloads.find(isQuery);
    if (form === undefined) return undefined;
    const parameters = form.parameters.map((type, i) => {
      const schema = classes.of(type, java!);
      return { name: form.names?.[i] ?? `arg${i}`, in: "query", required: true, schema };
    });
    return { summary: printJavaMethod(form).slice(0, 500), ...shared, ...(parameters.length > 0 && { parameters }) };
  }
  const summary = overloads.length === 0 ? name : overloads.map(printJavaMethod).join(" or ").slice(0, 500);
  const bodies = overloads.length === 0 ? [ANY_ARGUMENTS] : overloads.flatMap((form) => bodiesOf(form, java!, classes));
  return {
    summary,
    ...shared,
    requestBody: {
      required: overloads.length > 0 && overloads.every(({ parameters }) => parameters.length > 0),
      content: { [JSON_TYPE]: { schema: oneOrAny(bodies) } },
    },
  };
}

/** Whether all arguments can be said in a query. */
function isQuery({ parameters }: JavaMethodForm): boolean {
  return parameters.every((type) => !["bean", "list", "map", "any", "void"].includes(kindOfJava(type)));
}

const ANY_ARGUMENTS: JsonSchema = { description: "The arguments as an array; anything else is the only one." };

/** The arguments as an array; by their names where those are known; and where there is one that is no array itself, that alone. */
function bodiesOf(form: JavaMethodForm, java: JavaSchema, classes: ClassSchemas): JsonSchema[] {
  const { parameters, names } = form;
  const items = parameters.map((type, i) => {
    const schema = classes.nullable(type, java);
    const name = names?.[i];
    return name === undefined ? schema : { title: name, ...schema };
  });
  const count = items.length;
  const list: JsonSchema = {
    type: "array",
    description: `The arguments of ${printJavaMethod(form)}`.slice(0, 500),
    ...(count > 0 && { prefixItems: items, minItems: count }),
    maxItems: count,
  };
  const named = names === undefined || count === 0 ? [] : [byName(names, items)];
  const only = parameters[0];
  if (count !== 1 || only === undefined) return [list, ...named];
  const kind = kindOfJava(only);
  return kind === "list" || kind === "any" || kind === "map"
    ? [list, ...named]
    : [classes.of(only, java), list, ...named];
}

function byName(names: readonly string[], items: readonly JsonSchema[]): JsonSchema {
  const properties = Object.fromEntries(names.map((name, i) => [name, items[i]!]));
  return { type: "object", description: "The arguments by name", properties, required: names };
}

function responsesOf(
  overloads: readonly JavaMethodForm[],
  java: JavaSchema | undefined,
  classes: ClassSchemas,
): JsonSchema {
  const values = overloads.map(({ returns }) => classes.nullable(returns, java!));
  const schema = oneOrAny(values);
  return {
    "200": { description: "The method's value.", content: { [JSON_TYPE]: { schema } } },
    default: ERROR_REF,
  };
}

function oneOrAny(schemas: readonly JsonSchema[]): JsonSchema {
  const different = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  return different.length === 1 ? different[0]! : different.length === 0 ? {} : { anyOf: different };
}

function freeId(wanted: string, ids: Set<string>): string {
  let id = wanted;
  for (let i = 2; ids.has(id); i++) id = `${wanted}-${i}`;
  ids.add(id);
  return id;
}

/** The schema of `kind: RestMapping`, and what its spec becomes. */
import { ProtocolError } from "../../../base/errors.ts";
import { parseJavaType } from "../../../codecs/java-types.ts";
import { canBeHeader } from "../../../codecs/rest/request.ts";
import { parseTemplate } from "../../../codecs/rest/template.ts";
import type { RestEndpoint, RestMappingRule } from "../../../model/rule.ts";
import type {
  JavaType,
  OpenapiPairing,
  PublishedMethod,
  RestMapping,
  RestMethod,
  RestParameter,
} from "../../../model/schema.ts";
import { serviceKey } from "../../../model/service.ts";
import { type Check, type ObjectShape, quote, type ReadContext, type ReadObject } from "../schema.ts";
import { anyText, anything, exactHost, listOf, text, textMap, time, whole } from "./istio-values.ts";

const MAX_METHODS = 1_000;
const VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/** Verbs whose arguments stand in the query unless a rule says otherwise. */
const WITHOUT_BODY = new Set(["GET", "DELETE"]);

const wrong = (problem: string) => ({ code: "TR0209", problem }) as const;

const isType: Check<string> = (value) => {
  try {
    parseJavaType(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return wrong(`is ${quote(value)}, which is no java type such as "long" or "java.util.List<com.acme.Order>"`);
  }
};

const isInterface: Check<string> = (value) =>
  value.length <= 512 && /^[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*$/u.test(value)
    ? undefined
    : wrong(`is ${quote(value)}, which is no java name such as "com.acme.OrderService"`);

const isHttpCall: Check<string> = (value) => {
  const found = /^([A-Z]+) (\S+)$/.exec(value);
  if (found === null || !VERBS.includes(found[1]!))
    return wrong(
      `is ${quote(value)}; it must be one of ${VERBS.join(", ")}, a blank and a path, such as "GET /orders/{id}"`,
    );
  try {
    parseTemplate(found[2]!);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return wrong(`is ${quote(value)}: ${error.message}`);
  }
};

const isExceptionKey: Check<string> = (value) =>
  value === "default" || /^[3-5]\d\d$/.test(value)
    ? undefined
    : wrong('must be an HTTP status from 300 to 599, or "default"');

const javaType = { type: "text", check: isType } as const;
const javaName = { type: "text", check: isInterface } as const;

function object(fields: ObjectShape["fields"], more: Omit<ObjectShape, "type" | "fields"> = {}): ObjectShape {
  return { type: "object", fields, ...more };
}

const method = object(
  {
    name: { shape: { type: "text", check: isInterface }, required: true },
    http: { shape: { type: "text", check: isHttpCall } },
    operation: { shape: text },
    parameterTypes: { shape: listOf(javaType) },
    parameters: {
      shape: listOf(
        object({
          name: { shape: text, required: true },
          in: { shape: { type: "choice", of: ["path", "query", "header", "body"] } },
        }),
      ),
    },
    returns: { shape: javaType },
    notFound: { shape: { type: "choice", of: ["exception", "null"] } },
    exceptions: { shape: { type: "map", of: javaName, key: isExceptionKey } },
  },
  { exclusive: [["http", "operation"]], into: readMethod },
);

const isPath: Check<string> = (value) =>
  /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,2047}$/.test(value)
    ? undefined
    : wrong(`is ${quote(value)}, which is no path such as "/v3/api-docs"`);

const openapi = object(
  {
    path: { shape: { type: "text", check: isPath } },
    file: { shape: text },
    basePath: { shape: { type: "text", check: isPath } },
    tag: { shape: text },
    package: { shape: javaName },
    classes: { shape: { type: "map", of: javaType } },
  },
  { exclusive: [["path", "file"]] },
);

/** A whole object of kind RestMapping, as a rule file has it. */
export const REST_MAPPING: ObjectShape = object({
  apiVersion: { shape: text, required: true },
  kind: { shape: text, required: true },
  metadata: {
    shape: object({
      name: { shape: text, required: true },
      namespace: { shape: text },
      creationTimestamp: { shape: time, nullable: true },
      labels: { shape: anything },
      annotations: { shape: anything },
    }),
    required: true,
  },
  spec: {
    shape: object(
      {
        interface: { shape: javaName, required: true },
        group: { shape: anyText },
        version: { shape: anyText },
        host: { shape: exactHost },
        endpoints: {
          shape: listOf(
            object({
              address: { shape: exactHost, required: true },
              port: { shape: whole(1, 65_535), required: true },
              labels: { shape: textMap },
            }),
            1,
          ),
        },
        dates: { shape: { type: "choice", of: ["iso", "ms"] } },
        openapi: { shape: openapi },
        methods: { shape: listOf(method, 1) },
        types: {
          shape: {
            type: "map",
            key: isInterface,
            of: object(
              { properties: { shape: { type: "map", of: javaType } }, enums: { shape: listOf(text, 1) } },
              { exclusive: [["properties", "enums"]] },
            ),
          },
        },
      },
      { exclusive: [["host", "endpoints"]], into: checkSpec },
    ),
    required: true,
  },
  status: { shape: anything },
});

type ReadAnyMethod = RestMethod | PublishedMethod;

interface ReadSpec {
  readonly interface: string;
  readonly group?: string;
  readonly version?: string;
  readonly host?: string;
  readonly endpoints?: readonly RestEndpoint[];
  readonly dates?: RestMapping["dates"];
  readonly openapi?: Partial<Omit<OpenapiPairing, "methods">>;
  readonly methods?: readonly ReadAnyMethod[];
  readonly types?: Readonly<Record<string, JavaType>>;
}

/** Where springdoc has its document. */
const DEFAULT_DOCUMENT = "/v3/api-docs";

/** What a RestMapping's spec says, as the model has it. */
export function readRestSpec(spec: unknown): Pick<RestMappingRule, "service" | "host" | "endpoints" | "mapping"> {
  const { group, version, host, endpoints = [], methods = [], types = {}, dates = "iso", ...said } = spec as ReadSpec;
  const plainTypes = Object.entries(types).map(([name, { properties, enums }]): [string, JavaType] => [
    name,
    { ...(properties !== undefined && { properties }), ...(enums !== undefined && { enums }) },
  ]);
  const own = methods.filter((one): one is RestMethod => !isPublished(one));
  const pairing = said.openapi === undefined ? undefined : pairingOf(said, methods.filter(isPublished));
  return {
    service: serviceKey(said.interface, group, version),
    host: host?.toLowerCase(),
    endpoints,
    mapping: {
      ...{ methods: own, types: Object.fromEntries(plainTypes), dates },
      ...(pairing !== undefined && { openapi: pairing }),
    },
  };
}

function pairingOf(
  { interface: name, openapi }: Pick<ReadSpec, "interface" | "openapi">,
  methods: readonly PublishedMethod[],
): OpenapiPairing {
  const { path = DEFAULT_DOCUMENT, file, basePath, tag, classes = {} } = openapi!;
  return {
    path,
    ...(file !== undefined && { file }),
    ...(basePath !== undefined && { basePath: basePath.replace(/\/+$/, "") }),
    ...(tag !== undefined && { tag }),
    package: openapi!.package ?? name.replace(/\.?[^.]*$/, ""),
    classes: Object.fromEntries(Object.entries(classes)),
    methods,
  };
}

function isPublished(method: ReadAnyMethod): method is PublishedMethod {
  return "operation" in method;
}

function checkSpec(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { host, endpoints, methods = [], openapi } = value as unknown as ReadSpec;
  const { at } = value;
  if (host === undefined && endpoints === undefined) {
    context.report("TR0208", at.position, `${path} needs host or endpoints: where the service is`);
    return undefined;
  }
  if (methods.length === 0 && openapi === undefined) {
    context.report("TR0208", at.position, `${path} needs methods or openapi: how its methods are requests`);
    return undefined;
  }
  if (methods.length > MAX_METHODS) {
    context.report(
      "TR0216",
      at.fields.methods!,
      `${path}.methods has ${methods.length} elements, over the limit of ${MAX_METHODS}`,
    );
    return undefined;
  }
  const seen = new Map<string, RestMethod[]>();
  let whole = true;
  for (const [i, one] of methods.entries()) {
    if (isPublished(one)) {
      const isTwice = methods.some(({ name }, other) => name === one.name && other !== i);
      if (isTwice)
        context.report("TR0214", at.fields.methods!, `${path}.methods has the published method ${one.name} twice`);
      if (openapi === undefined)
        context.report("TR0208", at.fields.methods!, `${path}.methods[${i}].http is missing, and there is no openapi`);
      whole &&= !isTwice && openapi !== undefined;
      continue;
    }
    const others = seen.get(one.name) ?? [];
    if (others.some((other) => isSame(one, other))) {
      context.report(
        "TR0214",
        at.fields.methods!,
        `${path}.methods has ${one.name} with ${one.parameters.length} parameters twice; parameterTypes must tell overloads apart`,
      );
      whole = false;
    }
    seen.set(one.name, [...others, one]);
  }
  return whole ? value : undefined;
}

function isSame(one: RestMethod, other: RestMethod): boolean {
  if (one.parameters.length !== other.parameters.length) return false;
  return (
    (one.parameterTypes ?? []).join() === (other.parameterTypes ?? []).join() ||
    !one.parameterTypes ||
    !other.parameterTypes
  );
}

interface ReadMethod extends ReadObject {
  readonly name: string;
  readonly http?: string;
  readonly operation?: string;
  readonly parameterTypes?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in?: RestParameter["in"] }[];
  readonly returns?: string;
  readonly notFound?: RestMethod["notFound"];
  readonly exceptions?: Readonly<Record<string, string>>;
}

/** A method as the model has it; defaults are filled in, and what its parts say of each other is checked. */
function readMethod(value: ReadObject, context: ReadContext, path: string): ReadAnyMethod | undefined {
  const said = value as ReadMethod;
  const fail = (field: string, problem: string): undefined => {
    context.report("TR0209", said.at.fields[field] ?? said.at.position, `${path}.${field} ${problem}`);
    return undefined;
  };
  if (said.http === undefined) {
    if (said.parameters !== undefined)
      return fail("parameters", "is said beside no http: a published method has the document's");
    return { ...namesOf(said), operation: said.operation ?? said.name };
  }
  const [verb, template] = said.http.split(" ") as [string, string];
  const { names } = parseTemplate(template);
  const parameters =
    said.parameters?.map(({ name, in: place }) => ({ name, in: place ?? placeOf(name, names, verb) })) ??
    defaultParameters(names, verb, said.parameterTypes?.length);
  if (parameters === undefined) {
    context.report(
      "TR0208",
      said.at.position,
      `${path}.parameters is missing: the path ${template} does not name all arguments of ${said.name}`,
    );
    return undefined;
  }
  const types = said.parameterTypes;
  if (types !== undefined && types.length !== parameters.length)
    return fail("parameters", `has ${parameters.length} elements, parameterTypes has ${types.length}`);
  for (const name of names) {
    if (!parameters.some((one) => one.in === "path" && one.name === name))
      return fail("http", `has {${name}}, but no parameter in path has that name`);
  }
  for (const [i, one] of parameters.entries()) {
    if (parameters.findIndex((other) => other.in === one.in && other.name === one.name) !== i)
      return fail("parameters", `has ${quote(one.name)} in ${one.in} twice`);
    if (one.in === "path" && !names.includes(one.name))
      return fail("parameters", `has ${quote(one.name)} in path, but the path is ${template}`);
    if (one.in === "header" && !canBeHeader(one.name))
      return fail("parameters", `has ${quote(one.name)} in header, which is no header that an argument may set`);
    if (one.in === "body" && verb === "GET")
      return fail("parameters", `has ${quote(one.name)} in body, which a GET has none of`);
  }
  return { ...namesOf(said), verb, path: template, parameters };
}

function namesOf(said: ReadMethod): Omit<PublishedMethod, "operation"> {
  return {
    name: said.name,
    ...(said.parameterTypes !== undefined && { parameterTypes: said.parameterTypes }),
    ...(said.returns !== undefined && { returnType: said.returns }),
    notFound: said.notFound ?? "exception",
    exceptions: { ...said.exceptions },
  };
}

function placeOf(name: string, names: readonly string[], verb: string): RestParameter["in"] {
  if (names.includes(name)) return "path";
  return WITHOUT_BODY.has(verb) ? "query" : "body";
}

/** The path's names in their order, and a body where one argument is left; undefined where the rule must say more. */
function defaultParameters(
  names: readonly string[],
  verb: string,
  count: number | undefined,
): RestParameter[] | undefined {
  const inPath = names.map((name): RestParameter => ({ name, in: "path" }));
  if (count === undefined) return WITHOUT_BODY.has(verb) ? inPath : undefined;
  if (count === names.length) return inPath;
  return count === names.length + 1 && !WITHOUT_BODY.has(verb) ? [...inPath, { name: "body", in: "body" }] : undefined;
}

import type { JavaDefinition, RestMapping, RestMethod, ServiceSchema } from "../../src/model/schema.ts";

/** A REST method; what is left out is what a rule without it says. */
export function restMethod(
  name: string,
  call: string,
  parameters: RestMethod["parameters"],
  more: Partial<RestMethod> = {},
): RestMethod {
  const [verb, path] = call.split(" ") as [string, string];
  return { name, verb, path, parameters, notFound: "exception", exceptions: {}, ...more };
}

/** A schema with these methods. */
export function restSchema(
  methods: readonly RestMethod[],
  more: Partial<RestMapping> = {},
  java?: JavaDefinition,
): ServiceSchema {
  const rest: RestMapping = { methods, types: {}, dates: "iso", ...more };
  return { name: "com.acme.Orders", rest, ...(java !== undefined && { java }) };
}

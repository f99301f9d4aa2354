/** What messages a Triple provider takes, by the parameters that it has in a registry. */

/**
 * Bare protobuf, which only its .proto file explains: Java says `proxy=nativestub` of such a service (apache/dubbo 3.0 to 3.3
 * ServiceConfig), dubbo-go `IDL-mode=IDL` or `serialization=protobuf` (apache/dubbo-go 3.3 server/action.go).
 */
export function saysProtobuf(params: Readonly<Record<string, string>>): boolean {
  return params["proxy"] === "nativestub" || params["IDL-mode"] === "IDL" || params["serialization"] === "protobuf";
}

/** Triple's wrapper: any other provider that Dubbo registered, for it says its interface. */
export function saysWrapper(params: Readonly<Record<string, string>>): boolean {
  return params["interface"] !== undefined && !saysProtobuf(params);
}

/**
 * No JSON. Java before 3.3 refuses any content but gRPC's (apache/dubbo 3.0 to 3.2 TripleServerStream); dubbo-go takes JSON for services of
 * .proto files alone, and answers it with 500 and "EOF" for others (seen with 3.3.2). Of a provider that does not say its release nothing is known.
 */
export function saysNoJson(params: Readonly<Record<string, string>>): boolean {
  const release = params["release"] ?? "";
  return /^3\.[0-2](?!\d)/.test(release) || (release.startsWith("dubbo-golang-") && !saysProtobuf(params));
}

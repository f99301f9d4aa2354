import { type JsonNode, JsonNumber, jsonToPlain, parseJson } from "../../../src/codecs/json-text.ts";
import type { TripleStage } from "../../support/triple-stage.ts";
import { javaOrders, methodOf } from "./methods.ts";
import type { BridgeCaller, CallOptions, NeutralError } from "./peers.ts";
import { right } from "./protobuf-caller.ts";
import { sampleBytes } from "./values.ts";

const service = "com.acme.OrderService";

/** Anything that can post JSON: an array of arguments in, a value out. */
export function jsonCaller(stage: TripleStage): BridgeCaller {
  const post = async (
    method: string,
    body: string,
    { attachments = {}, timeoutMs, group }: CallOptions = {},
    signal?: AbortSignal,
  ) => {
    const answer = await fetch(`http://${stage.host}:${stage.port}/${service}/${method}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(timeoutMs !== undefined && { "grpc-timeout": `${timeoutMs}m` }),
        ...(group !== undefined && { "tri-service-group": group }),
        ...attachments,
      },
      body,
      ...(signal !== undefined && { signal }),
    });
    return { status: answer.status, text: await answer.text(), attachments: Object.fromEntries(answer.headers) };
  };

  const call: BridgeCaller["call"] = async (method, args, options) => {
    const { status, text, attachments } = await post(method, `[${args.map(printNeutral).join()}]`, options);
    if (status !== 200) return { error: errorOf(status, text), attachments };
    const { returnType } = methodOf(method, args);
    return { value: text === "" ? null : neutral(parseJson(text), returnType), attachments };
  };

  return {
    name: "json",
    java: false,
    call,
    burst: (calls, ms) =>
      Promise.all(
        Array.from({ length: calls }, async () => {
          const { value, error } = await call("sleep", [BigInt(ms)]);
          return error === undefined ? String(value) : error.message;
        }),
      ),
    async big(way, size) {
      // Base64 makes four bytes of three.
      const bytes = sampleBytes(Math.floor((size * 3) / 4) - 100);
      if (way === "up") return right(await call("countBytes", [bytes]), bytes.length);
      return right(await (way === "down" ? call("makeBytes", [bytes.length]) : call("echoBytes", [bytes])), bytes);
    },
    async giveUp(ms, afterMs) {
      await post("sleep", `[${ms}]`, {}, AbortSignal.timeout(afterMs)).catch(() => {});
    },
    async unknownMethod() {
      const { status, text, attachments } = await post("missing", "[1]");
      return status === 200 ? { value: text, attachments } : { error: errorOf(status, text), attachments };
    },
    next: () => {},
    stop: async () => {},
  };
}

function errorOf(status: number, text: string): NeutralError {
  if (!text.startsWith("{")) return { code: status, message: text };
  const { message, exception } = JSON.parse(text) as { message?: string; exception?: string };
  return { code: status, message: message ?? "", ...(exception !== undefined && { class: exception }) };
}

/** JSON of a neutral value: longs and decimals keep their digits, dates are ISO-8601, bytes base64. */
function printNeutral(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString("base64"));
  if (typeof value === "number" && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (Object.is(value, -0)) return "-0.0";
  if (value instanceof Set) return printNeutral([...value]);
  if (Array.isArray(value)) return `[${value.map(printNeutral).join()}]`;
  if (value !== null && typeof value === "object" && !(value instanceof Date))
    return `{${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}:${printNeutral(one)}`)
      .join()}}`;
  return JSON.stringify(value ?? null);
}

/** A JSON value as one of this Java type. */
function neutral(node: JsonNode, type: string): unknown {
  if (node === null) return null;
  const [, name = type, inner] = /^([^<]*)<(.*)>$/.exec(type) ?? [];
  const of = inner?.split(",").at(-1) ?? "java.lang.Object";
  const text = node instanceof JsonNumber ? node.text : node;
  switch (name) {
    case "long":
    case "java.lang.Long":
      return BigInt(text as string);
    case "float":
    case "java.lang.Float":
      return Math.fround(Number(text));
    case "double":
    case "java.lang.Double":
      return Number(text);
    case "java.math.BigDecimal":
      return text;
    case "java.util.Date":
      return new Date(node instanceof JsonNumber ? Number(text) : (text as string));
    case "byte[]":
      return typeof node === "string" ? Buffer.from(node, "base64") : jsonToPlain(node);
    case "java.util.Set":
      return new Set(jsonToPlain(node) as unknown[]);
    case "java.util.Map":
      // Where keys are no text it is a list of pairs.
      if (Array.isArray(node)) return Object.fromEntries(jsonToPlain(node) as [number, unknown][]);
      break;
    case "java.util.concurrent.CompletableFuture":
      return neutral(node, inner!);
    case "java.util.List":
      return (node as JsonNode[]).map((one) => neutral(one, of));
  }
  if (!(node instanceof Map)) return jsonToPlain(node);
  const properties = javaOrders.types[name]?.properties;
  if (properties === undefined) return Object.fromEntries([...node].map(([key, one]) => [key, neutral(one, of)]));
  // What is left out is null.
  return Object.fromEntries(Object.entries(properties).map(([key, own]) => [key, neutral(node.get(key) ?? null, own)]));
}

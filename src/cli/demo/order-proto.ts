import { jsonToValue } from "../../codecs/hessian2/from-json.ts";
import { valueToJson } from "../../codecs/hessian2/json.ts";
import type { JsonNode } from "../../codecs/json-text.ts";
import { decodeJsonMessage, encodeJsonMessage } from "../../codecs/protobuf/messages.ts";
import { createSchema, findMethod, type Schema } from "../../codecs/protobuf/schema.ts";
import type { Value } from "../../codecs/value.ts";
import { compileProtoFiles } from "../triple/proto-files.ts";
import { ORDER_SERVICE, type OrderMethod } from "./order-service.ts";

/** The sample's service as those see it who call it by gRPC. */
export const ORDER_PROTO = `syntax = "proto3";

package com.acme;

service OrderService {
  rpc CreateOrder(CreateOrderRequest) returns (Order);
  rpc GetOrder(GetOrderRequest) returns (Order);
  rpc SayHello(SayHelloRequest) returns (SayHelloReply);
}

message CreateOrderRequest {
  string item = 1;
  int32 quantity = 2;
}

message GetOrderRequest {
  int64 id = 1;
}

message SayHelloRequest {
  string name = 1;
}

message SayHelloReply {
  string text = 1;
}

message Order {
  int64 id = 1;
  string item = 2;
  int32 quantity = 3;
  string status = 4;
  string served_by = 5;
}
`;

const FILE = "orders.proto";
let compiled: Schema | undefined;

function schema(): Schema {
  const read = (path: string) => (path === FILE ? ORDER_PROTO : undefined);
  compiled ??= createSchema(compileProtoFiles({ files: [FILE], paths: [""], read }), FILE);
  return compiled;
}

/** A method's name in gRPC: the first letter large. */
export function grpcName(method: OrderMethod): string {
  return method.slice(0, 1).toUpperCase() + method.slice(1);
}

/** A call's arguments as a message: its fields, in their order. */
export function encodeOrderRequest(method: OrderMethod, args: readonly Value[]): Uint8Array {
  const { types } = schema();
  const { input } = findMethod(schema(), ORDER_SERVICE.interface, grpcName(method));
  const json = new Map<string, JsonNode>(
    input.fields.map(({ jsonName }, i) => [jsonName, valueToJson(args[i] ?? null)]),
  );
  return encodeJsonMessage(input, json, types);
}

/** The arguments of a call by its gRPC name, and the method's name in Java. Throws for a method that the service does not have. */
export function decodeOrderRequest(
  name: string,
  message: Uint8Array,
): { readonly method: string; readonly args: Value[] } {
  const { input } = findMethod(schema(), ORDER_SERVICE.interface, name);
  const json = decodeJsonMessage(input, message, schema().types);
  const fields = json instanceof Map ? json : new Map<string, JsonNode>();
  const args = input.fields.map(({ jsonName }) => jsonToValue(fields.get(jsonName) ?? null));
  return { method: name.slice(0, 1).toLowerCase() + name.slice(1), args };
}

/** A method's answer as a message: an order's fields, or a text in the only one. */
export function encodeOrderReply(name: string, value: Value): Uint8Array {
  const { output } = findMethod(schema(), ORDER_SERVICE.interface, name);
  const json = valueToJson(value);
  const message = json instanceof Map ? json : new Map([[output.fields[0]!.jsonName, json]]);
  return encodeJsonMessage(output, message, schema().types);
}

/** An answer as the value that Java would see. */
export function decodeOrderReply(method: OrderMethod, message: Uint8Array): Value {
  const { output } = findMethod(schema(), ORDER_SERVICE.interface, grpcName(method));
  const json = decodeJsonMessage(output, message, schema().types);
  const only = output.fields.length === 1 && json instanceof Map ? json.get(output.fields[0]!.jsonName) : undefined;
  return jsonToValue(only ?? json);
}

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DescMethod } from "@bufbuild/protobuf";
import { type JsonNode, parseJson } from "../../codecs/json-text.ts";
import { decodeJsonMessage, encodeJsonMessage } from "../../codecs/protobuf/messages.ts";
import { createSchema, findMethod, readDescriptorSet, type Schema } from "../../codecs/protobuf/schema.ts";
import { type Answer, parseAnswer } from "../../codecs/triple/answer.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import { codeOfGrpc } from "../../codecs/triple/status.ts";
import type { CallOptions } from "../call-options.ts";
import { checkItemFormat } from "../call-output.ts";
import type { CallAddress } from "../call-target.ts";
import { describeRefusal } from "../call-values.ts";
import { connectGrpc, type GrpcClient } from "./client.ts";
import { compileProtoFiles } from "./proto-files.ts";
import { reflectSchema } from "./reflection.ts";
import { DEADLINE_EXCEEDED, lateAnswer } from "./refusals.ts";

/** A gRPC call to make. */
export interface ProtobufCall {
  readonly address: CallAddress;
  readonly service: string;
  readonly method: string;
  /** The message, or an array of them where the method takes a stream; undefined for an empty one, or none. */
  readonly json: string | undefined;
  readonly options: CallOptions;
  /** A FileDescriptorSet, base64, that says the types where the options do not; undefined for the server's reflection. */
  readonly descriptors?: string | undefined;
  /** Gets each message of the answer as it comes; `isStream`: there may be any number. */
  readonly print: (value: JsonNode, isStream: boolean) => void;
}

/**
 * Calls a method of protobuf messages, which are known from files or the server's reflection. Gives what is to be said of an error,
 * undefined after an answer. Throws an `Error` with one line where the call could not be made or had no answer.
 */
export async function callGrpc(call: ProtobufCall): Promise<string | undefined> {
  const { address, options } = call;
  const json = call.json === undefined ? undefined : parseMessage(call.json);
  const known = schemaOfFiles(options) ?? schemaOfInstance(call.descriptors);
  const client = await connectGrpc({
    host: address.host,
    port: address.port,
    connectTimeoutMs: options.timeout,
    maxMessageBytes: options.maxMessage,
  });
  try {
    const schema = known ?? (await reflect(client, call));
    const method = findMethod(schema, call.service, call.method);
    const isStream = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    if (isStream) checkItemFormat(options.output);
    const messages = messagesOf(method, json).map((one) => encodeJsonMessage(method.input, one, schema.types));
    let count = 0;
    const end = await callOnce(client, call, call.service, call.method, messages, (bytes) => {
      if (++count > 1 && !isStream)
        throw new Error(`${method.name} gives one message, and the server answered with more`);
      call.print(decodeJsonMessage(method.output, bytes, schema.types), isStream);
    });
    if (end.type === "error" && end.grpc === DEADLINE_EXCEEDED) throw lateAnswer(client.address, end.message);
    if (end.type === "error") return describeRefusal(end.grpc, codeOfGrpc(end.grpc), end.message);
    if (count === 0 && !isStream) throw new Error("the server answered without a message");
    return undefined;
  } finally {
    client.close();
  }
}

async function callOnce(
  client: GrpcClient,
  { options }: ProtobufCall,
  path: string,
  method: string,
  messages: readonly Uint8Array[],
  onMessage: (bytes: Buffer) => void,
): Promise<Answer> {
  const { fields, dropped } = printRequestHead({
    authority: client.address,
    path,
    method,
    group: options.group,
    version: options.version,
    timeoutMs: options.timeout,
    consumerApplication: undefined,
    attachments: options.attachment.map(([name, value]) => [name.toLowerCase(), value] as const),
  });
  if (dropped.length > 0) throw new Error(`no header can carry attachment ${JSON.stringify(dropped[0])}`);
  const { head, trailers } = await client.call({ fields, messages, timeoutMs: options.timeout, onMessage });
  return parseAnswer(head, trailers);
}

function reflect(client: GrpcClient, call: ProtobufCall): Promise<Schema> {
  return reflectSchema(async (service, method, messages) => {
    const answers: Buffer[] = [];
    let bytes = 0;
    const end = await callOnce(client, call, service, method, messages, (answer) => {
      bytes += answer.length;
      if (bytes > call.options.maxMessage)
        throw new Error(`the server's reflection is over maxMessageBytes ${call.options.maxMessage}`);
      answers.push(Buffer.from(answer));
    });
    return { answers, end };
  }, call.service);
}

function messagesOf(method: DescMethod, json: JsonNode | undefined): readonly JsonNode[] {
  if (method.methodKind === "unary" || method.methodKind === "server_streaming") return [json ?? new Map()];
  if (json === undefined) return [];
  if (!Array.isArray(json)) throw new Error(`${method.name} takes a stream: write its messages as one JSON array`);
  return json;
}

function parseMessage(text: string): JsonNode {
  try {
    return parseJson(text);
  } catch (error) {
    throw new Error(`the message is no JSON: ${(error as Error).message}; it is an object, such as '{"id": 42}'`);
  }
}

/** Undefined where the instance that was asked knows none. */
function schemaOfInstance(descriptors: string | undefined): Schema | undefined {
  if (descriptors === undefined) return undefined;
  const origin = "that instance";
  return createSchema(readDescriptorSet(Buffer.from(descriptors, "base64"), origin), origin);
}

/** Undefined where the options name no files. */
function schemaOfFiles({ proto, protoPath, descriptor }: CallOptions): Schema | undefined {
  if (descriptor !== undefined) {
    if (proto.length > 0) throw new Error("--proto and --descriptor exclude each other: both say what the types are");
    return createSchema(readDescriptorSet(readBytes(descriptor), descriptor), descriptor);
  }
  if (proto.length === 0) return undefined;
  const paths = protoPath.length > 0 ? protoPath : [...new Set([...proto.map((path) => dirname(path)), "."])];
  return createSchema(compileProtoFiles({ files: proto, paths, read: readText }), proto.join(", "));
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new Error(`${path} cannot be read: ${code ?? (error as Error).message}`);
  }
}

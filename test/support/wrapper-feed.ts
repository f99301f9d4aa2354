import { type Client, Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from "@grpc/grpc-js";
import { decodeHessian2 } from "../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import {
  decodeRequestWrapper,
  decodeResponseWrapper,
  encodeRequestWrapper,
  encodeResponseWrapper,
} from "../../src/codecs/triple/body.ts";
import { fieldOf, isObject, objectValue, type Value } from "../../src/codecs/value.ts";

/** com.acme.OrderFeed as Java's peers have it on the wire, by @grpc/grpc-js: what a test can do to it is more than a JVM can be told. */

const ORDER = "com.acme.Order";

/** A Java order with nothing but these. */
export function javaOrder(id: number, note = ""): Value {
  return objectValue(ORDER, [
    ["id", BigInt(id)],
    ["note", note],
  ]);
}

/** A message as a Java consumer writes it. */
export function requestMessage(value: Value, type = ORDER): Buffer {
  return encodeRequestWrapper({ serializeType: "hessian4", args: [encodeHessian2(value)], argTypes: [type] });
}

/** What a Java consumer reads: the ids of orders, texts as they are. */
export function answerText(bytes: Buffer): string {
  const value = decodeHessian2(decodeResponseWrapper(bytes).data);
  return isObject(value) ? String(fieldOf(value, "id")) : String(value);
}

const raw = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };

function same(bytes: Buffer): Buffer {
  return bytes;
}

/** A stream of a Java consumer: `orders`, `collect` or `review`. */
export function openJavaStream(client: Client, method: string, options: { deadline?: number } = {}) {
  return client.makeBidiStreamRequest<Buffer, Buffer>(`/com.acme.OrderFeed/${method}`, same, same, options);
}

/** What a provider does with a stream: it reads requests' ids and writes orders. */
export type JavaHandler = (call: ServerDuplexStream<Buffer, Buffer>) => void;

/** The id of an order, or the number, that a request has. */
export function requestText(bytes: Buffer): string {
  const { args } = decodeRequestWrapper(bytes);
  const value = decodeHessian2(args[0]!);
  return isObject(value) ? String(fieldOf(value, "id")) : String(value);
}

/** A message as a Java provider writes it. */
export function answerMessage(value: Value): Buffer {
  return encodeResponseWrapper({ serializeType: "hessian4", data: encodeHessian2(value), type: ORDER });
}

/** Starts a provider of these methods. */
export async function startJavaFeed(host: string, handlers: Readonly<Record<string, JavaHandler>>) {
  const server = new Server({ "grpc.max_receive_message_length": 64 * 1024 * 1024 });
  const definition = Object.fromEntries(
    Object.keys(handlers).map((name) => [
      name,
      { path: `/com.acme.OrderFeed/${name}`, requestStream: true, responseStream: true, ...raw },
    ]),
  );
  server.addService(definition as ServiceDefinition, handlers as never);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { CallError, ProtocolError } from "../../base/errors.ts";
import type { Outcome } from "../../codecs/dubbo2/body.ts";
import { jsonToValue } from "../../codecs/hessian2/from-json.ts";
import { valueToJson } from "../../codecs/hessian2/json.ts";
import { decodeHessian2 } from "../../codecs/hessian2/reader.ts";
import { isThrowable, throwableView } from "../../codecs/hessian2/throwable.ts";
import { encodeHessian2 } from "../../codecs/hessian2/writer.ts";
import { Http2Connection } from "../../codecs/http2/connection.ts";
import type { Http2Event } from "../../codecs/http2/events.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { Http2Stream } from "../../codecs/http2/stream.ts";
import { type JsonNode, type JsonObject, parseJson, printJson } from "../../codecs/json-text.ts";
import { printAnswerHead, printTrailers } from "../../codecs/triple/answer.ts";
import {
  decodeRequestWrapper,
  descriptorOfArgTypes,
  encodeResponseWrapper,
  looksWrapped,
} from "../../codecs/triple/body.ts";
import { EnvelopeSplitter, encodeEnvelope } from "../../codecs/triple/envelope.ts";
import { parseRequestHead } from "../../codecs/triple/head.ts";
import { BUSINESS_EXCEPTION, grpcOfCode, UNKNOWN } from "../../codecs/triple/status.ts";
import { HESSIAN4 } from "../../codecs/triple/transcode.ts";
import type { Value } from "../../codecs/value.ts";
import { decodeOrderRequest, encodeOrderReply } from "./order-proto.ts";

/** Answers a call; `descriptor` is `""` where the caller named no types. What it throws becomes gRPC 2, or HTTP 500, with the message. */
export type TripleHandler = (method: string, descriptor: string, args: readonly Value[]) => Outcome;

/** A server of the sample's interface over Triple: the wrapper in Hessian2, protobuf and JSON, one message each way. */
export interface TripleServer {
  readonly port: number;
  /** Stops listening, says goodbye on every connection and closes it. */
  close(): Promise<void>;
}

const MAX_REQUEST_BYTES = 1024 * 1024;

/** Starts a server; port 0 lets the system choose. Rejects when the address can't be bound. */
export function listenTriple(host: string, port: number, handler: TripleHandler): Promise<TripleServer> {
  const connections = new Set<ServerConnection>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const connection = new ServerConnection(socket, handler);
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const connection of connections) connection.close();
          }),
      });
    });
  });
}

/** A request that has not come whole. */
interface Request {
  readonly fields: readonly string[];
  readonly chunks: Buffer[];
  bytes: number;
}

class ServerConnection {
  readonly #socket: Socket;
  readonly #handler: TripleHandler;
  readonly #machine = new Http2Connection("server", Date.now());

  constructor(socket: Socket, handler: TripleHandler) {
    this.#socket = socket;
    this.#handler = handler;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const event of this.#machine.receive(chunk, Date.now())) this.#take(event);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#flush();
        socket.destroy();
        return;
      }
      this.#flush();
    });
    this.#flush();
  }

  close(): void {
    this.#machine.goaway(ERROR.none);
    this.#flush();
    this.#socket.destroySoon();
  }

  #take(event: Http2Event): void {
    if (event.type === "head") {
      event.stream.context = { fields: event.fields, chunks: [], bytes: 0 } satisfies Request;
    } else if (event.type === "data") {
      const request = event.stream.context as Request;
      request.bytes += event.bytes.length;
      if (request.bytes > MAX_REQUEST_BYTES) {
        this.#machine.reset(event.stream, ERROR.calm);
        return;
      }
      request.chunks.push(Buffer.from(event.bytes));
      this.#machine.release(event.stream, event.bytes.length);
    } else if (event.type !== "trailers") return;
    if (event.type === "trailers" || event.end) this.#answer(event.stream, event.stream.context as Request);
  }

  #answer(stream: Http2Stream, { fields, chunks }: Request): void {
    const body = Buffer.concat(chunks);
    let isJson = false;
    try {
      const head = parseRequestHead(fields);
      isJson = head.kind === "json" || head.kind === "http";
      if (isJson) this.#answerJson(stream, head.method, body);
      else this.#answerFramed(stream, head.method, onlyMessage(body));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const grpc = error instanceof CallError ? grpcOfCode(error.code) : UNKNOWN;
      if (isJson) this.#sendJson(stream, 500, refusal(text, undefined));
      else this.#machine.head(stream, printTrailers({ grpc, message: text }, true).fields, true);
    }
  }

  #answerFramed(stream: Http2Stream, method: string, message: Buffer): void {
    if (looksWrapped(message)) this.#answerWrapper(stream, method, message);
    else this.#answerProtobuf(stream, method, message);
  }

  #answerWrapper(stream: Http2Stream, method: string, message: Buffer): void {
    const { args, argTypes } = decodeRequestWrapper(message);
    const values = args.map((arg) => decodeHessian2(Buffer.from(arg)));
    const outcome = this.#handler(method, descriptorOfArgTypes(argTypes), values);
    const data = encodeHessian2(outcome.value);
    const answer = encodeResponseWrapper({ serializeType: HESSIAN4, data, type: "java.lang.Object" });
    this.#send(stream, answer, outcome.type === "exception" ? BUSINESS_EXCEPTION : 0);
  }

  #answerProtobuf(stream: Http2Stream, name: string, message: Buffer): void {
    const { method, args } = decodeOrderRequest(name, message);
    const outcome = this.#handler(method, "", args);
    if (outcome.type === "exception") throw new Error(thrownBy(outcome.value).message);
    this.#send(stream, encodeOrderReply(name, outcome.value), 0);
  }

  #send(stream: Http2Stream, message: Uint8Array, exceptionCode: number): void {
    this.#machine.head(stream, printAnswerHead(exceptionCode), false);
    this.#machine.data(stream, encodeEnvelope(message.length), false);
    this.#machine.data(stream, message, false);
    this.#machine.trailers(stream, printTrailers({ grpc: 0 }).fields);
  }

  #answerJson(stream: Http2Stream, method: string, body: Buffer): void {
    const json = body.length === 0 ? [] : parseJson(body.toString("utf8"));
    const args = (Array.isArray(json) ? json : [json]).map((node) => jsonToValue(node));
    const outcome = this.#handler(method, "", args);
    if (outcome.type === "value") {
      this.#sendJson(stream, 200, printJson(valueToJson(outcome.value)));
      return;
    }
    const { message, className } = thrownBy(outcome.value);
    this.#sendJson(stream, 500, refusal(message, className));
  }

  #sendJson(stream: Http2Stream, status: number, text: string): void {
    const body = Buffer.from(text);
    const fields = [":status", String(status), "content-type", "application/json"];
    this.#machine.head(stream, [...fields, "content-length", String(body.length)], false);
    this.#machine.data(stream, body, true);
  }

  #flush(): void {
    const output = this.#machine.takeOutput();
    if (output.length > 0 && !this.#socket.destroyed) this.#socket.write(output);
  }
}

/** The first message of a request's content. Throws where there is none. */
function onlyMessage(body: Buffer): Buffer {
  const messages: Buffer[] = [];
  const splitter = new EnvelopeSplitter((bytes, start, end) => messages.push(Buffer.from(bytes.subarray(start, end))), {
    maxMessageBytes: MAX_REQUEST_BYTES,
    allowedFlags: 0,
  });
  splitter.push(body);
  splitter.finish();
  if (messages[0] === undefined) throw new Error("the call has no message");
  return messages[0];
}

function thrownBy(value: Value): { readonly message: string; readonly className: string | undefined } {
  const thrown = isThrowable(value) ? throwableView(value) : undefined;
  return { message: thrown?.message ?? "", className: thrown?.exceptionClass };
}

function refusal(message: string, exception: string | undefined): string {
  const parts: JsonObject = new Map<string, JsonNode>([
    ["status", "500"],
    ["message", message],
  ]);
  if (exception !== undefined) parts.set("exception", exception);
  return printJson(parts);
}

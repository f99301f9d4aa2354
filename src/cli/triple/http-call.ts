import { type ClientRequest, type IncomingMessage, request, STATUS_CODES } from "node:http";
import { printAddress } from "../../base/address.ts";
import { CallError } from "../../base/errors.ts";
import type { JsonNode } from "../../codecs/json-text.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { CallOptions } from "../call-options.ts";
import type { CallAddress } from "../call-target.ts";
import { describeNoHttp, type HttpRequest, printHttpCall, readHttpAnswer } from "./http-json.ts";
import type { WrappedOutcome } from "./wrapper.ts";

/** A call to make by JSON over HTTP/1. */
export interface HttpJsonCall {
  readonly address: Pick<CallAddress, "host" | "port">;
  readonly service: ServiceKey;
  readonly method: string;
  readonly args: readonly JsonNode[];
  readonly options: Pick<CallOptions, "timeout" | "attachment" | "maxMessage">;
}

/** How it ended; `status` is HTTP's. */
export type HttpJsonOutcome =
  | { readonly type: "value"; readonly value: JsonNode }
  | Extract<WrappedOutcome, { readonly type: "error" }>;

/** Calls a method by JSON over HTTP/1. Throws an `Error` with one line where no answer came. */
export async function callHttp({ address, service, method, args, options }: HttpJsonCall): Promise<HttpJsonOutcome> {
  const { timeout: timeoutMs, attachment: attachments, maxMessage } = options;
  const call = printHttpCall({ service, method, args, timeoutMs, attachments });
  const { status, contentType, body } = await exchange(address, call, timeoutMs, maxMessage);
  const outcome = readHttpAnswer(status, contentType, body);
  if (outcome.type === "value") return outcome;
  return { type: "error", status, name: STATUS_CODES[status] ?? "unknown", text: outcome.text };
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

function exchange(
  { host, port }: Pick<CallAddress, "host" | "port">,
  { path, headers, body }: HttpRequest,
  timeoutMs: number,
  maxBytes: number,
): Promise<Answer> {
  const address = printAddress(host, port);
  return new Promise((resolve, reject) => {
    const fields = ["host", address, "content-length", String(Buffer.byteLength(body)), ...headers];
    const sent: ClientRequest = request({ host, port, method: "POST", path, headers: fields, agent: false });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      sent.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new CallError("deadline_exceeded", "timeout", `no answer from ${address} in time`)),
      timeoutMs,
    );
    sent.on("error", (error: NodeJS.ErrnoException) => fail(describe(address, error)));
    sent.on("response", (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > maxBytes)
          fail(new CallError("resource_exhausted", "over_limit", `the answer is over maxMessageBytes ${maxBytes}`));
      });
      answer.on("error", (error: NodeJS.ErrnoException) => fail(describe(address, error)));
      answer.on("end", () => {
        clearTimeout(timer);
        const contentType = answer.headers["content-type"] ?? "";
        resolve({ status: answer.statusCode ?? 0, contentType, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    sent.end(body);
  });
}

function describe(address: string, error: NodeJS.ErrnoException): CallError {
  const code = error.code ?? error.message;
  if (error.syscall === "connect" || error.syscall === "getaddrinfo")
    return new CallError("unavailable", "connect_failure", `no connection to ${address}: ${code}`);
  if (code.startsWith("HPE_")) {
    const first = (error as { readonly rawPacket?: Buffer }).rawPacket ?? Buffer.alloc(0);
    return new CallError("unavailable", "undecodable", `${address} ${describeNoHttp(first)}`);
  }
  return new CallError("unavailable", "reset", `connection to ${address} broke: ${code}`);
}

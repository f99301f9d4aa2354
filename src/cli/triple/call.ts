import { printAddress } from "../../base/address.ts";
import type { RequestParts } from "../../codecs/dubbo2/body.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { CallOptions } from "../call-options.ts";
import type { CallAddress } from "../call-target.ts";
import type { SocketOptions } from "../socket.ts";
import { connectGrpc } from "./client.ts";
import { DEADLINE_EXCEEDED, lateAnswer } from "./refusals.ts";
import { unwrapAnswer, type WrappedOutcome, wrapRequest } from "./wrapper.ts";

/** A call to make in Triple's wrapper. */
export interface TripleCall {
  readonly address: CallAddress;
  readonly service: ServiceKey;
  readonly request: Pick<RequestParts, "method" | "descriptor" | "args" | "attachments">;
  readonly options: Pick<CallOptions, "timeout" | "attachment" | "maxMessage">;
  /** Ends the call whenever it aborts. */
  readonly signal?: AbortSignal;
  /** Plain text without. */
  readonly tls?: SocketOptions["tls"];
}

/** Calls a method of a Triple interface that is no protobuf one. Throws an `Error` with one line where no answer came. */
export async function callTriple(call: TripleCall): Promise<WrappedOutcome> {
  const { address, service, request, options, signal, tls } = call;
  const { host, port } = address;
  const { fields, dropped } = printRequestHead({
    authority: printAddress(host, port),
    path: service.interface,
    method: request.method,
    group: service.group,
    version: service.version,
    timeoutMs: options.timeout,
    consumerApplication: undefined,
    attachments: [...Object.entries(request.attachments), ...options.attachment],
  });
  if (dropped.length > 0) throw new Error(`no header can carry attachment ${JSON.stringify(dropped[0])}`);
  const message = wrapRequest(request);
  const client = await connectGrpc({
    host,
    port,
    connectTimeoutMs: options.timeout,
    maxMessageBytes: options.maxMessage,
    ...{ signal, tls },
  });
  try {
    let answer: Buffer | undefined;
    const { head, trailers } = await client.call({
      fields,
      messages: [message],
      timeoutMs: options.timeout,
      onMessage: (bytes) => {
        if (answer !== undefined)
          throw new Error("the provider answered with a second message: a stream, which needs grpc://");
        answer = Buffer.from(bytes);
      },
    });
    const outcome = unwrapAnswer(head, trailers, answer);
    if (outcome.type !== "error" || outcome.status !== DEADLINE_EXCEEDED) return outcome;
    throw lateAnswer(client.address, outcome.text);
  } finally {
    client.close();
  }
}

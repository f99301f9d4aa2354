import { parseAnswer } from "../../codecs/triple/answer.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import type { Value } from "../../codecs/value.ts";
import type { CallAddress } from "../call-target.ts";
import { connectGrpc, type GrpcClient } from "../triple/client.ts";
import { decodeOrderReply, encodeOrderRequest, grpcName } from "./order-proto.ts";
import { ORDER_SERVICE, type OrderMethod } from "./order-service.ts";

const TIMEOUT_MS = 1_000;

/** Calls the sample's service as an application would that has a .proto file and an address, and knows nothing of Dubbo. */
export class GrpcCaller {
  readonly #address: Pick<CallAddress, "host" | "port">;
  #client: GrpcClient | undefined;

  constructor(address: Pick<CallAddress, "host" | "port">) {
    this.#address = address;
  }

  /** Makes a call. Rejects with one line where there was no answer, or one that is an error. */
  async call(method: OrderMethod, args: readonly Value[]): Promise<Value> {
    if (this.#client?.takesCalls !== true) this.#client = await connectGrpc(this.#address);
    const client = this.#client;
    const { fields } = printRequestHead({
      authority: client.address,
      path: ORDER_SERVICE.interface,
      method: grpcName(method),
      group: "",
      version: "",
      timeoutMs: TIMEOUT_MS,
      consumerApplication: undefined,
      attachments: [],
    });
    let message: Buffer | undefined;
    const { head, trailers } = await client.call({
      fields,
      messages: [encodeOrderRequest(method, args)],
      timeoutMs: TIMEOUT_MS,
      onMessage: (bytes) => {
        message = Buffer.from(bytes);
      },
    });
    const answer = parseAnswer(head, trailers);
    if (answer.type !== "value" || message === undefined) throw new Error(`gRPC ${answer.grpc}: ${answer.message}`);
    return decodeOrderReply(method, message);
  }

  close(): void {
    this.#client?.close();
  }
}

import { isDeepStrictEqual } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import { type FeedOrder, feedCalls, feedOrder } from "../../support/grpc-feed.ts";
import { type OrdersClient, ordersClient, type UnaryResult } from "../../support/grpc-orders.ts";
import { startIdlConsumer } from "../../support/idl.ts";
import type { TripleStage } from "../../support/triple-stage.ts";
import { fromMessage, toMessage } from "./messages.ts";
import type { BridgeCaller, CallerName, NeutralError, Outcome } from "./peers.ts";
import { sampleBytes } from "./values.ts";

/** A gRPC client in Node that knows a .proto file and nothing of Dubbo. */
export function grpcCaller(stage: TripleStage): BridgeCaller {
  const address = `${stage.host}:${stage.port}`;
  const client = ordersClient(address);
  const feedClient = new Client(address, credentials.createInsecure());
  const feed = feedCalls(feedClient);
  return protobufCaller("grpc", client, {
    async stream({ kind, count, cancelAfter, refuse = false }) {
      const options = cancelAfter === undefined ? {} : { cancelAfter };
      const made =
        kind === "orders" ? await feed.orders(count, options) : await feed[kind](sent(count, refuse), options);
      return { values: made.values.map(said), ended: made.code === 0 ? "completed" : ended(made.code, made.details) };
    },
    giveUp: async (ms, afterMs) => void (await client.call("Sleep", { ms: String(ms) }, { cancelAfterMs: afterMs })),
    stop: async () => {
      client.close();
      feedClient.close();
    },
  });
}

/** A Java consumer whose stubs Dubbo's compiler made of the .proto file. */
export async function stubCaller(stage: TripleStage): Promise<BridgeCaller> {
  const consumer = await startIdlConsumer("3.3", { url: stage.url });
  return protobufCaller("protobuf", consumer, {
    async stream({ kind, count, cancelAfter, refuse = false }) {
      const options = cancelAfter === undefined ? {} : { cancelAfter };
      const requests = kind === "orders" ? [{ value: count }] : sent(count, refuse);
      const method = kind[0]!.toUpperCase() + kind.slice(1);
      const { answers, ended, error } = await consumer.stream("OrderFeed", method, requests, options);
      return { values: answers.map(said), ended: ended === "failed" ? error : ended };
    },
    // Its own time-out resets its stream.
    giveUp: async (ms, afterMs) => void (await consumer.call("Sleep", { ms: String(ms) }, { deadlineMs: afterMs })),
    stop: () => consumer.stop(),
  });
}

function protobufCaller(
  name: CallerName,
  client: OrdersClient,
  own: Pick<BridgeCaller, "giveUp" | "stop" | "stream">,
): BridgeCaller {
  const rpc = (method: string) => method[0]!.toUpperCase() + method.slice(1);

  const call: BridgeCaller["call"] = async (method, args, options = {}) => {
    const { attachments = {}, timeoutMs, group } = options;
    const metadata = { ...attachments, ...(group !== undefined && { "tri-service-group": group }) };
    const result = await client.call(rpc(method), toMessage(method, args), {
      metadata,
      ...(timeoutMs !== undefined && { deadlineMs: timeoutMs }),
    });
    return outcome(method, result);
  };

  return {
    ...own,
    name,
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
      const bytes = sampleBytes(size);
      const long = { timeoutMs: 15_000 };
      if (way === "up") return right(await call("countBytes", [bytes], long), size);
      return right(await (way === "down" ? call("makeBytes", [size], long) : call("echoBytes", [bytes], long)), bytes);
    },
    unknownMethod: () => call("missing", [1]),
    next: () => {},
  };
}

/** The orders that a caller sends, the last with the note "refuse" where it shall be. */
function sent(count: number, refuse: boolean): FeedOrder[] {
  return Array.from({ length: count }, (_, id) => feedOrder(id, refuse && id === count - 1 ? { note: "refuse" } : {}));
}

/** A message of the feed: an order, or a StringValue. */
function said(message: unknown): string {
  if (typeof message === "string") return message;
  const { id, servedBy, value } = message as Readonly<Record<string, unknown>>;
  return value === undefined ? `${String(id)}@${String(servedBy)}` : String(value);
}

function ended(code: number, details: string): string {
  return code === 1 ? "cancelled" : details;
}

function outcome(method: string, { value, code, details, trailers }: UnaryResult): Outcome {
  if (code === 0) return { value: fromMessage(method, value), attachments: trailers };
  // Java's stubs put the lines of the status's details behind its text.
  const text = details.trimEnd();
  const [, name, message] = /^([a-z][\w.$]*\.[A-Z][\w$]*)(?:: ([\s\S]*))?$/.exec(text) ?? [];
  const error: NeutralError =
    name === undefined ? { message: text, code } : { class: name, message: message ?? "", code };
  return { error, attachments: trailers };
}

/** Whether a call brought this value, or its error's text. */
export function right({ value, error }: Outcome, wanted: unknown): boolean | string {
  if (error !== undefined) return error.message;
  return Buffer.isBuffer(wanted) ? Buffer.isBuffer(value) && value.equals(wanted) : isDeepStrictEqual(value, wanted);
}

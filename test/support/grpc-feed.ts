import { fileURLToPath } from "node:url";
import {
  type Client,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type GrpcCallOptions, type GrpcResult, grpcCall } from "./grpc-peer.ts";

/** com.acme.OrderFeed of fixtures/peers/grpc/feed.proto, as @grpc/grpc-js calls and serves it: a program that knows nothing of Dubbo. */
const folder = fileURLToPath(new URL("../../fixtures/peers/grpc", import.meta.url));
const loaded = loadSync("feed.proto", {
  includeDirs: [folder],
  enums: String,
  longs: String,
  defaults: true,
  keepCase: false,
  oneofs: true,
});

/** Its methods. */
export const feedService = loaded["com.acme.OrderFeed"] as ServiceDefinition;

/** An order as far as these tests look at it. */
export interface FeedOrder {
  readonly id: string;
  readonly note?: string;
  readonly servedBy?: string;
  readonly [name: string]: unknown;
}

/** The order that peer.Samples of fixtures/peers/dubbo makes for an id. */
export function feedOrder(id: number, more: Partial<FeedOrder> = {}): FeedOrder {
  const ms = 1_700_000_000_123 + id;
  return {
    id: String(id),
    customer: { name: "Zoë 🚀 中文", age: id % 100, vip: id % 2 === 0, tags: { tier: "gold", région: "北" } },
    status: `ORDER_STATUS_${["NEW", "PAID", "SHIPPED", "CANCELLED"][id % 4]}`,
    total: "12345678901234567890.123400",
    created: { seconds: String(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 },
    signature: Buffer.from([0, 1, 255, 127, 128, 0x4e]),
    lines: [
      { sku: `sku-${id}`, quantity: 3, price: "9.90" },
      { sku: `sku-${id + 1}`, quantity: -1, price: "-0.01" },
    ],
    ...(id % 3 !== 0 && { note: `note ${id}` }),
    ...more,
  };
}

/** Calls of OrderFeed; failures are results. */
export function feedCalls(client: Client) {
  const method = (name: string) => feedService[name]!;
  const same = (order: FeedOrder) => order;
  return {
    orders: (count: number, options?: GrpcCallOptions): Promise<GrpcResult<FeedOrder>> =>
      grpcCall(client, method("Orders"), [{ value: count }], same, options),
    collect: (orders: readonly FeedOrder[], options?: GrpcCallOptions): Promise<GrpcResult> =>
      grpcCall(client, method("Collect"), orders, ({ value }: { value: string }) => value, options),
    review: (orders: readonly FeedOrder[], options?: GrpcCallOptions): Promise<GrpcResult<FeedOrder>> =>
      grpcCall(client, method("Review"), orders, same, options),
  };
}

/** A gRPC server of the feed. */
export interface FeedServer {
  readonly port: number;
  /** What it has seen, by name: `orders-cancelled`, `collect-cancelled`, ... */
  readonly seen: Map<string, number>;
  /** Orders of a stream without end that were taken from the server. */
  sent(): number;
  stop(): void;
}

/** An order whose `note` is `fail CODE TEXT` ends a review with that status. Streams say the metadata `x-question` in the trailer `x-answer`. */
export async function startFeedServer(host: string, label: string): Promise<FeedServer> {
  const server = new Server();
  const seen = new Map<string, number>();
  const note = (name: string) => void seen.set(name, (seen.get(name) ?? 0) + 1);
  let sent = 0;
  const tail = (metadata: Metadata) => {
    const made = new Metadata();
    const said = metadata.get("x-question").map(String);
    if (said.length > 0) made.set("x-answer", said.join());
    return made;
  };
  const orders: handleServerStreamingCall<{ value: number }, FeedOrder> = (call) => {
    const { value } = call.request;
    const order = (n: number) => feedOrder(n, { servedBy: label });
    call.on("cancelled", () => note("orders-cancelled"));
    if (value === -2) return;
    if (value < 0) {
      const filler = "x".repeat(1000);
      const write = (): void => {
        while (!call.cancelled) {
          sent++;
          if (!call.write({ ...order(sent), note: filler })) {
            call.once("drain", write);
            return;
          }
        }
      };
      write();
      return;
    }
    for (let n = 0; n < value; n++) call.write(order(n));
    call.end(tail(call.metadata));
  };
  const collect: handleClientStreamingCall<FeedOrder, { value: string }> = (call, done) => {
    const ids: string[] = [];
    call.on("cancelled", () => note("collect-cancelled"));
    call.on("data", ({ id }: FeedOrder) => {
      ids.push(id);
      if (id === "999") done(null, { value: `${label}: enough` });
    });
    call.on("end", () => done(null, { value: `${label}: ${ids.join(",")}` }, tail(call.metadata)));
  };
  const review: handleBidiStreamingCall<FeedOrder, FeedOrder> = (call) => {
    call.on("data", (order: FeedOrder) => {
      const words = String(order.note ?? "").split(" ");
      if (words[0] === "fail" || words[0] === "refuse") {
        const code = words[0] === "fail" ? Number(words[1]) : 9;
        call.emit("error", { code, details: words.slice(2).join(" ") || `order ${order.id} refused` });
      } else call.write({ ...order, servedBy: label });
    });
    call.on("end", () => call.end(tail(call.metadata)));
  };
  server.addService(feedService, { Orders: orders, Collect: collect, Review: review });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, seen, sent: () => sent, stop: () => server.forceShutdown() };
}

import { fileURLToPath } from "node:url";
import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { orderMessage } from "../conformance/bridge/messages.ts";
import { sampleBytes, sampleOrder } from "../conformance/bridge/values.ts";

/** com.acme.OrderService of fixtures/peers/grpc/orders.proto, as @grpc/grpc-js calls and serves it: a program that knows nothing of Dubbo. */
const folder = fileURLToPath(new URL("../../fixtures/peers/grpc", import.meta.url));
const loaded = loadSync("orders.proto", {
  includeDirs: [folder],
  enums: String,
  longs: String,
  defaults: true,
  keepCase: false,
  oneofs: true,
});

/** Its methods. */
export const ordersService = loaded["com.acme.OrderService"] as ServiceDefinition;

/** How one call ended. */
export interface UnaryResult {
  readonly value: unknown;
  readonly code: number;
  readonly details: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A gRPC client of the orders. */
export interface OrdersClient {
  /** One call; failures are results. */
  call(
    method: string,
    request: unknown,
    options?: {
      readonly deadlineMs?: number;
      readonly cancelAfterMs?: number;
      readonly metadata?: Readonly<Record<string, string>>;
    },
  ): Promise<UnaryResult>;
  close(): void;
}

const MAX_BYTES = 64 * 1024 * 1024;

/** A client of `address`, as `host:port`, with one connection of its own. */
export function ordersClient(address: string): OrdersClient {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_BYTES,
    "grpc.max_send_message_length": MAX_BYTES,
    "grpc.use_local_subchannel_pool": 1,
  });
  return {
    call: (name, request, options = {}) => {
      const method = ordersService[name]!;
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
      const rest = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
      return new Promise((resolve) => {
        let value: unknown;
        const call = client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          metadata,
          rest,
          (_, got) => {
            value = got;
          },
        );
        if (options.cancelAfterMs !== undefined) setTimeout(() => call.cancel(), options.cancelAfterMs);
        call.on("status", (status: StatusObject) =>
          // The value comes in the same turn.
          setImmediate(() =>
            resolve({
              value,
              code: status.code,
              details: status.details,
              trailers: Object.fromEntries(
                Object.entries(status.metadata.getMap()).map(([key, one]) => [key, one.toString()]),
              ),
            }),
          ),
        );
      });
    },
    close: () => client.close(),
  };
}

/** What requests have, each some of it. */
interface Asked {
  readonly id: string;
  readonly count: number;
  readonly keys: readonly string[];
  readonly value: string;
  readonly ms: string;
}

/** A running server of the orders. */
export interface OrdersServer {
  readonly port: number;
  /** Calls of `Sleep` that ended before they were answered. */
  cancelled(): number;
  stop(): void;
}

/**
 * A gRPC server of the orders, which are those of the Java programs; other requests come back as they are. `Fail` ends with status
 * NUMBER as `NUMBER text`, `Missing` is not there, and `Attachments` answers the metadata, with what is left of the call's time as `deadline-ms`.
 */
export async function startOrdersServer(host: string, label: string): Promise<OrdersServer> {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_BYTES,
    "grpc.max_send_message_length": MAX_BYTES,
  });
  const notes = new Map<string, number>();
  let cancelled = 0;
  const echo: handleUnaryCall<unknown, unknown> = (call, done) => done(null, call.request);
  const order = (id: string) => orderMessage({ ...sampleOrder(Number(id), label), id: BigInt(id) });
  const own: Readonly<Record<string, handleUnaryCall<Asked, unknown>>> = {
    GetOrder: (call, done) => done(null, order(call.request.id)),
    LaterOrder: (call, done) => done(null, order(call.request.id)),
    Find: (call, done) => done(null, order(call.request.id)),
    CreateOrder: (call, done) => done(null, { ...call.request, servedBy: label }),
    CancelOrder: (call, done) => {
      const key = `cancelled-${call.request.id}`;
      notes.set(key, (notes.get(key) ?? 0) + 1);
      done(null, {});
    },
    ListOrders: (call, done) => {
      const { count } = call.request;
      done(null, { orders: Array.from({ length: count }, (_, i) => order(String(i))) });
    },
    OrdersByKey: (call, done) => {
      const { keys } = call.request;
      done(null, { orders: Object.fromEntries(keys.map((key, i) => [key, order(String(i))])) });
    },
    SayHi: (call, done) => done(null, { value: `hi ${call.request.value}` }),
    WhoAmI: (_, done) => done(null, { line: "grpc", label, pid: "1", remoteAddress: "" }),
    Attachments: (call, done) => {
      const entries = Object.fromEntries(
        Object.entries(call.metadata.getMap()).map(([key, value]) => [key, value.toString()]),
      );
      const left = Number(call.getDeadline()) - Date.now();
      if (Number.isFinite(left)) entries["deadline-ms"] = String(left);
      const tail = new Metadata();
      if (entries["answer-with"] !== undefined) {
        tail.set("x-answer", entries["answer-with"]);
        tail.set("answeredBy", label);
      }
      done(null, { entries }, tail);
    },
    Sleep: (call, done) => {
      const timer = setTimeout(() => done(null, { value: label }), Number(call.request.ms));
      call.on("cancelled", () => {
        cancelled++;
        clearTimeout(timer);
      });
    },
    Notes: (call, done) => done(null, { value: notes.get(call.request.value) ?? 0 }),
    MakeBytes: (call, done) => done(null, { value: sampleBytes(Number(call.request.value)) }),
    CountBytes: (call, done) => done(null, { value: call.request.value.length }),
    Fail: (call, done) => {
      const [code, ...text] = call.request.value.split(" ");
      if (code === "runtime") done({ code: 2, details: "not now" }, null);
      else done({ code: Number(code), details: text.join(" ") }, null);
    },
    Missing: (_, done) => done({ code: 12, details: "the method Missing is not implemented" }, null),
  };
  server.addService(
    ordersService,
    Object.fromEntries(
      Object.keys(ordersService).map((name) => [name, own[name] ?? echo]),
    ) as UntypedServiceImplementation,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(host.startsWith("unix:") ? host : `${host}:0`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, cancelled: () => cancelled, stop: () => server.forceShutdown() };
}

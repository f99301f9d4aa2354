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
    options?: { readonly deadlineMs?: number; readonly metadata?: Readonly<Record<string, string>> },
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

/** A gRPC server of the orders: what it is given comes back, an order with a `servedBy`; `Fail` ends with status NAME as `NAME text`. */
export async function startOrdersServer(host: string, label: string): Promise<{ port: number; stop(): void }> {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_BYTES,
    "grpc.max_send_message_length": MAX_BYTES,
  });
  const echo: handleUnaryCall<unknown, unknown> = (call, done) => {
    const said = call.metadata.get("x-question").map(String);
    const tail = new Metadata();
    if (said.length > 0) tail.set("x-answer", said.join());
    done(null, call.request, tail);
  };
  const order = (id: string) => ({
    id,
    total: "1.50",
    created: { seconds: "1795289400", nanos: 5e8 },
    status: 1,
    servedBy: label,
  });
  const own: Readonly<Record<string, handleUnaryCall<Asked, unknown>>> = {
    GetOrder: (call, done) => done(null, order(call.request.id)),
    CreateOrder: (call, done) => done(null, { ...call.request, servedBy: label }),
    CancelOrder: (_, done) => done(null, {}),
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
    Sleep: (call, done) => void setTimeout(() => done(null, { value: label }), Number(call.request.ms)),
    Fail: (call, done) => {
      const [code, ...text] = call.request.value.split(" ");
      done({ code: Number(code), details: text.join(" ") }, null);
    },
  };
  server.addService(
    ordersService,
    Object.fromEntries(
      Object.keys(ordersService).map((name) => [name, own[name] ?? echo]),
    ) as UntypedServiceImplementation,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata, type ServiceDefinition, type StatusObject } from "@grpc/grpc-js";
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

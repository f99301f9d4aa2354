import type { ServiceError } from "@grpc/grpc-js";
import { printAddress } from "../../../base/address.ts";
import { TransientError } from "../../../base/errors.ts";

/** One TCP connection to a Nacos server, with its unary calls and its one stream; bytes are envelopes. */
export interface NacosTransport {
  /** Rejects with `TransientError`, also when the answer does not come in time. */
  unary(bytes: Buffer, timeoutMs: number): Promise<Buffer>;
  /** Opens the stream; once. `onEnd` is called once, with the reason, however it ends. */
  open(onMessage: (bytes: Buffer) => void, onEnd: (reason: string) => void): void;
  /** Writes to the stream. */
  send(bytes: Buffer): void;
  /** Ends all of it; calls that wait are rejected. */
  close(): void;
}

/** Opens a connection to the gRPC port of a server; nothing is sent before the first call. */
export type OpenTransport = (target: { readonly host: string; readonly port: number }) => Promise<NacosTransport>;

const UNARY = "/Request/request";
const STREAM = "/BiRequestStream/requestBiStream";
/** How much is on its way without having been read, bytes: a busy reader must not keep the server from sending. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Longest envelope that is taken: a service of 100,000 instances has less. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const same = (bytes: Buffer) => bytes;

/**
 * Opens it with grpc-js, cleartext. The server knows a client by its connection, so that each has a channel of its own, calls are not
 * retried by the library, and HTTP/2 pings are left out: servers take more than one in five minutes for an attack. The library is loaded
 * when it is first needed: that takes longer than most commands.
 */
export const openGrpcTransport: OpenTransport = async ({ host, port }) => {
  const { Client, credentials, Metadata } = await import("@grpc/grpc-js");
  const client = new Client(printAddress(host, port), credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.initial_reconnect_backoff_ms": 1_000,
    "grpc-node.flow_control_window": WINDOW_BYTES,
  });
  let stream: ReturnType<typeof openStream> | undefined;
  const openStream = () => client.makeBidiStreamRequest(STREAM, same, same, new Metadata());
  return {
    unary: (bytes, timeoutMs) =>
      new Promise((resolve, reject) => {
        const options = { deadline: Date.now() + timeoutMs };
        client.makeUnaryRequest(UNARY, same, same, bytes, new Metadata(), options, (error, answer) => {
          if (error !== null || answer === undefined) reject(new TransientError(reasonOf(error)));
          else resolve(answer);
        });
      }),
    open(onMessage, onEnd) {
      let isEnded = false;
      const end = (reason: string) => {
        if (isEnded) return;
        isEnded = true;
        onEnd(reason);
      };
      stream = openStream();
      stream.on("data", onMessage);
      stream.on("error", (error) => end(reasonOf(error as ServiceError)));
      stream.on("end", () => end("the server ended the stream"));
    },
    send(bytes) {
      stream?.write(bytes);
    },
    close() {
      // Half-closed first, as Java's clients do: the server forgets the connection at once.
      stream?.end();
      stream?.cancel();
      client.close();
    },
  };
};

function reasonOf(error: ServiceError | null): string {
  if (error === null) return "no answer";
  return error.details === "" ? error.message : error.details;
}

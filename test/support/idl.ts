import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { answersByLine } from "./dubbo.ts";
import type { OrdersClient } from "./grpc-orders.ts";
import { builtPeer } from "./maven.ts";
import { type Peer, startProcess } from "./process.ts";

/** The lines of Dubbo that run stubs made of .proto files. */
export type IdlLine = "3.2" | "3.3";

/** Flags of `peer.IdlProvider` (fixtures/peers/idl). */
export interface IdlProviderOptions {
  readonly host: string;
  /** 50051 without it. */
  readonly port?: number;
  /** Without one it registers nowhere. */
  readonly registry?: string;
  readonly mode?: "interface" | "instance" | "all";
  readonly group?: string;
  readonly version?: string;
  readonly application?: string;
  /** What `WhoAmI`, `Sleep` and the orders' `servedBy` say. */
  readonly label?: string;
  /** -D flags, as `dubbo.x=y`. */
  readonly properties?: readonly string[];
}

/** Flags of `peer.IdlConsumer`. */
export interface IdlConsumerOptions {
  readonly registry?: string;
  /** A direct address in place of a registry: tri://host:port */
  readonly url?: string;
  readonly group?: string;
  readonly version?: string;
  readonly application?: string;
  /** -D flags, as `dubbo.x=y`. */
  readonly properties?: readonly string[];
}

/** How a call with streams ended; `ended` is completed, cancelled (by this side), late, or failed with `code` and `text`. */
export interface IdlStreamResult {
  readonly answers: readonly unknown[];
  readonly ended: "completed" | "cancelled" | "late" | "failed";
  readonly code: number;
  readonly text: string;
  /** Java's exceptions, outermost first. */
  readonly error: string;
}

/** What a call may carry. */
export interface IdlCallOptions {
  readonly deadlineMs?: number;
  /** Attachments. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Answers after which this side ends the call. */
  readonly cancelAfter?: number;
}

/** A consumer JVM whose stubs were made of the .proto files; messages are those of @grpc/proto-loader. */
export interface IdlConsumer extends OrdersClient {
  readonly peer: Peer;
  /** A call of any kind: `service` of com.acme, its method as the .proto has it, all that the caller sends. */
  stream(
    service: "OrderService" | "Relay" | "OrderFeed",
    method: string,
    requests: readonly unknown[],
    options?: IdlCallOptions,
  ): Promise<IdlStreamResult>;
  stop(): Promise<void>;
}

const folder = fileURLToPath(new URL("../../fixtures/peers/grpc", import.meta.url));
const loaded = loadSync(["orders.proto", "relay.proto", "feed.proto"], {
  includeDirs: [folder],
  enums: String,
  longs: String,
  defaults: true,
  keepCase: false,
  oneofs: true,
});

function java(line: IdlLine, main: string, options: IdlProviderOptions | IdlConsumerOptions): string[] {
  const { properties = [], ...flags } = options;
  return [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Ddubbo.tri.builtin.service.init=true",
    // A fresh one: Dubbo keeps registry caches there.
    `-Duser.home=${mkdtempSync(join(tmpdir(), "trestle-home-"))}`,
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    ...properties.map((property) => `-D${property}`),
    "-cp",
    `${builtPeer("idl")}/target/classes:${builtPeer("dubbo")}/${line === "3.2" ? "d32" : "d33"}/target/dep/*`,
    main,
    ...Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${String(value)}`])),
  ];
}

/** Starts a provider of the services in orders.proto, relay.proto and feed.proto. */
export function startIdlProvider(line: IdlLine, options: IdlProviderOptions): Promise<Peer> {
  return startProcess({
    name: `protobuf provider ${line} ${options.label ?? ""}`.trim(),
    command: "java",
    args: java(line, "peer.IdlProvider", options),
    ready: (peer) => peer.stdout().includes("READY"),
  });
}

/** Starts a consumer. Its references connect at their first call; calls go on beside each other. `env`: variables of the environment. */
export async function startIdlConsumer(
  line: IdlLine,
  options: IdlConsumerOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<IdlConsumer> {
  const peer = await startProcess({
    env,
    name: `protobuf consumer ${line}`,
    command: "java",
    args: java(line, "peer.IdlConsumer", options),
    stdin: true,
    ready: (started) => started.stdout().includes("READY"),
  });
  const ask = answersByLine(peer);
  const make = async (service: string, name: string, requests: readonly unknown[], options: IdlCallOptions = {}) => {
    const method = methodOf(service, name);
    const said = await ask({
      service,
      method: name,
      requests: requests.map((request) => method.requestSerialize(request as object).toString("base64")),
      attach: options.metadata ?? {},
      timeoutMs: options.deadlineMs,
      cancelAfter: options.cancelAfter,
    });
    const answers = ((said["answers"] ?? []) as string[]).map((text) =>
      method.responseDeserialize(Buffer.from(text, "base64")),
    );
    return { said, answers };
  };
  return {
    peer,
    async call(name, request, options) {
      const { said, answers } = await make("OrderService", name, [request], options);
      return {
        value: answers[0],
        code: Number(said["code"] ?? 0),
        details: String(said["text"] ?? ""),
        trailers: (said["answered"] ?? {}) as Record<string, string>,
      };
    },
    async stream(service, name, requests, options) {
      const { said, answers } = await make(service, name, requests, options);
      return {
        answers,
        ended: said["ended"] as IdlStreamResult["ended"],
        code: Number(said["code"] ?? 0),
        text: String(said["text"] ?? ""),
        error: String(said["error"] ?? ""),
      };
    },
    close: () => void peer.kill(),
    stop: async () => void (await peer.kill()),
  };
}

function methodOf(service: string, name: string): MethodDefinition<object, object> {
  return (loaded[`com.acme.${service}`] as ServiceDefinition)[name] as MethodDefinition<object, object>;
}

import { fileURLToPath } from "node:url";
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type StatusObject,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** gRPC between processes that know nothing of Dubbo: @grpc/grpc-js with the services of fixtures/peers/grpc. */

const folder = fileURLToPath(new URL("../../fixtures/peers/grpc", import.meta.url));
const loaded = loadSync(["relay.proto", "health.proto", "reflection.proto"], {
  includeDirs: [folder],
  enums: String,
  oneofs: true,
});
const services = {
  relay: loaded["com.acme.Relay"] as ServiceDefinition,
  health: loaded["grpc.health.v1.Health"] as ServiceDefinition,
  reflection: loaded["grpc.reflection.v1alpha.ServerReflection"] as ServiceDefinition,
};

interface Text {
  readonly value: string;
}
interface Int {
  readonly value: number;
}

/** The most that either side takes in one message. */
const maxMessageBytes = 16 * 1024 * 1024;

/** A gRPC server in this process. */
export interface GrpcServer {
  readonly port: number;
  /** What it has seen, by name: `say`, `count-cancelled`, `talk-cancelled`, ... */
  readonly seen: Map<string, number>;
  /** Lets calls end, and takes no more. */
  stop(): Promise<void>;
  /** Cuts every connection. */
  kill(): void;
}

/** Starts Relay, Health and ServerReflection on `host`; `port` 0 takes a free one. */
export async function startGrpcServer(label: string, host = "127.0.0.1", port = 0): Promise<GrpcServer> {
  const server = new Server({ "grpc.max_receive_message_length": maxMessageBytes });
  const seen = new Map<string, number>();
  const note = (name: string) => void seen.set(name, (seen.get(name) ?? 0) + 1);
  server.addService(services.relay, relayOf(label, note));
  server.addService(services.health, health);
  server.addService(services.reflection, reflection);
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return {
    port: bound,
    seen,
    stop: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    kill: () => server.forceShutdown(),
  };
}

/** The failure that `fail CODE TEXT` asks for, with details as gRPC's richer errors have them. */
function failure(words: readonly string[]): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(`details of ${words[1]}`));
  metadata.set("x-tail", "failed");
  return { code: Number(words[1]), details: words.slice(2).join(" "), metadata };
}

function relayOf(label: string, note: (name: string) => void) {
  const say: handleUnaryCall<Text, Text> = (call, done) => {
    note("say");
    let answered = false;
    call.on("cancelled", () => answered || note("say-cancelled"));
    const text = call.request.value;
    const words = text.split(" ");
    const answer = (value: string, tail?: Metadata) => {
      answered = true;
      done(null, { value }, tail);
    };
    switch (words[0]) {
      case "headers":
        return answer(JSON.stringify(fieldsOf(call.metadata)));
      case "deadline": {
        const deadline = call.getDeadline();
        return answer(deadline === Infinity ? "none" : String(Number(deadline) - Date.now()));
      }
      case "sleep":
        return void setTimeout(() => answer(label), Number(words[1]));
      case "fail":
        answered = true;
        return done(failure(words), null);
      case "big":
        return answer("x".repeat(Number(words[1])));
      case "length":
        return answer(String(text.length));
      case "trailers": {
        const head = new Metadata();
        head.set("x-head", text);
        call.sendMetadata(head);
        const tail = new Metadata();
        tail.set("x-tail", text);
        tail.set("x-tail-bin", Buffer.from([0, 255, 1]));
        return answer(label, tail);
      }
      default:
        return answer(`${label}: ${text}`);
    }
  };
  const count: handleServerStreamingCall<Int, Text> = (call) => {
    if (call.request.value >= 0) {
      for (let n = 0; n < call.request.value; n++) call.write({ value: `${label} ${n}` });
      call.end();
      return;
    }
    let n = 0;
    const timer = setInterval(() => call.write({ value: `${label} ${n++}` }), 20);
    call.on("cancelled", () => {
      clearInterval(timer);
      note("count-cancelled");
    });
  };
  const sum: handleClientStreamingCall<Int, Text> = (call, done) => {
    let total = 0;
    call.on("data", ({ value }: Int) => {
      total += value;
    });
    let ended = false;
    call.on("cancelled", () => ended || note("sum-cancelled"));
    call.on("end", () => {
      ended = true;
      done(null, { value: `${label}: ${total}` });
    });
  };
  const talk: handleBidiStreamingCall<Text, Text> = (call) => {
    let ended = false;
    call.on("data", ({ value }: Text) => {
      const words = value.split(" ");
      if (words[0] === "fail") {
        ended = true;
        call.emit("error", failure(words));
      } else call.write({ value: `${label}: ${value}` });
    });
    call.on("cancelled", () => ended || note("talk-cancelled"));
    call.on("end", () => {
      ended = true;
      call.end();
    });
  };
  return { Say: say, Count: count, Sum: sum, Talk: talk };
}

interface HealthRequest {
  readonly service: string;
}

const known = new Set(["", "com.acme.Relay"]);
const health: {
  Check: handleUnaryCall<HealthRequest, { status: string }>;
  Watch: handleServerStreamingCall<HealthRequest, { status: string }>;
} = {
  Check: (call, done) =>
    known.has(call.request.service)
      ? done(null, { status: "SERVING" })
      : done({ code: 5, details: `unknown service ${call.request.service}` }, null),
  Watch: (call) => void call.write({ status: known.has(call.request.service) ? "SERVING" : "SERVICE_UNKNOWN" }),
};

interface ReflectionRequest {
  readonly listServices?: string;
  readonly fileContainingSymbol?: string;
}

const reflection: { ServerReflectionInfo: handleBidiStreamingCall<ReflectionRequest, unknown> } = {
  ServerReflectionInfo: (call) => {
    call.on("data", (request: ReflectionRequest) => {
      if (request.listServices !== undefined) {
        return call.write({ listServicesResponse: { service: [{ name: "com.acme.Relay" }] } });
      }
      const method = loaded["com.acme.Relay"] as unknown as Record<
        string,
        { requestType: { fileDescriptorProtos: [] } }
      >;
      return call.write({
        fileDescriptorResponse: { fileDescriptorProto: method["Say"].requestType.fileDescriptorProtos },
      });
    });
    call.on("end", () => call.end());
  },
};

/** What a caller saw: every message, how it ended, and the fields around; `-bin` fields as latin-1 text. */
export interface GrpcResult<T = string> {
  readonly values: readonly T[];
  readonly code: number;
  readonly details: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
}

/** How to make one call. */
export interface GrpcCallOptions {
  /** A list is as many lines of one name. */
  readonly metadata?: Readonly<Record<string, string | Buffer | readonly string[]>>;
  readonly deadlineMs?: number;
  /** Cancels after so many messages; 0 at once after sending. */
  readonly cancelAfter?: number;
}

/** A gRPC client: one connection, whatever it calls. */
export interface GrpcClient {
  say(text: string, options?: GrpcCallOptions): Promise<GrpcResult>;
  count(count: number, options?: GrpcCallOptions): Promise<GrpcResult>;
  sum(numbers: readonly number[], options?: GrpcCallOptions): Promise<GrpcResult>;
  talk(texts: readonly string[], options?: GrpcCallOptions): Promise<GrpcResult>;
  /** Health of a service. */
  check(service: string): Promise<GrpcResult>;
  /** Names of the services that reflection lists. */
  list(): Promise<GrpcResult<readonly string[]>>;
  /** How many files reflection gives for a symbol. */
  files(symbol: string): Promise<GrpcResult<number>>;
  close(): void;
}

/** A client of `address`, as `host:port`. It connects at its first call and does not reject: failures are results. */
export function grpcClient(address: string, authority?: string): GrpcClient {
  const client = new Client(address, credentials.createInsecure(), {
    ...(authority !== undefined && { "grpc.default_authority": authority }),
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 200,
    // Each client a connection of its own.
    "grpc.use_local_subchannel_pool": 1,
  });
  const text = ({ value }: Text) => value;
  const relay = (name: string) => services.relay[name]!;
  const reflect = services.reflection["ServerReflectionInfo"]!;
  return {
    say: (value, options) => grpcCall(client, relay("Say"), [{ value }], text, options),
    count: (value, options) => grpcCall(client, relay("Count"), [{ value }], text, options),
    sum: (numbers, options) =>
      grpcCall(
        client,
        relay("Sum"),
        numbers.map((value) => ({ value })),
        text,
        options,
      ),
    talk: (texts, options) =>
      grpcCall(
        client,
        relay("Talk"),
        texts.map((value) => ({ value })),
        text,
        options,
      ),
    check: (service) =>
      grpcCall(client, services.health["Check"]!, [{ service }], ({ status }: { status: string }) => status),
    list: () =>
      grpcCall(
        client,
        reflect,
        [{ listServices: "*" }],
        (answer: { listServicesResponse?: { service: { name: string }[] } }) =>
          (answer.listServicesResponse?.service ?? []).map(({ name }) => name),
      ),
    files: (fileContainingSymbol) =>
      grpcCall(
        client,
        reflect,
        [{ fileContainingSymbol }],
        (answer: { fileDescriptorResponse?: { fileDescriptorProto: unknown[] } }) =>
          answer.fileDescriptorResponse?.fileDescriptorProto.length ?? 0,
      ),
    close: () => client.close(),
  };
}

/** One call; failures are results. All four kinds are a bidirectional one on the wire. */
export function grpcCall<T, R>(
  client: Client,
  method: ServiceDefinition[string],
  messages: readonly unknown[],
  read: (message: T) => R,
  options: GrpcCallOptions = {},
): Promise<GrpcResult<R>> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {}))
    for (const line of typeof value === "string" || Buffer.isBuffer(value) ? [value] : value) metadata.add(name, line);
  const stream = client.makeBidiStreamRequest<unknown, T>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadata,
    options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs },
  );
  return new Promise((resolve) => {
    const values: R[] = [];
    let headers: Record<string, string> = {};
    stream.on("metadata", (got: Metadata) => {
      headers = fieldsOf(got);
    });
    stream.on("data", (message: T) => {
      values.push(read(message));
      if (values.length === options.cancelAfter) stream.cancel();
    });
    // The status says the same.
    stream.on("error", () => {});
    stream.on("status", (status: StatusObject) =>
      resolve({ values, headers, code: status.code, details: status.details, trailers: fieldsOf(status.metadata) }),
    );
    for (const message of messages) stream.write(message);
    stream.end();
    if (options.cancelAfter === 0) setTimeout(() => stream.cancel(), 100);
  });
}

function fieldsOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(
    Object.keys(metadata.getMap()).map((name) => {
      const values = metadata.get(name).map((value) => (typeof value === "string" ? value : value.toString("latin1")));
      return [name, values.join(",")];
    }),
  );
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  loadPackageDefinition,
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { addReflection } from "./grpc-reflection.ts";

/** The service of fixtures/grpc/shop.proto, served by @grpc/grpc-js: another protobuf than the product's. */

/** Where shop.proto and its descriptors are. */
export const shopFolder = fileURLToPath(new URL("../../fixtures/grpc", import.meta.url));

interface GetRequest {
  readonly id: string;
  readonly note: string;
  readonly count: number;
}
type Order = Readonly<Record<string, unknown>> & { readonly id: string };

/** A running shop. */
export interface Shop {
  readonly port: number;
  stop(): void;
}

/**
 * Starts a shop on a free port of `host`, with `reflection` in v1 and v1alpha; with `"protoc"` in v1 alone, from protoc's descriptors:
 * the library's own leave out packages of types, which Go's clients do not forgive. A `note` in a request is a command: `fail CODE TEXT`
 * ends with that status, `sleep MS` waits, `big N` answers with a note of N characters, `metadata` with the call's metadata.
 */
export async function startShop(host: string, reflection: boolean | "protoc" = true): Promise<Shop> {
  const loaded = loadSync("shop.proto", { includeDirs: [shopFolder], longs: String, keepCase: true, defaults: false });
  const server = new Server();
  const shop = (loadPackageDefinition(loaded)["acme"] as unknown as { Shop: ServiceClientConstructor }).Shop;
  server.addService(shop.service, {
    Get: get,
    Watch: watch,
    PutAll: putAll,
    Talk: talk,
    Echo: echo,
    EchoSlip: echo,
    Name: echo,
  });
  if (reflection === "protoc") addReflection(server, readFileSync(join(shopFolder, "shop.pb")));
  else if (reflection) new ReflectionService(loaded).addToServer(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

function noteOf(words: readonly string[], metadata: Metadata): string {
  if (words[0] === "big") return "x".repeat(Number(words[1]));
  if (words[0] === "metadata") return JSON.stringify(metadata.getMap());
  return words.join(" ");
}

function failure(words: readonly string[]) {
  return { code: Number(words[1]), details: words.slice(2).join(" ") };
}

const get: handleUnaryCall<GetRequest, Order> = ({ request: { id, note = "" }, metadata }, done) => {
  const words = note.split(" ");
  if (words[0] === "fail") return done(failure(words), null);
  const answer = () => done(null, { id, note: noteOf(words, metadata) });
  if (words[0] === "sleep") setTimeout(answer, Number(words[1]));
  else answer();
};

const watch: handleServerStreamingCall<GetRequest, Order> = (call) => {
  const { note = "", count = 0 } = call.request;
  for (let i = 0; i < count; i++) call.write({ id: String(i), note });
  const words = note.split(" ");
  if (words[0] === "fail") call.emit("error", failure(words));
  else if (words[0] !== "stay") call.end();
};

const putAll: handleClientStreamingCall<Order, unknown> = (call, done) => {
  let count = 0;
  let sum = 0n;
  call.on("data", ({ id }: Order) => {
    count++;
    sum += BigInt(id);
  });
  call.on("end", () => done(null, { count, sum_of_ids: String(sum) }));
};

const talk: handleBidiStreamingCall<Order, Order> = (call) => {
  call.on("data", (order: Order) => void call.write({ ...order, note: `seen ${String(order["note"])}` }));
  call.on("end", () => call.end());
};

const echo: handleUnaryCall<unknown, unknown> = ({ request }, done) => done(null, request);

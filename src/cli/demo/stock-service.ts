import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { printAddress } from "../../base/address.ts";
import { serviceKey } from "../../model/service.ts";

/** The sample's second service, as callers know it: a Java interface. Nobody who provides it speaks Dubbo. */
export const STOCK_SERVICE = serviceKey("com.acme.StockService");

/** Its methods, in the demo's order. */
export const STOCK_METHODS = ["getStock", "reserve"] as const;

/** A method of it, by name. */
export type StockMethod = (typeof STOCK_METHODS)[number];

/** Parameter types of each method. */
export const STOCK_DESCRIPTORS: Readonly<Record<StockMethod, string>> = {
  getStock: "Ljava/lang/String;",
  reserve: "Ljava/lang/String;I",
};

/** What the service calls itself in its answers. */
export const STOCK_LABEL = "rest";

/** A running REST service. */
export interface StockServer {
  readonly port: number;
  /** `VERB /path` of each of its operations, for people. */
  readonly operations: readonly string[];
  close(): Promise<void>;
}

/** The rule that leads the interface to the service: where it is, and nothing else. */
export function stockRules(host: string, port: number): string {
  return `apiVersion: trestle.io/v1alpha1
kind: RestMapping
metadata: {name: stock}
spec:
  interface: ${STOCK_SERVICE.interface}
  endpoints: [{address: ${host}, port: ${port}}]
  openapi: {}                                   # all requests are as the service's own /v3/api-docs says
`;
}

const item = { name: "item", in: "path", required: true, schema: { type: "string" } };
const answers = {
  200: { description: "OK", content: { "application/json": { schema: { $ref: "#/components/schemas/Stock" } } } },
};
const quantity = { name: "quantity", in: "query", required: true, schema: { type: "integer", format: "int32" } };

/** As springdoc writes it for a controller of Spring's. */
const DOCUMENT = {
  openapi: "3.0.1",
  info: { title: "stock", version: "1" },
  paths: {
    "/stock/{item}": { get: { operationId: "getStock", parameters: [item], responses: answers } },
    "/stock/{item}/reservations": {
      post: { operationId: "reserve", parameters: [item, quantity], responses: answers },
    },
  },
  components: {
    schemas: {
      Stock: {
        type: "object",
        properties: {
          item: { type: "string" },
          count: { type: "integer", format: "int32" },
          servedBy: { type: "string" },
        },
      },
    },
  },
};

const STOCK = 1_000;

/** Starts a REST service that knows nothing of Dubbo; port 0 lets the system choose. Rejects when the address can't be bound. */
export function listenStock(host: string, port: number): Promise<StockServer> {
  const server: Server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? "/", `http://${printAddress(host, port)}`);
    const found = answerOf(request.method ?? "", url);
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { status: 404, message: `no ${url.pathname}` }));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        operations: Object.entries(DOCUMENT.paths).map(
          ([path, verbs]) => `${Object.keys(verbs)[0]!.toUpperCase()} ${path}`,
        ),
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function answerOf(method: string, { pathname, searchParams }: URL): unknown {
  if (method === "GET" && pathname === "/v3/api-docs") return DOCUMENT;
  const [, name, kind] = /^\/stock\/([^/]+)(\/reservations)?$/.exec(pathname) ?? [];
  if (name === undefined || method !== (kind === undefined ? "GET" : "POST")) return undefined;
  const reserved = kind === undefined ? 0 : Number(searchParams.get("quantity"));
  return { item: decodeURIComponent(name), count: STOCK - reserved, servedBy: STOCK_LABEL };
}

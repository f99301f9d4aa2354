import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { printAddress } from "../../base/address.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { createAdminApp } from "./app.ts";
import type { AdminSources } from "./sources.ts";

/** An admin API that listens. It knows no users: whoever reaches the address may read everything and restart the workers. */
export interface AdminServer {
  /** Where it listens, as `host:port`; the port is the real one where 0 was asked for. */
  readonly address: string;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** Where the admin API listens and what it tells of. */
export interface AdminServerOptions {
  /** `host:port`; port 0 takes any. */
  readonly listen: string;
  readonly sources: AdminSources;
  readonly logger?: Logger;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;

/** Serves the admin API; rejects where the address can't be listened on. */
export async function createAdminServer({
  listen,
  sources,
  logger = silentLogger,
}: AdminServerOptions): Promise<AdminServer> {
  const { host, port } = splitAddress(listen);
  const app = createAdminApp(sources, logger);
  const server = createAdaptorServer({
    fetch: (request) => app.fetch(request),
    serverOptions: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
    },
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => logger.error("admin server failed", { error: error.message }));
  const bound = server.address() as AddressInfo;
  return {
    address: printAddress(bound.address, bound.port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Splits `host:port`, `[v6]:port` or `:port` (all addresses); throws where there is no port. */
export function splitAddress(text: string): { readonly host: string; readonly port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) throw new Error(`admin address ${JSON.stringify(text)} is no host:port`);
  return { host: parts[1] ?? (parts[2] === "" ? "0.0.0.0" : parts[2]!), port };
}

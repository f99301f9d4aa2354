import { createServer } from "node:net";
import { ConfigError } from "../../base/errors.ts";
import type { TrestleConfig } from "../config/config.ts";
import { describeListenFailure } from "../fail.ts";

/** An instance that was killed a moment ago may still hold its ports: one in use is tried again for this long, ms. */
const PATIENCE_MS = 1_000;
const RETRY_MS = 100;

/**
 * Tries all addresses that a configuration listens on and lets go of them: one error for each that cannot be had, before
 * anything was started.
 */
export async function checkListeners({ facades, proxy, admin }: TrestleConfig): Promise<ConfigError[]> {
  const listeners = [
    ...facades.map(({ host, port }) => ({ what: "facade", host, port })),
    ...proxy.dubbo.map((port) => ({
      what: "proxy",
      host: proxy.bind,
      port,
    })),
    { what: "admin", ...admin },
  ];
  const failures = await Promise.all(
    listeners.map(async ({ what, host, port }) => {
      const error = await tryListen(host, port);
      return error === undefined ? [] : [new ConfigError(what, describeListenFailure(error, host, port))];
    }),
  );
  // An address that is not this machine's would be told once for each of its ports.
  const told = new Set<string>();
  return failures
    .flat()
    .filter(({ path, message }) => !told.has(`${path} ${message}`) && told.add(`${path} ${message}`));
}

async function tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  for (let leftMs = PATIENCE_MS; ; leftMs -= RETRY_MS) {
    const error = await listenOnce(host, port);
    if (error?.code !== "EADDRINUSE" || leftMs <= 0) return error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function listenOnce(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", resolve);
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

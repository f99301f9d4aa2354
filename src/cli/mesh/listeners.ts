import { lookup } from "node:dns/promises";
import { type AddressInfo, createServer, isIP } from "node:net";
import { printAddress } from "../../base/address.ts";
import { ConfigError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { parseAddress } from "../config/address.ts";
import type { TrestleConfig } from "../config/config.ts";
import { findLoops, ownListeners } from "../config/conflicts.ts";
import { describeListenFailure } from "../fail.ts";

/** An instance that was killed a moment ago may still hold its ports: one in use is tried again for this long, ms. */
const PATIENCE_MS = 1_000;
const RETRY_MS = 100;

/**
 * Tries all addresses that a configuration listens on and lets go of them: one error for each that cannot be had, before
 * anything was started. Triple's default ports are not among them: others can take their place ({@link settleTri}).
 */
export async function checkListeners({ facades, proxy, admin, xds }: TrestleConfig): Promise<ConfigError[]> {
  const listeners = [
    ...facades.map(({ host, port }) => ({ what: "facade", host, port })),
    ...[...proxy.dubbo, ...(proxy.triIsDefault ? [] : proxy.tri), ...(proxy.httpPort ? [proxy.httpPort] : [])].map(
      (port) => ({ what: "proxy", host: proxy.bind, port }),
    ),
    { what: "admin", ...admin },
    ...(xds === undefined ? [] : [{ what: "xds", ...xds }]),
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

/** How long the names of registries' hosts may take to be looked up, ms; what is not known by then is not compared. */
const LOOKUP_MS = 2_000;

/** Looks up the registries' hosts: one error for each facade that one of them turns out to be. */
export async function checkLoops(config: Pick<TrestleConfig, "facades" | "registries">): Promise<ConfigError[]> {
  const hosts = config.registries.flatMap((registry) => registry.hosts.map((text) => parseAddress(text)?.host ?? ""));
  const addresses = new Map<string, readonly string[]>();
  const lookups = [...new Set(hosts)]
    .filter((host) => host !== "" && isIP(host) === 0)
    .map(async (host) => {
      const found = await lookup(host, { all: true }).catch(() => []);
      addresses.set(
        host,
        found.map(({ address }) => address),
      );
    });
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    Promise.all(lookups),
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LOOKUP_MS);
    }),
  ]);
  clearTimeout(timer);
  return findLoops(config, (host) => addresses.get(host) ?? []).map(
    ({ message }) => new ConfigError("facade", message),
  );
}

/** The configuration with ports that are free in place of those of Triple's default ports that are in use; each is logged. */
export async function settleTri(config: TrestleConfig, log: Logger): Promise<TrestleConfig> {
  const { proxy } = config;
  if (!proxy.triIsDefault) return config;
  const failures = await Promise.all(proxy.tri.map((port) => tryListen(proxy.bind, port)));
  const tri: number[] = [];
  for (const [i, port] of proxy.tri.entries())
    tri.push(failures[i]?.code === "EADDRINUSE" ? await replaceTri(port, tri, config, log) : port);
  return { ...config, proxy: { ...proxy, tri } };
}

/** Another port for Triple in place of `port`, which is in use: one that the system gives, none of `others`. Says so in the log. */
export async function replaceTri(
  port: number,
  others: readonly number[],
  config: TrestleConfig,
  log: Logger,
): Promise<number> {
  const { proxy } = config;
  const taken = [...others, ...ownListeners(config).map((own) => own.port)];
  let free = await freePort(proxy.bind);
  while (taken.includes(free)) free = await freePort(proxy.bind);
  log.warn(
    `${printAddress(proxy.bind, port)}, a default port for Triple, is in use already: ${printAddress(proxy.bind, free)} takes its place; give ports of your own with --tri-port`,
  );
  return free;
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody listens on a port of `host` at this moment. */
export async function isInUse(host: string, port: number): Promise<boolean> {
  return (await listenOnce(host, port))?.code === "EADDRINUSE";
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

import { ConfigError, TransientError } from "../../base/errors.ts";
import { isZooKeeperError } from "../../codecs/zookeeper/status.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { matchesGroup } from "../../registry-sync/dubbo/match.ts";
import { type DubboUrl, param, parseNodeName, printNodeName } from "../../registry-sync/dubbo/url.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../registry-sync/sources/zookeeper/client.ts";
import { parseAddress } from "../config/address.ts";
import type { RegistryConfig } from "../config/config.ts";
import { resolveRegistry } from "../config/registries.ts";

/** Where a provider of one service listens, and what it speaks there. */
export interface ProviderAddress {
  readonly scheme: ProviderScheme;
  readonly host: string;
  readonly port: number;
}

/** Protocols of providers. */
export type ProviderScheme = "dubbo" | "tri";

const CONNECT_TIMEOUT_MS = 10_000;

/** Dubbo's own root, where the sample applications register. */
const DEFAULT_ROOT = "/dubbo";

/**
 * Asks a registry once who provides a service by one of the protocols. Throws with one line where its URL is none or none of its
 * servers is to be had in `timeoutMs`. The process stays alive until then.
 */
export async function findProviders(
  registry: string,
  service: ServiceKey,
  schemes: readonly ProviderScheme[],
  timeoutMs: number,
): Promise<readonly ProviderAddress[]> {
  const config = readRegistry(registry);
  // A session this short has the client try each of its servers, black-holed ones too, in half of the time.
  const client = openClient(config, timeoutMs);
  // Timers of a client keep no process alive, and between two tries there is no socket that does.
  const awake = setInterval(() => {}, timeoutMs);
  try {
    await client.connected(timeoutMs).catch((error: Error) => {
      throw error instanceof TransientError ? noAnswer(config, timeoutMs) : error;
    });
    return await readProviders(client, providersFolder(service, config.root), service, schemes, false);
  } finally {
    await client.close();
    clearInterval(awake);
  }
}

function noAnswer({ hosts, username }: RegistryConfig, timeoutMs: number): Error {
  const who = username === "" ? "" : `, or none took the user ${username} with that password`;
  return new Error(
    `no ZooKeeper answered within ${timeoutMs} ms at ${hosts.join(", ")}${who}; see whether --registry names the right address`,
  );
}

/** A ZooKeeper client from a registry URL. Throws `ConfigError` for one that is none. */
export function openZooKeeper(registry: string): ZooKeeperClient {
  return openClient(readRegistry(registry));
}

/** What a registry URL says, read as `trestle up --registry` reads it. */
function readRegistry(url: string): RegistryConfig {
  const faults: string[] = [];
  const config = resolveRegistry({ url }, "--registry", {}, (path, message) => faults.push(`${path}: ${message}`));
  if (faults[0] !== undefined) throw new ConfigError("--registry", faults[0]);
  if (config.scheme !== "zookeeper")
    throw new ConfigError(
      "--registry",
      `providers are looked up in zookeeper:// alone, not in ${config.scheme}://; call through a running trestle by --admin`,
    );
  return config;
}

function openClient({ hosts, chroot, username, password }: RegistryConfig, sessionTimeoutMs?: number): ZooKeeperClient {
  return createZooKeeperClient({
    servers: hosts.map((text) => parseAddress(text)!),
    chroot,
    ...(username !== "" && { auth: { username, password } }),
    ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
  });
}

/**
 * Keeps one URL listed under its interface as Dubbo 2.7 does: parents that stay, a last node that goes with the session, made
 * again when a session was lost. Resolves when it is listed; what it gives takes the node away.
 */
export async function registerUrl(
  client: ZooKeeperClient,
  category: "providers" | "consumers",
  url: DubboUrl,
): Promise<() => Promise<void>> {
  const folder = `${DEFAULT_ROOT}/${param(url, "interface")}/${category}`;
  const path = `${folder}/${printNodeName(url)}`;
  const put = async () => {
    let parent = "";
    for (const part of folder.slice(1).split("/")) {
      parent = `${parent}/${part}`;
      await createOnce(client, parent, "persistent");
    }
    await createOnce(client, path, "ephemeral");
  };
  await client.connected(CONNECT_TIMEOUT_MS);
  await put();
  const stop = client.onState((state, isNewSession) => {
    if (state === "connected" && isNewSession) put().catch(() => {});
  });
  return async () => {
    stop();
    await client.delete(path).catch(() => {});
  };
}

/**
 * Tells `onList` who provides a service by one of the protocols, now and after every change; a failed look keeps the last list and is made again at the
 * next event or connection. What it gives ends that.
 */
export async function followProviders(
  client: ZooKeeperClient,
  service: ServiceKey,
  schemes: readonly ProviderScheme[],
  onList: (providers: readonly ProviderAddress[]) => void,
): Promise<() => void> {
  const folder = providersFolder(service, DEFAULT_ROOT);
  let asked = 0;
  const look = async () => {
    const turn = ++asked;
    const providers = await readProviders(client, folder, service, schemes, true);
    if (turn === asked) onList(providers);
  };
  await client.connected(CONNECT_TIMEOUT_MS);
  await look();
  const retry = () => void look().catch(() => {});
  const stopEvents = client.onEvent((event) => {
    if (event.path === folder) retry();
  });
  const stopState = client.onState((state) => {
    if (state === "connected") retry();
  });
  return () => {
    asked = Number.POSITIVE_INFINITY;
    stopEvents();
    stopState();
  };
}

async function readProviders(
  client: ZooKeeperClient,
  folder: string,
  service: ServiceKey,
  schemes: readonly ProviderScheme[],
  watch: boolean,
): Promise<ProviderAddress[]> {
  let names: readonly string[];
  try {
    names = (await client.getChildren(folder, watch)).children;
  } catch (error) {
    if (!isZooKeeperError(error, "noNode")) throw error;
    if (watch) await client.exists(folder, true);
    names = [];
  }
  const providers: ProviderAddress[] = [];
  for (const name of names) {
    const reading = parseNodeName(name);
    if (reading.type !== "url" || !provides(reading.url, service)) continue;
    const { host, port, protocol } = reading.url;
    const scheme = schemes.find((one) => one === protocol);
    if (scheme !== undefined) providers.push({ scheme, host, port });
  }
  return providers.sort((a, b) => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1));
}

function provides(url: DubboUrl, service: ServiceKey): boolean {
  const version = param(url, "version");
  return (
    param(url, "enabled") !== "false" &&
    matchesGroup(service.group, param(url, "group")) &&
    (service.version === "*" || service.version === (version === "0.0.0" ? "" : version))
  );
}

async function createOnce(client: ZooKeeperClient, path: string, mode: "persistent" | "ephemeral"): Promise<void> {
  try {
    await client.create(path, null, { mode });
  } catch (error) {
    if (!isZooKeeperError(error, "nodeExists")) throw error;
  }
}

function providersFolder(service: ServiceKey, root: string): string {
  if (service.interface === "" || service.interface.includes("/"))
    throw new Error(`${printServiceKey(service)} is no interface`);
  return `${root === "/" ? "" : root}/${service.interface}/providers`;
}

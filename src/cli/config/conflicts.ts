import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { resolve, sep } from "node:path";
import { printAddress } from "../../base/address.ts";
import { GRPC_PORT_OFFSET } from "../../registry-sync/facades/nacos.ts";
import { isWildcard, parseAddress, parseAdvertised } from "./address.ts";
import type { TrestleConfig } from "./config.ts";
import type { Fail } from "./registries.ts";

/** Most proxy ports, each of which is a process. */
const MAX_WORKERS = 64;

/** Where each part of a configuration was given: a flag (`--admin`), else the path in the file. */
export interface Places {
  readonly facades: (index: number) => string;
  readonly host: string;
  readonly bind: string;
  readonly dubbo: string;
  readonly tri: string;
  readonly httpPort: string;
  readonly advertise: (index: number) => string;
  readonly admin: string;
  readonly outputs: (index: number) => string;
  readonly xds: string;
}

/** Notes what is wrong with a configuration as a whole: values that cannot be meant, and parts that exclude each other. */
export function checkConflicts(config: TrestleConfig, places: Places, fail: Fail): void {
  checkNames(config, fail);
  checkProxy(config, places, fail);
  checkTri(config, places, fail);
  const { http, httpPort } = config.proxy;
  if (httpPort !== undefined && !isPort(httpPort)) fail(places.httpPort, "an HTTP port is a number from 1 to 65535");
  const { from, to } = http;
  if (from < 1 || to < from) fail("proxy.http", `ports from ${from} to ${to} are none; give the lower one as from`);
  checkAdvertise(config, places, fail);
  checkListeners(config, places, fail);
  for (const { facade, message } of findLoops(config)) fail(places.facades(facade), message);
  checkOutputs(config, places, fail);
}

/**
 * Facades at an address of a registry: each connection there would make another one, without an end. `addressesOf` gives the IP
 * addresses that a registry's host name stands for, where that is known; names and addresses of this machine are compared besides.
 */
export function findLoops(
  { facades, registries }: Pick<TrestleConfig, "facades" | "registries">,
  addressesOf: (host: string) => readonly string[] = () => [],
): readonly { readonly facade: number; readonly message: string }[] {
  const own = ownNames();
  return facades.flatMap((facade, i) => {
    if (facade.port === 0) return [];
    const listens = new Set(isWildcard(facade.host) ? own : namesOf(facade.host));
    for (const { name, hosts } of registries) {
      const looped = hosts.find((text) => {
        const address = parseAddress(text);
        if (address === undefined || address.port !== facade.port) return false;
        const meant = isWildcard(address.host) ? own : [address.host, ...addressesOf(address.host)].flatMap(namesOf);
        return meant.some((one) => listens.has(one));
      });
      if (looped === undefined) continue;
      const at = printAddress(facade.host, facade.port);
      const message = `the facade ${at} would connect to itself without an end, for registry "${name}" is at ${looped}; give the real registry's address`;
      return [{ facade: i, message }];
    }
    return [];
  });
}

/** What a facade on all addresses of this machine can be reached by. */
function ownNames(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return ["localhost", "127.0.0.1", "::1", hostname(), ...addresses].flatMap(namesOf);
}

/** A host in the one form in which it is compared; `localhost` stands for both loopback addresses. */
function namesOf(host: string): readonly string[] {
  const plain = host
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^::ffff:(?=\d+\.)/, "");
  if (plain === "localhost") return ["localhost", "127.0.0.1", "::1"];
  return isIP(plain) === 6 && URL.canParse(`http://[${plain}]`)
    ? [new URL(`http://[${plain}]`).hostname.slice(1, -1)]
    : [plain];
}

function checkNames({ registries, metadata }: TrestleConfig, fail: Fail): void {
  const lists = [
    ["registries", "registries", registries],
    ["metadata", "metadata centres", metadata],
  ] as const;
  for (const [path, what, list] of lists) {
    const seen = new Set<string>();
    for (const [i, { name }] of list.entries()) {
      if (seen.has(name)) fail(`${path}[${i}]`, `two ${what} are named "${name}"; give one another name`);
      seen.add(name);
    }
  }
}

function checkProxy({ proxy }: TrestleConfig, places: Places, fail: Fail): void {
  if (isWildcard(proxy.host))
    fail(
      places.host,
      `consumers cannot connect to ${proxy.host}; give the address to show them, and listen by proxy.bind`,
    );
  const hosts = new Map([
    [places.bind, proxy.bind],
    [places.host, proxy.host],
  ]);
  for (const [place, host] of hosts) {
    if (!isHost(host)) fail(place, `"${host}" is no address; give an IP address or a name, without a port`);
  }
  const { dubbo } = proxy;
  if (dubbo.length === 0) fail(places.dubbo, "at least one Dubbo2 port is needed; two, so that one can restart");
  if (dubbo.length > MAX_WORKERS)
    fail(places.dubbo, `${dubbo.length} Dubbo2 ports are over the limit of ${MAX_WORKERS}`);
  for (const port of dubbo) {
    if (!isPort(port)) {
      fail(places.dubbo, "a Dubbo2 port is a number from 1 to 65535");
      return;
    }
  }
  if (new Set(dubbo).size !== dubbo.length) fail(places.dubbo, "the Dubbo2 ports must differ");
}

function checkTri({ proxy: { dubbo, tri } }: TrestleConfig, places: Places, fail: Fail): void {
  if (tri.length === 0) return;
  const off = places.tri.startsWith("--") ? "none" : "[]";
  if (!tri.every(isPort)) fail(places.tri, `a Triple port is a number from 1 to 65535; ${off} switches Triple off`);
  else if (tri.length !== dubbo.length)
    fail(
      places.tri,
      `${tri.length} Triple ports for ${dubbo.length} workers (one for each Dubbo2 port); give each its own, or one number to count up from`,
    );
  else if (new Set(tri).size !== tri.length) fail(places.tri, "the Triple ports must differ");
}

function checkAdvertise({ proxy }: TrestleConfig, places: Places, fail: Fail): void {
  const seen = new Set([
    ...proxy.dubbo.map((port) => printAddress(proxy.host, port)),
    ...proxy.tri.map((port) => `tri://${printAddress(proxy.host, port)}`),
  ]);
  for (const [i, item] of proxy.advertise.entries()) {
    const place = places.advertise(i);
    const address = parseAdvertised(item);
    if (address === undefined || address.port === 0) fail(place, `"${item}" is no host:port or tri://host:port`);
    else if (isWildcard(address.host)) fail(place, `consumers cannot connect to ${item}`);
    else if (seen.has(item)) fail(place, `${item} is this instance's own or given twice; name other instances' only`);
    seen.add(item);
  }
}

/** An address that a configuration has this process listen on. */
interface OwnListener {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly at: (places: Places) => string;
}

/** All addresses that a configuration has this process listen on, but for what rules and services ask for later. */
export function ownListeners({ facades, proxy, admin, ca, xds }: TrestleConfig): readonly OwnListener[] {
  const { bind } = proxy;
  return [
    ...facades.flatMap(({ scheme, host, port }, i) => {
      const at = (places: Places) => places.facades(i);
      const main = { what: "a facade", host, port, at };
      return scheme === "nacos" && port !== 0
        ? [main, { what: "a facade's gRPC", host, port: port + GRPC_PORT_OFFSET, at }]
        : [main];
    }),
    ...proxy.dubbo.map((port) => ({ what: "the proxy", host: bind, port, at: ({ dubbo }: Places) => dubbo })),
    ...proxy.tri.map((port) => ({ what: "the proxy's Triple", host: bind, port, at: ({ tri }: Places) => tri })),
    ...(proxy.httpPort === undefined
      ? []
      : [{ what: "the proxy's HTTP port", host: bind, port: proxy.httpPort, at: (places: Places) => places.httpPort }]),
    ...proxy.inbound.map(({ listen }, i) => ({
      ...{ what: `proxy.inbound[${i}]`, host: listen.address, port: listen.port },
      at: () => `proxy.inbound[${i}].listen`,
    })),
    { what: "the admin API", ...admin, at: (places: Places) => places.admin },
    ...(xds === undefined ? [] : [{ what: "the xDS server", ...xds, at: (places: Places) => places.xds }]),
    ...(ca?.listen === undefined ? [] : [{ what: "the certificate service", ...ca.listen, at: () => "ca.listen" }]),
  ].filter(({ port }) => port !== 0);
}

/** Whether both cannot be listened on. */
export function isOneAddress(
  a: { readonly host: string; readonly port: number },
  b: { readonly host: string; readonly port: number },
): boolean {
  return a.port === b.port && (a.host === b.host || isWildcard(a.host) || isWildcard(b.host));
}

/** Two listeners of ours on one port; a provider that would be one of them. */
function checkListeners(config: TrestleConfig, places: Places, fail: Fail): void {
  const listeners = ownListeners(config);
  for (const [i, one] of listeners.entries()) {
    const other = listeners.slice(0, i).find((before) => isOneAddress(before, one));
    if (other === undefined || (other.what === one.what && one.what.startsWith("the proxy"))) continue;
    fail(one.at(places), `${one.what} and ${other.what} would both listen on ${printAddress(one.host, one.port)}`);
  }
  for (const [i, { to }] of config.proxy.inbound.entries()) {
    // One on all addresses may be another machine's as well.
    const own = listeners.find(({ host, port }) => host === to.address && port === to.port);
    if (own !== undefined)
      fail(`proxy.inbound[${i}].to`, `${printAddress(to.address, to.port)} is where ${own.what} itself is to listen`);
  }
}

function checkOutputs({ outputs, rules }: TrestleConfig, places: Places, fail: Fail): void {
  const seen = new Set<string>();
  for (const [i, { files }] of outputs.entries()) {
    if (files === "") continue;
    const folder = resolve(files);
    if (seen.has(folder)) fail(places.outputs(i), `${files} is written twice`);
    seen.add(folder);
    const read = rules.find((path) => `${folder}${sep}`.startsWith(`${resolve(path)}${sep}`));
    if (read !== undefined)
      fail(places.outputs(i), `${files} is written, and read as rules (${read}); keep them apart`);
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text);
}

import { type JsonNode, JsonNumber, parseJson } from "../codecs/json-text.ts";
import { parseServerUrl } from "./config/address.ts";

/** Port of a provider where a URL names none, by protocol: Dubbo's own defaults, and HTTP's. */
const DEFAULT_PORTS = { dubbo: 20_880, tri: 50_051, grpc: 50_051, http: 80 } as const;

/** The protocols that `trestle call` speaks. */
export type CallScheme = keyof typeof DEFAULT_PORTS;

/** All of them. */
export const CALL_SCHEMES = Object.keys(DEFAULT_PORTS) as readonly CallScheme[];

/** Whom to call. */
export interface CallAddress {
  readonly scheme: CallScheme;
  readonly host: string;
  readonly port: number;
}

/** What the command's arguments say. */
export interface CallTarget {
  /** Undefined where a registry or a running instance has to be asked. */
  readonly address: CallAddress | undefined;
  /** What stood before the method's name. */
  readonly service: string;
  readonly method: string;
  /** Undefined for none. */
  readonly json: string | undefined;
}

/**
 * Reads the arguments of `trestle call`; `canAsk`: there is a registry or an instance to ask for an address. Throws an `Error` with one line that
 * says how they are written.
 */
export function readTarget(target: string, rest: readonly string[], canAsk: boolean): CallTarget {
  const address = target.includes("://") ? readAddress(target) : undefined;
  const [name, json, ...more] = address === undefined ? [target, ...rest] : rest;
  if (name === undefined)
    throw new Error("which method? Name it after the address, such as com.acme.OrderService.getOrder");
  if (more.length > 0)
    throw new Error(
      `"${more[0]}" is one argument too many; put the call's arguments into one JSON array, such as '[42, "a"]'`,
    );
  if (address === undefined && !canAsk) {
    const places = "--registry zookeeper://host:2181, or --admin http://127.0.0.1:15000";
    throw new Error(`where is the service? Give an address (dubbo://host:port) first, ${places}`);
  }
  const match = /^\/?(.+)[.#/]([^.#/]+)$/.exec(name);
  if (match === null)
    throw new Error(`"${name}" is no method; write it as Interface.method, such as com.acme.OrderService.getOrder`);
  return { address, service: match[1]!, method: match[2]!, json };
}

function readAddress(target: string): CallAddress {
  const scheme = target.slice(0, target.indexOf("://"));
  const port = isScheme(scheme) ? DEFAULT_PORTS[scheme] : 0;
  const url = parseServerUrl(target, port);
  if (typeof url === "string") throw new Error(url);
  if (!isScheme(url.scheme)) {
    const known = CALL_SCHEMES.map((name) => `${name}://`);
    throw new Error(`${url.scheme}:// is not spoken by this command; these are: ${known.join(", ")}`);
  }
  if (url.hosts.length !== 1) throw new Error(`"${target}" names several hosts; a call goes to one`);
  return { scheme: url.scheme, ...url.hosts[0]! };
}

function isScheme(text: string): text is CallScheme {
  return Object.hasOwn(DEFAULT_PORTS, text);
}

/** A method's arguments from JSON text. Throws an `Error` with one line unless it is an array. */
export function readArguments(text: string): JsonNode[] {
  let node: JsonNode;
  try {
    node = parseJson(text);
  } catch (error) {
    throw new Error(`the arguments are no JSON: ${(error as Error).message}; they are one array, such as '[42, "a"]'`);
  }
  if (!Array.isArray(node)) throw new Error("the arguments are one JSON array, such as '[42, \"a\"]'");
  node.forEach(checkNumbers);
  return node;
}

/** Decimals become doubles where no type says otherwise: one that is too large would go out as Infinity. */
function checkNumbers(node: JsonNode, index: number): void {
  const left: JsonNode[] = [node];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (Array.isArray(one)) for (const item of one) left.push(item);
    else if (one instanceof Map) for (const item of one.values()) left.push(item);
    else if (one instanceof JsonNumber && !one.isInteger && !Number.isFinite(Number(one.text)))
      throw new Error(`argument ${index}: ${one.text} is too large for a double; write a BigDecimal as a string`);
  }
}

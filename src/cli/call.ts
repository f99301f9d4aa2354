import { Command, InvalidArgumentError } from "commander";
import type { Response } from "../codecs/dubbo2/body.ts";
import { type JsonNode, jsonToPlain, parseJson, printJson } from "../codecs/json-text.ts";
import { parseServiceKey, type ServiceKey, serviceKey } from "../model/service.ts";
import { type CallTypes, describeError, encodeArguments, resultJson } from "./call-values.ts";
import { parseServerUrl } from "./config/address.ts";
import { connectDubbo } from "./dubbo/client.ts";
import { findProviders, type ProviderAddress } from "./dubbo/registry.ts";
import { type OutputFormat, outputOption, printRows, printValue } from "./output.ts";

/** Port of a Dubbo2 provider where a URL names none. */
const DEFAULT_PORT = 20_880;

interface CallOptions {
  readonly group: string;
  readonly version: string;
  readonly attachment: readonly (readonly [string, string])[];
  readonly types?: string;
  readonly generic?: boolean;
  readonly timeout: number;
  readonly registry?: string;
  readonly oneWay?: boolean;
  readonly output: OutputFormat;
}

/** Finds who provides a service; a registry's URL and the service in, addresses out. */
export type FindProviders = (registry: string, service: ServiceKey) => Promise<readonly ProviderAddress[]>;

const EXAMPLES = `
Without --types the call is generic ($invoke): the provider finds the method by its name and fits the arguments itself.
With --types it is an ordinary call, as an application makes it; objects are then JSON objects with a key "class".

The value goes to standard output as JSON; what the provider threw or refused goes to standard error.
Exit code 0: a value came back. 1: an exception or an error did. 2: the provider could not be asked, or did not answer.

Examples:
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]'
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0 --attachment dubbo.tag=gray
  trestle call dubbo://10.0.0.5 com.acme.OrderService.getOrder '[42]' --types long
  trestle call dubbo://10.0.0.5 com.acme.OrderService.find '["a", ["x"]]' --types 'java.lang.String,java.util.List<java.lang.String>'
  trestle call com.acme.OrderService.getOrder '[42]' --registry zookeeper://10.0.0.1:2181`;

/** `trestle call`: one Dubbo2 call from the shell. */
export function createCallCommand(find: FindProviders = findProviders): Command {
  return new Command("call")
    .description("call a method of a Dubbo service: JSON in, JSON out")
    .argument("<target>", "dubbo://host:port, or Interface.method with --registry")
    .argument("[rest...]", "Interface.method (after an address), then the arguments as a JSON array")
    .option("--group <group>", "group of the service", "")
    .option("--version <version>", "version of the service", "")
    .option("--attachment <name=value>", "attachment to send along; repeat for more", readAttachment, [])
    .option(
      "--types <types>",
      "parameter types: Java names with commas between, or a descriptor such as JLjava/lang/String;",
    )
    .option("--generic", "make it a generic call although --types are given")
    .option("--timeout <ms>", "how long to wait for the answer", readTimeout, 5_000)
    .option("--registry <url>", "registry to find a provider in, such as zookeeper://host:2181")
    .option("--one-way", "want no answer")
    .addOption(outputOption().default("json"))
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, rest: string[], options: CallOptions) => {
      try {
        process.exitCode = await runCall(target, rest, options, find);
      } catch (error) {
        process.stderr.write(`trestle: ${(error as Error).message}\n`);
        process.exitCode = 2;
      }
    });
}

/** Runs the call and prints its end; gives the exit code. Throws an `Error` with one line where no answer came. */
async function runCall(
  target: string,
  rest: readonly string[],
  options: CallOptions,
  find: FindProviders,
): Promise<number> {
  const { address, method, service, json } = readTarget(target, rest, options);
  const types: CallTypes = { types: options.types, generic: options.generic ?? options.types === undefined };
  const request = {
    twoWay: options.oneWay !== true,
    interface: service.interface,
    group: service.group,
    version: service.version,
    ...encodeArguments(method, json, types),
  };
  const provider = address ?? (await pick(find, options.registry!, service));
  const client = await connectDubbo({ ...provider, connectTimeoutMs: options.timeout });
  let response: Response | null;
  try {
    const attachments = { ...request.attachments, ...Object.fromEntries(options.attachment) };
    response = await client.call({ ...request, attachments }, options.timeout);
  } finally {
    client.close();
  }
  if (response === null) return 0;
  if (response.type === "value") {
    process.stdout.write(printResult(options.output, resultJson(response.value)));
    return 0;
  }
  process.stderr.write(describeError(response));
  return 1;
}

interface Target {
  /** Undefined where a registry has to be asked. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  readonly service: ServiceKey;
  readonly method: string;
  readonly json: JsonNode[];
}

function readTarget(target: string, rest: readonly string[], options: CallOptions): Target {
  const isAddress = target.includes("://");
  const [name, text = "[]", ...more] = isAddress ? rest : [target, ...rest];
  if (name === undefined)
    throw new Error("which method? Name it after the address, such as com.acme.OrderService.getOrder");
  if (more.length > 0)
    throw new Error(
      `"${more[0]}" is one argument too many; put the call's arguments into one JSON array, such as '[42, "a"]'`,
    );
  if (!isAddress && options.registry === undefined) {
    throw new Error(
      "where is the service? Give an address (dubbo://host:port) first, or --registry zookeeper://host:2181",
    );
  }
  const match = /^(.+)[.#/]([^.#/]+)$/.exec(name);
  if (match === null)
    throw new Error(`"${name}" is no method; write it as Interface.method, such as com.acme.OrderService.getOrder`);
  const named = parseServiceKey(match[1]!);
  const service = serviceKey(named.interface, options.group || named.group, options.version || named.version);
  return {
    address: isAddress ? readAddress(target) : undefined,
    service,
    method: match[2]!,
    json: readArguments(text),
  };
}

function readAddress(target: string): { host: string; port: number } {
  const url = parseServerUrl(target, DEFAULT_PORT);
  if (typeof url === "string") throw new Error(url);
  if (url.scheme !== "dubbo") throw new Error(`${url.scheme}:// is not spoken by this command; dubbo://host:port is`);
  return url.hosts[0]!;
}

function readArguments(text: string): JsonNode[] {
  let node: JsonNode;
  try {
    node = parseJson(text);
  } catch (error) {
    throw new Error(`the arguments are no JSON: ${(error as Error).message}; they are one array, such as '[42, "a"]'`);
  }
  if (!Array.isArray(node)) throw new Error("the arguments are one JSON array, such as '[42, \"a\"]'");
  return node;
}

async function pick(find: FindProviders, registry: string, service: ServiceKey): Promise<ProviderAddress> {
  const providers = await find(registry, service);
  const provider = providers[Math.floor(Math.random() * providers.length)];
  if (provider === undefined)
    throw new Error(`the registry lists no dubbo provider of ${service.interface} in that group and version`);
  return provider;
}

function printResult(format: OutputFormat, node: JsonNode): string {
  if (format === "json") return `${printJson(node, 2)}\n`;
  const plain = jsonToPlain(node);
  if (format === "yaml") return printValue("yaml", plain);
  const rows = (Array.isArray(plain) ? plain : [plain]).map(toRow);
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return printRows(
    "table",
    rows,
    heads.map((head) => ({ head: head.toUpperCase(), text: (row: Row) => cell(row[head]) })),
  );
}

type Row = Readonly<Record<string, unknown>>;

function toRow(value: unknown): Row {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Row) : { value };
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function readAttachment(text: string, before: readonly (readonly [string, string])[]): [string, string][] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new InvalidArgumentError("it must be name=value.");
  return [
    ...before.map(([name, value]): [string, string] => [name, value]),
    [text.slice(0, equals), text.slice(equals + 1)],
  ];
}

function readTimeout(text: string): number {
  const ms = Number(text);
  if (!/^\d+$/.test(text) || ms < 1 || ms > 600_000) throw new InvalidArgumentError("it must be 1 to 600000 ms.");
  return ms;
}

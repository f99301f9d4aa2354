import { Command } from "commander";
import { parseServiceKey, type ServiceKey, serviceKey } from "../model/service.ts";
import { addText, type CallOptions, readAttachment, readMessageBytes, readTimeout } from "./call-options.ts";
import { printItem, printResult } from "./call-output.ts";
import { type CallAddress, type CallTarget, readArguments, readTarget } from "./call-target.ts";
import {
  type CallTypes,
  describeError,
  describeRefusal,
  describeThrown,
  encodeArguments,
  resultJson,
} from "./call-values.ts";
import { connectDubbo } from "./dubbo/client.ts";
import { findProviders, type ProviderAddress, type ProviderScheme } from "./dubbo/registry.ts";
import { outputOption } from "./output.ts";
import { callTriple } from "./triple/call.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "./triple/client.ts";
import { callHttp } from "./triple/http-call.ts";

/** Finds who provides a service by one of the protocols; a registry's URL and the service in, addresses out. */
export type FindProviders = (
  registry: string,
  service: ServiceKey,
  schemes: readonly ProviderScheme[],
  timeoutMs: number,
) => Promise<readonly ProviderAddress[]>;

const EXAMPLES = `
dubbo:// and tri:// (a Triple interface that is no protobuf one) take the arguments as a JSON array. Without --types the call is
generic ($invoke): the provider finds the method by its name and fits the arguments itself. With --types it is an ordinary call, as
an application makes it; objects are then JSON objects with a key "class".

http:// is JSON over HTTP/1, as Dubbo 3.3 and Trestle take it at their Triple port; of overloads name one as method~letters.

grpc:// (also for a Triple service of protobuf messages) takes one message as JSON, or an array of them where the method takes a
stream; a stream of answers is printed as one line of JSON each. The types come from the server's reflection, or from --proto or
--descriptor. Attachments are metadata.

The value goes to standard output as JSON; what the provider threw or refused goes to standard error.
Exit code 0: a value came back. 1: an exception or an error did. 2: the call could not be made, or had no answer.

Examples:
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]'
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0 --attachment dubbo.tag=gray
  trestle call dubbo://10.0.0.5 com.acme.OrderService.getOrder '[42]' --types long
  trestle call dubbo://10.0.0.5 com.acme.OrderService.find '["a", ["x"]]' --types 'java.lang.String,java.util.List<java.lang.String>'
  trestle call com.acme.OrderService.getOrder '[42]' --registry zookeeper://10.0.0.1:2181
  trestle call tri://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0
  trestle call tri://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]' --types long --timeout 500
  trestle call http://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]'
  trestle call grpc://10.0.0.5:9090 acme.Orders/GetOrder '{"id": "42"}'
  trestle call grpc://10.0.0.5:9090 acme.Orders/GetOrder '{"id": "42"}' --proto protos/orders.proto --attachment x-user=7
  trestle call grpc://10.0.0.5:9090 acme.Orders/Watch '{}' --descriptor orders.pb --timeout 60000
  trestle call grpc://10.0.0.5:9090 acme.Orders/PutAll '[{"id": "1"}, {"id": "2"}]'`;

/** `trestle call`: one call from the shell, by Dubbo2, Triple, gRPC or JSON over HTTP. */
export function createCallCommand(find: FindProviders = findProviders): Command {
  return new Command("call")
    .description("call a method of a service: JSON in, JSON out")
    .argument("<target>", "dubbo://, tri://, grpc:// or http://host:port, or Interface.method with --registry")
    .argument("[rest...]", "Interface.method (after an address), then the arguments as a JSON array, or the message")
    .option("--group <group>", "group of the service", "")
    .option("--version <version>", "version of the service", "")
    .option("--attachment <name=value>", "attachment to send along; repeat for more", readAttachment, [])
    .option(
      "--types <types>",
      "parameter types: Java names with commas between, or a descriptor such as JLjava/lang/String;",
    )
    .option("--generic", "make it a generic call although --types are given")
    .option("--timeout <ms>", "how long to wait for a connection, and for the answer", readTimeout, 5_000)
    .option("--registry <url>", "registry to find a provider in, such as zookeeper://host:2181")
    .option("--one-way", "want no answer (dubbo://)")
    .option(
      "--max-message <bytes>",
      "largest message to take as an answer (not dubbo://)",
      readMessageBytes,
      DEFAULT_MAX_MESSAGE_BYTES,
    )
    .option("--proto <file>", ".proto file with the service (grpc://); repeat for more", addText, [])
    .option("--proto-path <folder>", "folder that imports of .proto files start from; repeat for more", addText, [])
    .option("--descriptor <file>", "FileDescriptorSet with the service, as protoc writes it (grpc://)")
    .addOption(outputOption().default("json"))
    .addHelpText("after", EXAMPLES)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(async (target: string, rest: string[], options: CallOptions) => {
      try {
        const failure = await runCall(readTarget(target, rest, options.registry !== undefined), options, find);
        if (failure === undefined) return;
        process.stderr.write(failure);
        process.exitCode = 1;
      } catch (error) {
        process.stderr.write(`trestle: ${(error as Error).message}\n`);
        process.exitCode = 2;
      }
    });
}

/** Runs the call and prints its value; gives what is to be said of an exception or error instead. Throws an `Error` with one line where no answer came. */
async function runCall(target: CallTarget, options: CallOptions, find: FindProviders): Promise<string | undefined> {
  if (target.address?.scheme === "grpc") return callProtobuf(target, target.address, options);
  if (options.proto.length > 0 || options.descriptor !== undefined)
    throw new Error("--proto and --descriptor are for grpc:// alone; Java's types are named with --types");
  const named = parseServiceKey(target.service);
  const service = serviceKey(named.interface, options.group || named.group, options.version || named.version);
  if (target.address?.scheme === "http") return callJson(target, target.address, service, options);
  const types: CallTypes = { types: options.types, generic: options.generic ?? options.types === undefined };
  const request = encodeArguments(target.method, readArguments(target.json ?? "[]"), types);
  const address: CallAddress = target.address ?? (await pick(find, service, options));
  if (address.scheme === "dubbo") return callDubbo(address, service, request, options);
  if (options.oneWay === true) throw new Error("--one-way is for dubbo:// alone: every call of Triple has an answer");
  const outcome = await callTriple({ address, service, request, options });
  if (outcome.type === "error") return describeRefusal(outcome.status, outcome.name, outcome.text);
  if (outcome.type === "exception") return describeThrown(outcome.value);
  process.stdout.write(printResult(options.output, resultJson(outcome.value)));
  return undefined;
}

async function callProtobuf(
  target: CallTarget,
  address: CallAddress,
  options: CallOptions,
): Promise<string | undefined> {
  if (options.types !== undefined || options.generic === true || options.oneWay === true)
    throw new Error(
      "--types, --generic and --one-way are for Java's interfaces; grpc:// takes types from --proto or the server",
    );
  // Only here: no other command has to wait until protobuf is loaded.
  const { callGrpc } = await import("./triple/grpc-call.ts");
  return callGrpc({
    address,
    service: target.service,
    method: target.method,
    json: target.json,
    options,
    print: (value, isStream) => {
      process.stdout.write(isStream ? printItem(options.output, value) : printResult(options.output, value));
    },
  });
}

async function callJson(
  { method, json }: CallTarget,
  address: CallAddress,
  service: ServiceKey,
  options: CallOptions,
): Promise<string | undefined> {
  if (options.types !== undefined || options.generic === true || options.oneWay === true)
    throw new Error("--types, --generic and --one-way are for dubbo:// and tri://; http:// has JSON and an answer");
  const outcome = await callHttp({ address, service, method, args: readArguments(json ?? "[]"), options });
  if (outcome.type === "error") return describeRefusal(outcome.status, outcome.name, outcome.text);
  process.stdout.write(printResult(options.output, outcome.value));
  return undefined;
}

async function callDubbo(
  { host, port }: CallAddress,
  service: ServiceKey,
  request: ReturnType<typeof encodeArguments>,
  options: CallOptions,
): Promise<string | undefined> {
  const client = await connectDubbo({ host, port, connectTimeoutMs: options.timeout });
  try {
    const attachments = { ...request.attachments, ...Object.fromEntries(options.attachment) };
    const twoWay = options.oneWay !== true;
    const response = await client.call({ ...service, twoWay, ...request, attachments }, options.timeout);
    if (response === null) return undefined;
    if (response.type !== "value") return describeError(response);
    process.stdout.write(printResult(options.output, resultJson(response.value)));
    return undefined;
  } finally {
    client.close();
  }
}

async function pick(find: FindProviders, service: ServiceKey, options: CallOptions): Promise<ProviderAddress> {
  const schemes = options.oneWay === true ? (["dubbo"] as const) : (["dubbo", "tri"] as const);
  const providers = await find(options.registry!, service, schemes, options.timeout);
  const provider = providers[Math.floor(Math.random() * providers.length)];
  if (provider === undefined) {
    const { interface: name } = service;
    throw new Error(`the registry lists no ${schemes.join(" or ")} provider of ${name} in that group and version`);
  }
  return provider;
}

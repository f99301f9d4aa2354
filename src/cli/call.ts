import { Command } from "commander";
import type { JsonNode } from "../codecs/json-text.ts";
import { parseServiceKey, type ServiceKey, serviceKey } from "../model/service.ts";
import { askAdmin } from "./admin-client.ts";
import {
  addText,
  type CallOptions,
  readAttachment,
  readMessageBytes,
  readProtocol,
  readTimeout,
} from "./call-options.ts";
import { printItem, printResult } from "./call-output.ts";
import { type AskAdmin, type CallPlace, type FindProviders, findPlace } from "./call-place.ts";
import { type CallAddress, type CallScheme, type CallTarget, readArguments, readTarget } from "./call-target.ts";
import {
  type CallTypes,
  describeError,
  describeRefusal,
  describeThrown,
  encodeArguments,
  resultJson,
} from "./call-values.ts";
import { connectDubbo } from "./dubbo/client.ts";
import { findProviders } from "./dubbo/registry.ts";
import { outputOption } from "./output.ts";
import { callTriple } from "./triple/call.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "./triple/client.ts";
import { callHttp } from "./triple/http-call.ts";

const EXAMPLES = `
dubbo:// and tri:// (a Triple interface that is no protobuf one) take the arguments as a JSON array. Without --types the call is
generic ($invoke): the provider finds the method by its name and fits the arguments itself. With --types it is an ordinary call, as
an application makes it; objects are then JSON objects with a key "class".

http:// is JSON over HTTP/1, as Dubbo 3.3 and Trestle take it at their Triple port; of overloads name one as method~letters.

grpc:// (also for a Triple service of protobuf messages) takes one message as JSON, or an array of them where the method takes a
stream; a stream of answers is printed as one line of JSON each. The types come from the server's reflection, or from --proto or
--descriptor. Attachments are metadata.

A service is also called by its name alone. With --registry the call goes to one of the providers that the registry lists, by dubbo
or tri, as they speak, or by --protocol. With --admin it goes through the proxy of a running trestle, as its rules say, in whatever
protocol: providers of other ones are translated to. Types of grpc calls are those that it knows.

The value goes to standard output as JSON; what the provider threw or refused goes to standard error.
Exit code 0: a value came back. 1: an exception or an error did. 2: the call could not be made, or had no answer.

Examples:
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]'
  trestle call dubbo://10.0.0.5:20880 com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0 --attachment dubbo.tag=gray
  trestle call dubbo://10.0.0.5 com.acme.OrderService.getOrder '[42]' --types long
  trestle call dubbo://10.0.0.5 com.acme.OrderService.find '["a", ["x"]]' --types 'java.lang.String,java.util.List<java.lang.String>'
  trestle call com.acme.OrderService.getOrder '[42]' --registry zookeeper://10.0.0.1:2181
  trestle call com.acme.OrderService.getOrder '[42]' --registry zookeeper://10.0.0.1:2181 --protocol http
  trestle call com.acme.Relay/Say '"hello"' --registry zookeeper://10.0.0.1:2181 --protocol grpc --proto protos/relay.proto
  trestle call com.acme.OrderService/GetOrder '{"id": "42"}' --admin http://127.0.0.1:15000 --protocol grpc
  trestle call com.acme.OrderService.getOrder '[42]' --admin http://127.0.0.1:15000
  trestle call tri://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0
  trestle call tri://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]' --types long --timeout 500
  trestle call http://10.0.0.5:50051 com.acme.OrderService.getOrder '[42]'
  trestle call grpc://10.0.0.5:9090 acme.Orders/GetOrder '{"id": "42"}'
  trestle call grpc://10.0.0.5:9090 acme.Orders/GetOrder '{"id": "42"}' --proto protos/orders.proto --attachment x-user=7
  trestle call grpc://10.0.0.5:9090 acme.Orders/Watch '{}' --descriptor orders.pb --timeout 60000
  trestle call grpc://10.0.0.5:9090 acme.Orders/PutAll '[{"id": "1"}, {"id": "2"}]'`;

/** `trestle call`: one call from the shell, by Dubbo2, Triple, gRPC or JSON over HTTP. */
export function createCallCommand(find: FindProviders = findProviders, ask: AskAdmin = askInstance): Command {
  return new Command("call")
    .description("call a method of a service: JSON in, JSON out")
    .argument(
      "<target>",
      "dubbo://, tri://, grpc:// or http://host:port; or Interface.method with --registry or --admin",
    )
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
    .option("--admin <url>", "running trestle to call the service through, such as http://127.0.0.1:15000")
    .option("--protocol <name>", "how to call a service by name: dubbo, tri, grpc or http", readProtocol)
    .option("--one-way", "want no answer (dubbo)")
    .option(
      "--max-message <bytes>",
      "largest message to take as an answer (not dubbo)",
      readMessageBytes,
      DEFAULT_MAX_MESSAGE_BYTES,
    )
    .option("--proto <file>", ".proto file with the service (grpc); repeat for more", addText, [])
    .option("--proto-path <folder>", "folder that imports of .proto files start from; repeat for more", addText, [])
    .option("--descriptor <file>", "FileDescriptorSet with the service, as protoc writes it (grpc)")
    .addOption(outputOption().default("json"))
    .addHelpText("after", EXAMPLES)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(async (target: string, rest: string[], options: CallOptions) => {
      try {
        const canAsk = options.registry !== undefined || options.admin !== undefined;
        const failure = await runCall(readTarget(target, rest, canAsk), options, find, ask);
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
async function runCall(
  target: CallTarget,
  options: CallOptions,
  find: FindProviders,
  ask: AskAdmin,
): Promise<string | undefined> {
  const protocol = target.address?.scheme ?? options.protocol;
  checkOptions(target, protocol, options);
  const named = parseServiceKey(target.service);
  const service = serviceKey(named.interface, options.group || named.group, options.version || named.version);
  const types: CallTypes = { types: options.types, generic: options.generic ?? options.types === undefined };
  // Faults of what was typed come before those of the network.
  const args = protocol === "grpc" ? [] : readArguments(target.json ?? "[]");
  const isJava = protocol !== "grpc" && protocol !== "http";
  const request = isJava ? encodeArguments(target.method, args, types) : undefined;
  const place =
    target.address === undefined ? await findPlace(service, options, find, ask) : { address: target.address, service };
  if (protocol === "grpc") return callProtobuf({ ...target, service: place.service.interface }, place, options);
  if (request === undefined) return callJson(target.method, args, place, options);
  if (place.address.scheme === "dubbo") return callDubbo(place.address, place.service, request, options);
  const outcome = await callTriple({ ...place, request, options });
  if (outcome.type === "error") return describeRefusal(outcome.status, outcome.name, outcome.text);
  if (outcome.type === "exception") return describeThrown(outcome.value);
  process.stdout.write(printResult(options.output, resultJson(outcome.value)));
  return undefined;
}

/** Refuses, by an `Error`, options that contradict each other or the protocol; undefined: it is that of the provider that is found. */
function checkOptions({ address }: CallTarget, protocol: CallScheme | undefined, options: CallOptions): void {
  const { registry, admin, types, generic, oneWay, proto, descriptor } = options;
  if (address !== undefined && options.protocol !== undefined)
    throw new Error(`--protocol is for services by name: the address says ${address.scheme}:// already`);
  if (address !== undefined && admin !== undefined)
    throw new Error("--admin is for services by name: without an address the call goes through that instance's proxy");
  if (registry !== undefined && admin !== undefined)
    throw new Error("--registry and --admin exclude each other: both say where the service is");
  if (protocol !== "grpc" && (proto.length > 0 || descriptor !== undefined))
    throw new Error("--proto and --descriptor are for grpc alone; Java's types are named with --types");
  const isJava = types !== undefined || generic === true || oneWay === true;
  if (protocol === "grpc" && isJava)
    throw new Error(
      "--types, --generic and --one-way are for Java's interfaces; grpc takes types from --proto or the server",
    );
  if (protocol === "http" && isJava)
    throw new Error("--types, --generic and --one-way are for dubbo and tri; http has JSON and an answer");
  if (protocol === "tri" && oneWay === true)
    throw new Error("--one-way is for dubbo alone: every call of Triple has an answer");
}

async function askInstance(admin: string, path: string, timeoutMs: number): Promise<unknown> {
  return askAdmin(admin, path, "GET", timeoutMs);
}

async function callProtobuf(
  { service, method, json }: CallTarget,
  place: CallPlace,
  options: CallOptions,
): Promise<string | undefined> {
  const { group, version } = place.service;
  // Only here: no other command has to wait until protobuf is loaded.
  const { callGrpc } = await import("./triple/grpc-call.ts");
  return callGrpc({
    address: place.address,
    service,
    method,
    json,
    options: { ...options, group: options.group || group, version: options.version || version },
    descriptors: place.descriptors,
    print: (value, isStream) => {
      process.stdout.write(isStream ? printItem(options.output, value) : printResult(options.output, value));
    },
  });
}

async function callJson(
  method: string,
  args: readonly JsonNode[],
  { address, service }: CallPlace,
  options: CallOptions,
): Promise<string | undefined> {
  const outcome = await callHttp({ address, service, method, args, options });
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

import { Command } from "commander";
import type { Explanation } from "../control/explain/explain.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { argumentHeaders } from "./argument-headers.ts";
import { readAttachment } from "./call-options.ts";
import { readArguments, readTarget } from "./call-target.ts";
import { printExplanation } from "./explain-output.ts";
import { type OutputFormat, outputOption, printValue } from "./output.ts";

interface ExplainOptions {
  readonly group?: string;
  readonly version?: string;
  readonly attachment: readonly (readonly [string, string])[];
  readonly application?: string;
  readonly caller?: string;
  readonly principal?: string;
  readonly claims?: string;
  readonly admin: string;
  readonly output: OutputFormat;
}

/** `trestle explain METHOD [JSON]`: what becomes of a made-up call, and why. */
export function createExplainCommand(): Command {
  return new Command("explain")
    .description("say what becomes of a made-up call, by which rule, and why the other routes do not take it")
    .argument(
      "<method>",
      "Interface.method, such as com.acme.OrderService.getOrder; a host or key may stand for the interface",
    )
    .argument("[json]", "the call's arguments as a JSON array, for rules that ask for them")
    .option("--group <group>", "group of the service that is called")
    .option("--version <version>", "version of the service that is called")
    .option(
      "--attachment <name=value>",
      "an attachment, or for HTTP and Triple a header; repeat it for more",
      readAttachment,
      [],
    )
    .option("--application <name>", "the calling application")
    .option("--caller <address>", "IP address of the caller: what registries say of it counts")
    .option(
      "--principal <identity>",
      "identity of the caller, such as cluster.local/ns/shop/sa/web, or none; by its address unless told",
    )
    .option("--claims <json>", "what the call's token says, as if it were verified")
    .addOption(adminOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      `
Nobody is called: a running instance is asked which listener, rule, route, subset, providers and policies the call would meet.

Examples:
  trestle explain com.acme.OrderService.createOrder
  trestle explain com.acme.OrderService.getOrder '[42]' --group g --version 1.0.0 --attachment x-user=alice
  trestle explain com.acme.OrderService.getOrder --caller 10.0.0.9 -o json
  trestle explain com.acme.OrderService.dropOrder --caller 10.0.0.9 --principal cluster.local/ns/shop/sa/web
  trestle explain com.acme.OrderService.getOrder --claims '{"group": "admin"}'`,
    )
    .action(async (method: string, json: string | undefined, options: ExplainOptions) => {
      const { service, method: name } = readTarget(method, [], true);
      const query = new URLSearchParams({ service, method: name });
      for (const key of ["group", "version", "caller", "principal", "claims"] as const)
        if (options[key] !== undefined) query.set(key, options[key]);
      const headers = json === undefined ? {} : argumentHeaders(readArguments(json));
      if (options.application !== undefined) headers["dubbo-application"] = options.application;
      for (const [key, value] of [...Object.entries(headers), ...options.attachment])
        query.append("header", `${key}=${value}`);
      const explanation = await askAdmin<Explanation>(options.admin, `/api/v1/explain?${query}`);
      process.stdout.write(
        options.output === "table" ? printExplanation(explanation) : printValue(options.output, explanation),
      );
    });
}

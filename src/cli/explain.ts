import { Command } from "commander";
import type { Explanation } from "../control/explain/explanation.ts";
import { adminOption, askAdmin } from "./admin-client.ts";
import { readAttachment } from "./call-options.ts";
import { printExplanation } from "./explain-output.ts";
import { type ExplainOptions, explainQuery } from "./explain-query.ts";
import { outputOption, printValue } from "./output.ts";

/** `trestle explain METHOD|URL [JSON]`: what becomes of a made-up call, and why. */
export function createExplainCommand(): Command {
  return new Command("explain")
    .description("say what becomes of a made-up call, by which rule, and why the other routes do not take it")
    .argument(
      "<target>",
      "Interface.method, such as com.acme.OrderService.getOrder (a host or key may stand for the interface); or the URL of a request: http, and at gateways https, grpc, grpcs, tls",
    )
    .argument(
      "[json]",
      "the call's arguments as a JSON array, for rules that ask for them; of a request: it has content",
    )
    .option(
      "--from <namespace[/label=value,...]>",
      "as a proxy elsewhere has it, beside a workload with those labels; as this instance's own unless told",
    )
    .option("--gateway <namespace/name>", "the request comes from outside, by this Gateway")
    .option("--port <number>", "the port of a gateway that it comes to, where that is not the URL's")
    .option("--method <name>", "method of HTTP; GET unless told, POST with JSON and of gRPC")
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
  trestle explain com.acme.OrderService.getOrder --claims '{"group": "admin"}'
  trestle explain com.acme.OrderService.getOrder --from web/app=cart,version=v2
  trestle explain http://shop/cart/7?x=1 --method DELETE
      a request in the mesh, to the service that speaks HTTP by that name
  trestle explain https://api.example.com/orders/getOrder '[42]' --gateway default/edge --port 8443
      one from outside, which comes to port 8443 of the Gateway edge: the first part of a name may be left out
  trestle explain grpc://api.example.com/acme.Shop/Get --port 8080
  trestle explain tls://db.example.com --gateway edge`,
    )
    .action(async (target: string, json: string | undefined, options: ExplainOptions) => {
      const explanation = await askAdmin<Explanation>(
        options.admin,
        `/api/v1/explain?${explainQuery(target, json, options)}`,
      );
      process.stdout.write(
        options.output === "table" ? printExplanation(explanation) : printValue(options.output, explanation),
      );
    });
}

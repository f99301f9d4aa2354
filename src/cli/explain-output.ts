import { cleanText } from "../base/clean-text.ts";
import type { PolicyVerdict } from "../control/explain/authorization.ts";
import type {
  Destination,
  Explanation,
  GatewayPlace,
  PassedOver,
  RouteVerdict,
} from "../control/explain/explanation.ts";
import type { Authorization } from "../control/explain/passages.ts";

/** Prints what becomes of a call for people; ends with a line feed. Control characters are shown as `?`. */
export function printExplanation(explanation: Explanation): string {
  const { path, routes, passedOver = [], answer, calls, destinations, policies, authorization } = explanation;
  const lines = [
    ...(explanation.from === undefined ? [] : [field("from", explanation.from)]),
    ...(explanation.gateway === undefined ? printService(explanation) : printGateway(explanation, explanation.gateway)),
    ...(path === "" ? [] : [field("path", path)]),
    ...printTaking(explanation),
    ...(routes.length === 0 ? [] : ["routes:"]),
    ...routes.flatMap(printRoute),
    ...(passedOver.length === 0 ? [] : ["passed over:"]),
    ...passedOver.flatMap(printPassedOver),
    ...(answer === undefined ? [] : [field("answer", [answer.status ?? "none:", answer.reason].join(" "))]),
    ...(calls === undefined ? [] : [field("calls", calls)]),
    ...destinations.flatMap(printDestination),
    ...(policies === "" ? [] : [field("policies", policies)]),
    ...authorization.flatMap(printAuthorization),
  ];
  return lines.map((line) => `${cleanText(line)}\n`).join("");
}

function printService({ service, host }: Explanation): string[] {
  return [field("service", service === host ? host : `${service} (host ${host})`)];
}

/** By which gateway a request came, and for which Host. */
function printGateway({ host, routes }: Explanation, { gateway, at, address, tls, domain }: GatewayPlace): string[] {
  // Proxies elsewhere have routes, and no Gateways.
  const nameless = routes.length > 0 ? "by no known name" : "no server takes this Host";
  const server = gateway === "" ? nameless : gateway + (at === "" ? "" : ` (${at})`);
  const way = tls === "" ? "" : `, ${tls}`;
  return [
    field("gateway", `${server}, ${address}${way}`),
    field("host", domain === "" || domain === host ? host : `${host}, by the routes of ${domain}`),
  ];
}

function printTaking({ listeners, rule, gateway, from }: Explanation): string[] {
  const none = gateway === undefined ? "none: calls pass unchanged" : "none";
  // Of a proxy elsewhere nobody knows here where it listens.
  const taking =
    from !== undefined && listeners.length === 0
      ? []
      : [field("listeners", listeners.join(", ") || "none takes its calls")];
  return [...taking, field("rule", rule || none)];
}

function printPassedOver({ rule, at, why }: PassedOver): string[] {
  return [`  ${rule}${at === "" ? "" : ` (${at})`}`, `    ${why}`];
}

function printRoute({ route, at, verdict, why }: RouteVerdict): string[] {
  const place = at === "" ? "" : ` (${at})`;
  return [`  ${route}${place}: ${verdict}`, ...why.map((one) => `    ${one}`)];
}

function printDestination(destination: Destination): string[] {
  const {
    cluster,
    host,
    share,
    loadBalancer,
    rule,
    listedBy,
    policies,
    routers = [],
    refusal,
    endpoints,
  } = destination;
  // What passes through a gateway has no cluster.
  const balancer = cluster === "" ? "" : `, ${loadBalancer || "unknown"}`;
  return [
    field("destination", `${cluster || host}, ${share}% of calls${balancer}${rule === "" ? "" : `, by ${rule}`}`),
    ...(policies === "" ? [] : [`  ${policies}`]),
    ...(listedBy === "" ? [] : [`  known from ${listedBy}`]),
    ...routers.map(({ rule: from, condition, verdict }) => `  router ${from}, "${condition}": ${verdict}`),
    ...(refusal === undefined ? [] : [`  ${refusal}`]),
    ...endpoints.map((one) => `  ${one.protocol}://${one.address} weight ${one.weight}, ${one.health}${placeOf(one)}`),
  ];
}

function placeOf({ tag, locality, priority, placeWeight }: Destination["endpoints"][number]): string {
  return [
    tag === "" ? "" : `, tag ${tag}`,
    locality === undefined ? "" : `, in ${locality}`,
    placeWeight === undefined ? "" : `, all there of weight ${placeWeight}`,
    priority === undefined ? "" : `, priority ${priority}`,
  ].join("");
}

function printAuthorization({ side, for: name, mtls, isCopy, decision, why, policies }: Authorization): string[] {
  const reasons = why.join("; ");
  const told = decision === "open" ? `allowed if ${reasons}` : `${decision}: ${reasons}`;
  const where = `${side}${mtls === undefined ? "" : ` (mutual TLS ${mtls})`}${isCopy === true ? " (a mirror's copy)" : ""}`;
  return [`authorization, ${where}, ${name}: ${told}`, ...policies.flatMap(printPolicy)];
}

function printPolicy({ kind, action, policy, rule, at, dryRun, verdict, why }: PolicyVerdict): string[] {
  const name = [action, kind, policy, rule === undefined ? "" : `rule ${rule}`].filter(Boolean).join(" ");
  const notes = [at, dryRun ? "dry run" : ""].filter(Boolean).join(", ");
  return [`  ${name}${notes === "" ? "" : ` (${notes})`}: ${verdict}`, ...why.map((one) => `    ${one}`)];
}

function field(name: string, text: string): string {
  return `${`${name}:`.padEnd(13)}${text}`;
}

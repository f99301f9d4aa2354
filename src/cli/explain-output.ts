import { cleanText } from "../base/clean-text.ts";
import type { PolicyVerdict } from "../control/explain/authorization.ts";
import type { Destination, Explanation, RouteVerdict } from "../control/explain/explain.ts";
import type { Authorization } from "../control/explain/passages.ts";

/** Prints what becomes of a call for people; ends with a line feed. Control characters are shown as `?`. */
export function printExplanation(explanation: Explanation): string {
  const { service, host, path, listeners, rule, routes, answer, destinations, policies, authorization } = explanation;
  const lines = [
    field("service", service === host ? host : `${service} (host ${host})`),
    field("path", path),
    field("listeners", listeners.join(", ") || "none takes its calls"),
    field("rule", rule || "none: calls pass unchanged"),
    "routes:",
    ...routes.flatMap(printRoute),
    ...(answer === undefined ? [] : [field("answer", `${answer.status} ${answer.reason}`)]),
    ...destinations.flatMap(printDestination),
    ...(policies === "" ? [] : [field("policies", policies)]),
    ...authorization.flatMap(printAuthorization),
  ];
  return lines.map((line) => `${cleanText(line)}\n`).join("");
}

function printRoute({ route, at, verdict, why }: RouteVerdict): string[] {
  const place = at === "" ? "" : ` (${at})`;
  return [`  ${route}${place}: ${verdict}`, ...why.map((one) => `    ${one}`)];
}

function printDestination({ cluster, share, loadBalancer, routers = [], endpoints }: Destination): string[] {
  return [
    field("destination", `${cluster}, ${share}% of calls, ${loadBalancer || "unknown"}`),
    ...routers.map(({ rule, condition, verdict }) => `  router ${rule}, "${condition}": ${verdict}`),
    ...(endpoints.length === 0 ? ["  no provider is known: the call is answered 503"] : []),
    ...endpoints.map(({ address, protocol, weight, health, tag }) => {
      const more = tag === "" ? "" : `, tag ${tag}`;
      return `  ${protocol}://${address} weight ${weight}, ${health}${more}`;
    }),
  ];
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

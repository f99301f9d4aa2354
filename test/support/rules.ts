import { parseRules } from "../../src/control/rules/parse.ts";
import { oldestFirst } from "../../src/control/rules/rule-set.ts";
import type { Rule, VirtualService } from "../../src/model/rule.ts";
import type { HttpMatch } from "../../src/model/rules/http-route.ts";

/** A VirtualService as YAML; `http` is flow YAML of its list of routes. */
export function virtualServiceText(name: string, hosts: string, http: string, more = ""): string {
  return `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ${hosts}\n  http: ${http}\n${more}`;
}

/** A DestinationRule as YAML; `rest` is flow YAML of further fields. */
export function destinationRuleText(name: string, host: string, rest: string): string {
  return `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: {host: ${host}, ${rest}}\n`;
}

/** Rules of valid texts, oldest first; fails on any fault of the text. */
export function rulesOf(...texts: string[]): Rule[] {
  const parsed = parseRules("r.yaml", texts.join("---\n"));
  if (!parsed.valid) throw new Error(parsed.findings.map(({ at, message }) => `${at} ${message}`).join("\n"));
  return oldestFirst(parsed.rules);
}

/** The one VirtualService of a text made by {@link virtualServiceText}. */
export function virtualServiceOf(hosts: string, http: string): VirtualService {
  return rulesOf(virtualServiceText("r", hosts, http))[0] as VirtualService;
}

/** One match out of flow YAML. */
export function matchOf(match: string): HttpMatch {
  return virtualServiceOf("[com.acme.OrderService]", `[{match: [${match}], route: [{destination: {host: x}}]}]`)
    .http[0]!.match![0]!;
}

/** Findings as `code line:column message`. */
export function shortFindings(findings: readonly { code: string; at: string; message: string }[]): string[] {
  return findings.map(({ code, at, message }) => `${code} ${at.slice(at.indexOf(":") + 1)} ${message}`);
}

/** A Gateway as YAML; `servers` and `annotations` are flow YAML. */
export function gatewayText(name: string, servers: string, annotations = "{}"): string {
  return `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: ${name}, annotations: ${annotations}}\nspec:\n  # ports and hosts\n  servers: ${servers}\n`;
}

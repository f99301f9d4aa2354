import type { Gateway, VirtualService } from "../../model/rule.ts";
import { domainCovers, serverDomain } from "./gateway-ports.ts";

/** Whether a VirtualService names the gateway: by its name where both are of one namespace, else as `namespace/name`. */
export function isBoundTo(rule: VirtualService, gateway: Gateway): boolean {
  return rule.gateways.some((text) => namesGateway(text, rule, gateway));
}

/** Whether the reference `text` of a VirtualService means the gateway. */
export function namesGateway(text: string, rule: VirtualService, gateway: Gateway): boolean {
  const slash = text.indexOf("/");
  const namespace = slash < 0 ? rule.namespace : text.slice(0, slash);
  return namespace === gateway.namespace && text.slice(slash + 1) === gateway.name;
}

/** The domain that a VirtualService's host has at a server that takes `taken`: the narrower of the two; undefined where they have nothing in common. */
export function commonDomain(host: string, taken: string): string | undefined {
  const [a, b] = [host.toLowerCase(), serverDomain(taken)];
  if (domainCovers(b, a)) return a;
  return domainCovers(a, b) ? b : undefined;
}

/** Of a host `NAMESPACE/host` of a Gateway's server, whether rules of the VirtualService's namespace may take it; `.` is the Gateway's own. */
export function takesNamespace(
  taken: string,
  rule: Pick<VirtualService, "namespace">,
  gateway: Pick<Gateway, "namespace">,
): boolean {
  const slash = taken.indexOf("/");
  const namespace = slash < 0 ? "*" : taken.slice(0, slash);
  return namespace === "*" || (namespace === "." ? gateway.namespace : namespace) === rule.namespace;
}

import { isIpv4, isIpv6 } from "../dubbo/url.ts";
import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelValue } from "../naming/kubernetes-names.ts";
import type { ServiceEntry } from "./service-entry.ts";

/** Protocols that a port may name (istio pkg/config/protocol/instance.go). */
const PROTOCOLS = new Set([
  "GRPC",
  "GRPC-WEB",
  "HTTP",
  "HTTP_PROXY",
  "HTTP2",
  "HTTPS",
  "TCP",
  "TLS",
  "UDP",
  "MONGO",
  "REDIS",
  "MYSQL",
]);
const MAX_ANNOTATION_BYTES = 262_144;

/** What Istio's and Kubernetes' validation would refuse in a ServiceEntry; one lower-case sentence each, none where it is fine. */
export function checkServiceEntry(document: ServiceEntry): readonly string[] {
  const { metadata, spec } = document;
  const faults: string[] = [];
  if (!isDnsSubdomain(metadata.name)) faults.push(`name "${metadata.name}" is no DNS subdomain`);
  checkLabels("label", metadata.labels, faults);
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata.annotations)) {
    if (!isLabelKey(key)) faults.push(`annotation key "${key}" is not legal`);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_ANNOTATION_BYTES)
    faults.push(`annotations of ${bytes} bytes are over the limit of ${MAX_ANNOTATION_BYTES}`);
  if (spec.hosts.length === 0) faults.push("it has no host");
  for (const host of spec.hosts) if (!isDnsSubdomain(host)) faults.push(`host "${host}" is no DNS name`);
  const names = spec.ports.map((port) => port.name);
  if (names.length === 0) faults.push("it has no port");
  if (new Set(names).size < names.length) faults.push("two ports have one name");
  if (new Set(spec.ports.map((port) => port.number)).size < names.length) faults.push("two ports have one number");
  for (const port of spec.ports) {
    if (!isPort(port.number)) faults.push(`port ${port.number} is not between 1 and 65535`);
    if (!isDnsLabel(port.name)) faults.push(`port name "${port.name}" is no DNS label`);
    if (!PROTOCOLS.has(port.protocol)) faults.push(`port protocol "${port.protocol}" is unknown`);
  }
  for (const endpoint of spec.endpoints) {
    const isIp = isIpv4(endpoint.address) || isIpv6(endpoint.address);
    if (!isIp && spec.resolution === "STATIC") faults.push(`endpoint address "${endpoint.address}" is no IP address`);
    for (const [name, number] of Object.entries(endpoint.ports)) {
      if (!names.includes(name)) faults.push(`endpoint port "${name}" is no port of the entry`);
      if (!isPort(number)) faults.push(`endpoint port ${number} is not between 1 and 65535`);
    }
    if (endpoint.weight !== undefined && !(Number.isInteger(endpoint.weight) && endpoint.weight >= 0)) {
      faults.push(`endpoint weight ${endpoint.weight} is no whole number`);
    }
    checkLabels("endpoint label", endpoint.labels ?? {}, faults);
  }
  return faults;
}

function checkLabels(what: string, labels: Readonly<Record<string, string>>, faults: string[]): void {
  for (const [key, value] of Object.entries(labels)) {
    if (!isLabelKey(key)) faults.push(`${what} key "${key}" is not legal`);
    if (!isLabelValue(value)) faults.push(`${what} ${key} has the value "${value}", which is not legal`);
  }
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535;
}

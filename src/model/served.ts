import type { ServiceKey } from "./service.ts";

/** The version that Triple providers look for where a call says none and they have none without. */
export const UNSAID_VERSION = "1.0.0";

/**
 * Which of `keys`, all that a provider serves of the call's interface, a Triple provider takes a call for; undefined where that is not certain.
 * Java (3.0 to 3.3) looks for group, interface and version; then for version 1.0.0; then it takes whichever it registered first, whatever the call
 * names. So a call that names what is not there may be for any of them.
 */
export function meantKey(said: ServiceKey, keys: readonly ServiceKey[]): ServiceKey | undefined {
  const find = (version: string) => keys.find((key) => key.group === said.group && key.version === version);
  const exact = find(said.version) ?? (said.version === "" ? find(UNSAID_VERSION) : undefined);
  if (exact !== undefined) return exact;
  const [only] = keys;
  if (only === undefined || keys.length > 1) return undefined;
  const agrees = (part: "group" | "version") => said[part] === "" || said[part] === only[part];
  return agrees("group") && agrees("version") ? only : undefined;
}

/** Whether a service is one of gRPC's own, which every server may have beside its others and no registry has. */
export function isGrpcOwn(interfaceName: string): boolean {
  return /^grpc\.(?:health|reflection|channelz)\./.test(interfaceName);
}

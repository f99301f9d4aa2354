import type { Fields } from "../../codecs/fields.ts";
import type { ServiceKey } from "../../model/service.ts";

/** Names that say which service, provider or way of calling is meant: inside the mesh alone. */
const INNER: ReadonlySet<string> = new Set([
  ..."path interface group version token generic input timeout id dubbo async return application serialization".split(
    " ",
  ),
  ..."remote.application tag host".split(" "),
]);
const INNER_START = /^(?:tri-|rest-service-|triple-|dubbo|x-envoy-|x-trestle-)/;
/** Longest list of addresses that is passed on; a longer one is begun anew. */
const MAX_FORWARDED = 1_024;

/** Whether a caller from outside may send a field of this name on into the mesh. */
export function isOuter(name: string): boolean {
  return !INNER.has(name.endsWith("-bin") ? name.slice(0, -4) : name) && !INNER_START.test(name);
}

/** Where a call from outside goes. */
export interface InnerCall {
  readonly service: ServiceKey;
  readonly method: string;
  /** With its question mark; `""` for none. */
  readonly query: string;
  /** The caller's IP address. */
  readonly address: string;
}

/**
 * The head of a call from outside as the mesh takes it: the path is `/interface/method` of the route's destination, group and version are
 * its own, what only callers in the mesh may say is gone, and `x-forwarded-for` has the caller's address at its end.
 */
export function innerFields(fields: Fields, { service, method, query, address }: InnerCall): string[] {
  const inner: string[] = [];
  let forwarded = "";
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!];
    if (name === ":path") inner.push(name, `/${service.interface}/${method}${query}`);
    else if (name === ":method") inner.push(name, value);
    else if (name === "x-forwarded-for") forwarded += forwarded === "" ? value : `, ${value}`;
    else if (isOuter(name)) inner.push(name, value);
  }
  if (service.group !== "") inner.push("tri-service-group", service.group);
  if (service.version !== "") inner.push("tri-service-version", service.version);
  inner.push(
    "x-forwarded-for",
    forwarded === "" || forwarded.length > MAX_FORWARDED ? address : `${forwarded}, ${address}`,
  );
  return inner;
}

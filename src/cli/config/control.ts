import { printAddress } from "../../base/address.ts";
import { parseAddress } from "./address.ts";
import type { TrestleConfig } from "./config.ts";
import type { Fail } from "./registries.ts";

/** Istio's port for xDS without TLS: control's, where an address names none. */
const DEFAULT_PORT = 15_010;

/** The control servers of flag or file, each as `host:port`; `at` says where a fault of the i-th stands. */
export function resolveControl(
  servers: readonly string[],
  at: (i: number) => string,
  fail: Fail,
): TrestleConfig["control"] {
  return {
    servers: servers.map((text, i) => {
      const address = /^\d+$/.test(text) ? undefined : parseAddress(text, DEFAULT_PORT);
      if (address === undefined) fail(at(i), `"${text}" is no host:port of a control server, such as 10.0.0.7:15011`);
      return address === undefined ? text : printAddress(address.host, address.port);
    }),
  };
}

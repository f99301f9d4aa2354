import { printAddress } from "../../base/address.ts";
import { parseAddress } from "./address.ts";
import type { ControlTls, TrestleConfig } from "./config.ts";
import type { KeyShape, Shape } from "./document.ts";
import type { Fail } from "./registries.ts";

/** Istio's port for xDS without TLS: control's, where an address names none. */
const DEFAULT_PORT = 15_010;
/** And with it. */
const TLS_PORT = 15_012;

const text: Shape = { type: "string" };

/** The keys of `control.tls`. */
export const CONTROL_TLS_KEYS: Readonly<Record<string, KeyShape>> = {
  roots: { shape: text, required: true, doc: "file (PEM) with the roots by which the servers are checked" },
  token: { shape: text, doc: "file with this proxy's token, a line of the servers' ca.tokens; read anew each time" },
  certificate: { shape: text, doc: "file (PEM) with a certificate of the mesh, by which the first one is asked for" },
  key: { shape: text, doc: "file (PEM) with the key of certificate" },
  name: { shape: text, doc: "name in the servers' certificates", default: "that of the address" },
};

/** The control servers of flag or file, each as `host:port`; `at` says where a fault of the i-th stands. */
export function resolveControl(
  servers: readonly string[],
  at: (i: number) => string,
  fail: Fail,
  tls?: ControlTls,
): TrestleConfig["control"] {
  if (tls !== undefined && (tls.certificate === undefined) !== (tls.key === undefined))
    fail("control.tls", "certificate and key belong together: give both");
  if (tls !== undefined && tls.token === undefined && tls.certificate === undefined)
    fail("control.tls", "the proxy must prove who it is: give token, or certificate and key");
  return {
    ...(tls !== undefined && { tls }),
    servers: servers.map((text, i) => {
      const address = /^\d+$/.test(text) ? undefined : parseAddress(text, tls === undefined ? DEFAULT_PORT : TLS_PORT);
      if (address === undefined) fail(at(i), `"${text}" is no host:port of a control server, such as 10.0.0.7:15011`);
      return address === undefined ? text : printAddress(address.host, address.port);
    }),
  };
}

import type { Located } from "./located.ts";

/** What is known of a connection before anything is said on it; all that is written must hold. */
export interface ConnectionMatch extends Located {
  /** Of `tls` routes: names that the caller may ask for, `*.example.com` among them. */
  readonly sniHosts?: readonly string[];
  /** IP addresses or ranges that were connected to. */
  readonly destinationSubnets?: readonly string[];
  /** Of `tcp` routes: the caller's address or range. */
  readonly sourceSubnet?: string;
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
}

/** Where a connection goes: a TCP port of a service. */
export interface ConnectionDestination extends Located {
  readonly host: string;
  readonly subset?: string;
  /** Needed where the service has several. */
  readonly port?: Located & { readonly number?: number };
}

/** One entry of `tls` or `tcp`: the connections that meet one of its matches, all where it has none. */
export interface ConnectionRoute extends Located {
  readonly match?: readonly ConnectionMatch[];
  readonly route: readonly (Located & { readonly destination: ConnectionDestination; readonly weight?: number })[];
}

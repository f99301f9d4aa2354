import type { UpstreamTls } from "../tls/upstream.ts";
import type { PoolRules } from "./pool-rules.ts";

/** Where a connection goes, and how its bytes travel: as they are, where `tls` is undefined. */
export interface ConnectTarget {
  readonly address: string;
  readonly port: number;
  readonly tls?: UpstreamTls | undefined;
  /** What its cluster says of connections; undefined for nothing. */
  readonly pool?: PoolRules | undefined;
}

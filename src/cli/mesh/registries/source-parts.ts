import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { WireProtocol } from "../../../codecs/xds/core.ts";
import type { Finding } from "../../../model/entry.ts";
import type { AskMetadata } from "../../../registry-sync/application/revisions.ts";
import type { Source } from "../../../registry-sync/contracts.ts";
import type { RegistryConfig } from "../../config/config.ts";

/** What the source of one registry is made from. */
export interface SourceParts {
  readonly config: RegistryConfig;
  /** `host:port` of its servers. */
  readonly hosts: readonly string[];
  /** Tells the proxies' addresses, which no provider may have. */
  readonly isOwnAddress: (address: string, port: number) => boolean;
  readonly askMetadata: AskMetadata;
  /** Dubbo's protocols that are led through the proxy. */
  readonly protocols: readonly WireProtocol[];
  /** To be called whenever Trestle's own session comes or goes. */
  readonly onConnected: (connected: boolean) => void;
  /** To be called with all that keeps the registry from being read, whenever that changes. */
  readonly onFindings: (findings: readonly Finding[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Makes a registry's source; it connects once it is watched. */
export type OpenSource = (parts: SourceParts) => Source;

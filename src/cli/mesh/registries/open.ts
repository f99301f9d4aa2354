import { printAddress } from "../../../base/address.ts";
import { steadyClock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { NamedResource } from "../../../codecs/xds/resources.ts";
import type { Secret } from "../../../codecs/xds/secret.ts";
import type { Finding } from "../../../model/entry.ts";
import type { Source } from "../../../registry-sync/contracts.ts";
import { createEmbeddedRegistry, type EmbeddedRegistry } from "../../../registry-sync/embedded/server.ts";
import type { RegistryConfig, RegistryScheme, TrestleConfig } from "../../config/config.ts";
import { protocolsOf } from "../data-plane.ts";
import { createReach } from "../reach.ts";
import { createAskMetadata } from "../schemas/ask-metadata.ts";
import { shaped } from "../shaping.ts";
import { openEureka } from "./eureka.ts";
import { openFile } from "./file.ts";
import { openKubernetesRegistry } from "./kubernetes.ts";
import { openMemory } from "./memory.ts";
import { openNacos } from "./nacos.ts";
import type { OpenSource } from "./source-parts.ts";
import { openZookeeper } from "./zookeeper.ts";

/** A configured registry, ready to be asked: an embedded one runs and has an address of its own. */
export interface OpenRegistry {
  readonly config: RegistryConfig;
  /** `host:port` of its servers. */
  readonly hosts: readonly string[];
  readonly source: Source;
  /** Whether Trestle's own session is connected now. */
  readonly connected: () => boolean;
  /** What keeps it from being read; empty where nothing does. */
  readonly findings: () => readonly Finding[];
  readonly embedded: EmbeddedRegistry | undefined;
}

/** How each scheme's registry is opened. */
const SOURCES: Readonly<Partial<Record<RegistryScheme, OpenSource>>> = {
  zookeeper: openZookeeper,
  nacos: openNacos,
  eureka: openEureka,
  kubernetes: openKubernetesRegistry,
  file: openFile,
  memory: openMemory,
  embedded: openZookeeper,
};

/**
 * Opens the configured registries; starts the embedded one. `isOwnAddress` tells the proxies' addresses, which no provider may have.
 * `onFindings` is called whenever a registry's own findings have changed. By `secrets` providers are asked that take mutual TLS alone.
 */
export function openRegistries(
  config: TrestleConfig,
  isOwnAddress: (address: string, port: number) => boolean,
  log: Logger,
  onFindings: () => void = () => {},
  secrets: () => readonly NamedResource<Secret>[] = () => [],
): Promise<OpenRegistry[]> {
  const askMetadata = createAskMetadata(createReach(config.proxy.inbound, secrets));
  return Promise.all(
    config.registries.map(async (registry) => {
      const embedded =
        registry.scheme === "embedded" ? await createEmbeddedRegistry({ host: "127.0.0.1", port: 0, log }) : undefined;
      const hosts = embedded === undefined ? registry.hosts : [printAddress(embedded.host, embedded.port)];
      let connected = false;
      let findings: readonly Finding[] = [];
      const given = SOURCES[registry.scheme]!({
        config: registry,
        hosts,
        isOwnAddress,
        askMetadata,
        protocols: protocolsOf(config),
        onConnected: (now) => {
          connected = now;
        },
        onFindings: (now) => {
          findings = now;
          onFindings();
        },
        clock: steadyClock,
        log: log.child({ registry: registry.name }),
      });
      const source = shaped(given, registry, config);
      return { config: registry, hosts, source, connected: () => connected, findings: () => findings, embedded };
    }),
  );
}

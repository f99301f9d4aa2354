import type { ServiceKey } from "./service.ts";

/** A port that an application-level instance listens on, by protocol. */
export interface InstancePort {
  /** `dubbo`, `tri`, `rest`, ... */
  readonly protocol: string;
  readonly port: number;
}

/** Where an instance answers questions about its metadata. */
export interface MetadataPlace {
  /** `dubbo` or `tri`. */
  readonly protocol: string;
  readonly port: number;
  /** Of the MetadataService interface: `1.0.0`, or `2.0.0` where MetadataServiceV2 (protobuf) is spoken as well. */
  readonly version: string;
}

/** One process of an application, as a registry lists it at application level (Dubbo's service discovery). */
export interface ApplicationInstance {
  /** Its name among the application's instances, as the registry has it: `host:port`, or an opaque text. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Names what it offers (`dubbo.metadata.revision`); `0` where it offers nothing, `""` where nobody can say; one of its own where it does not say (2.7). */
  readonly revision: string;
  /** Who knows the revision's services: the instance itself, or the metadata centre. */
  readonly storage: "local" | "remote";
  /** `dubbo.endpoints`; empty where it does not say. */
  readonly ports: readonly InstancePort[];
  /** Undefined where it does not say; the instance's own port is tried then. */
  readonly metadata: MetadataPlace | undefined;
  /** Taken out by hand in registries that can do so (Nacos: disabled or unhealthy). */
  readonly disabled: boolean;
  /** The registry's own weight for it, 100 unless said. */
  readonly weight: number;
  /** All its metadata, raw, as the registry has it. */
  readonly params: Readonly<Record<string, string>>;
}

/** One service of a revision: what MetadataInfo says of it. */
export interface ApplicationService {
  readonly service: ServiceKey;
  readonly protocol: string;
  /** 0 where it does not say (2.7); the instance's port for the protocol counts then. */
  readonly port: number;
  /** Path that calls name; the interface, but for context paths. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

/** One application of a registry with its instances, and the services of their revisions as far as they are known. */
export interface Application {
  readonly name: string;
  /** Sorted by id. Those that offer nothing are among them. */
  readonly instances: readonly ApplicationInstance[];
  /** Revision to its services, sorted by service and protocol. A revision whose metadata is not had is missing, or one of `kept`. */
  readonly revisions: ReadonlyMap<string, readonly ApplicationService[]>;
  /** Those of `revisions` whose own metadata is not had: an instance's services under its revision before count. Absent: none. */
  readonly kept?: ReadonlySet<string>;
  /** Revisions whose metadata could not be had after all tries; none of them is in `revisions`. */
  readonly failed: ReadonlySet<string>;
}

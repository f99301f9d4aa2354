import type { LogLevel } from "../../base/log.ts";

/** One registry that Trestle mirrors and stands in front of. */
export interface RegistryConfig {
  /** Unique; origin of its endpoints. */
  readonly name: string;
  readonly scheme: RegistryScheme;
  /** `host:port` list. */
  readonly hosts: readonly string[];
  /** Path that everything stands under (ZooKeeper's chroot); `""` for none. */
  readonly chroot: string;
  /** Where Dubbo's tree stands: `/dubbo`. */
  readonly root: string;
  readonly username: string;
  /** Read from a file or the environment; never printed. */
  readonly password: string;
}

/** How a registry is reached: by ZooKeeper's protocol, or in this process, where it lives in memory alone. */
export type RegistryScheme = "zookeeper" | "embedded";

/** One place beside the registries where providers leave their metadata reports: a Nacos. */
export interface MetadataConfig {
  /** Unique among metadata centres; named in logs and findings. */
  readonly name: string;
  /** `host:port` list. */
  readonly hosts: readonly string[];
  /** `/nacos` unless told; empty for none. */
  readonly contextPath: string;
  /** Id of the namespace; empty for Nacos' own, `public`. */
  readonly namespace: string;
  readonly group: string;
  readonly username: string;
  /** Read from a file or the environment; never printed. */
  readonly password: string;
}

/** One address that speaks a registry's protocol to applications. */
export interface FacadeConfig {
  readonly host: string;
  readonly port: number;
  /** Name of the registry behind it. */
  readonly registry: string;
  readonly take: { readonly services: readonly string[]; readonly applications: readonly string[] };
  /** CIDR ranges that may connect; empty for all. */
  readonly allow: readonly string[];
}

/** Ports from one to another, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The whole configuration, checked, with every default filled in. */
export interface TrestleConfig {
  readonly registries: readonly RegistryConfig[];
  readonly facades: readonly FacadeConfig[];
  readonly proxy: {
    /** The address that facades hand out. */
    readonly host: string;
    /** The address that is listened on; `host` unless told. */
    readonly bind: string;
    /** Other instances' addresses to hand out beside it: `host:port` for Dubbo2, `tri://host:port` for Triple. */
    readonly advertise: readonly string[];
    /** One port a worker. */
    readonly dubbo: readonly number[];
    /** The workers' Triple ports, in the order of `dubbo`; none: Triple is switched off. */
    readonly tri: readonly number[];
    /** Whether nobody asked for these Triple ports, so that others may take the place of those that are in use. */
    readonly triIsDefault: boolean;
    /** Ports for services that speak HTTP, one each; both ends included. */
    readonly http: PortRange;
  };
  readonly rules: readonly string[];
  /** Metadata centres; of two that know one interface's types the first counts. */
  readonly metadata: readonly MetadataConfig[];
  /** Files and folders of .proto files and descriptor sets. */
  readonly protos: readonly string[];
  readonly outputs: readonly { readonly files: string }[];
  readonly admin: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
}

/** Name of the registry that stands behind facades when none is configured. */
export const EMBEDDED_REGISTRY = "embedded";

/** Where the proxy listens and what facades hand out unless told: consumers on other machines cannot reach it. */
export const DEFAULT_PROXY_HOST = "127.0.0.1";
/** Two ports and so two workers, of which one serves while the other is replaced; 20880 is Dubbo's own default. */
export const DEFAULT_DUBBO_PORTS: readonly number[] = [20_880, 20_881];
/** The first worker's Triple port, from which the others count up: Dubbo's own default for Triple. */
export const DEFAULT_TRI_PORT = 50_051;
/** A thousand ports for services that speak HTTP: above those that applications like to take, below those that the system gives out. */
export const DEFAULT_HTTP_PORTS: PortRange = { from: 31_000, to: 31_999 };
/** Port of a facade whose URL names none: ZooKeeper's client port. */
export const DEFAULT_FACADE_PORT = 2_181;
/** Where admin listens unless told, `host:port`: this machine alone, since it asks nobody who they are. */
export const DEFAULT_ADMIN = "127.0.0.1:15000";

/** Levels of `--log-level`, from all to nothing. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

import type { LogLevel } from "../../base/log.ts";
import type { Locality, MeshSettings } from "../../model/mesh.ts";
import type { NamingStyle } from "../../registry-sync/naming/naming-styles.ts";
import type { InboundConfig } from "./inbound.ts";
import type { ShapingConfig } from "./shaping.ts";

/** One registry that Trestle mirrors and stands in front of. */
export interface RegistryConfig {
  /** Unique; origin of its endpoints. */
  readonly name: string;
  readonly scheme: RegistryScheme;
  /** `host:port` list. */
  readonly hosts: readonly string[];
  /** Path behind the hosts: ZooKeeper's chroot, the context path of Nacos and Eureka; `""` for none. */
  readonly chroot: string;
  /** Where Dubbo's tree stands in ZooKeeper: `/dubbo`. */
  readonly root: string;
  /** What else the URL says behind `?`; its names were checked by registry-schemes.ts. */
  readonly query: Readonly<Record<string, string>>;
  readonly username: string;
  /** Read from a file or the environment; never printed. */
  readonly password: string;
  /** What of it is taken over, and how. */
  readonly shaping: ShapingConfig;
}

/** How a registry is reached: by its protocol, or (`embedded`) in this process, where it lives in memory alone. */
export type RegistryScheme = "zookeeper" | "nacos" | "eureka" | "kubernetes" | "file" | "memory" | "embedded";

/** The protocols that facades speak. */
export type FacadeScheme = "zookeeper" | "nacos" | "eureka";

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
  readonly scheme: FacadeScheme;
  readonly host: string;
  readonly port: number;
  /** Name of the registry behind it. */
  readonly registry: string;
  readonly take: { readonly services: readonly string[]; readonly applications: readonly string[] };
  /** Who is shown real addresses: services by name, clients by address, CIDR range or application; `*` for any run of characters. */
  readonly pass: { readonly services: readonly string[]; readonly clients: readonly string[] };
  /** CIDR ranges that may connect; empty for all. */
  readonly allow: readonly string[];
  /** Whether a led HTTP service's host is its name and not the proxy's address. No unless told. */
  readonly namesAsHosts?: boolean;
}

/** Ports from one to another, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The certificate authority of a mesh. */
export interface CaConfig {
  /** Folder with an authority's files under Istio's names, watched; undefined for a root of our own. */
  readonly certificates?: string;
  /** Kind of the keys that are made here. */
  readonly key: "ec" | "rsa";
  /** Of leaves: for those who ask for none, and the longest. */
  readonly validityMs: number;
  readonly maxValidityMs: number;
  /** How long a new root is handed out before it signs. */
  readonly overlapMs: number;
  /** File with serial numbers that are revoked, watched; undefined for none. */
  readonly revoked?: string;
  /** Where `istio.v1.auth.IstioCertificateService` is served; undefined for nowhere. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** DNS names and IP addresses in the certificate of that port. */
  readonly names: readonly string[];
  /** File with tokens of machines, watched; undefined for none. */
  readonly tokens?: string;
  /** Kubernetes' API reviews callers' tokens; undefined where it does not. */
  readonly kubernetes?: { readonly kubeconfig?: string; readonly audiences: readonly string[] };
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
    /** One port for all of them, where each request names its service by Host; undefined for none. */
    readonly httpPort?: number;
    /** Providers that it stands in front of. */
    readonly inbound: readonly InboundConfig[];
    /** What rules that select proxies know of it: labels, the service account that it runs under, and where it runs. */
    readonly labels: Readonly<Record<string, string>>;
    readonly serviceAccount: string;
    readonly locality?: Locality;
  };
  /** What holds for the mesh as a whole. */
  readonly mesh: MeshSettings;
  /** The certificate authority; undefined where there is none, and so no mTLS. */
  readonly ca?: CaConfig;
  readonly rules: readonly string[];
  /** Folder, or `kubernetes://` URL, with the certificates that rules name as `credentialName`; undefined for none. */
  readonly credentials?: string;
  /** `NAMESPACE/ACCOUNT` of those proxies elsewhere that may be given their keys. */
  readonly credentialReaders: readonly string[];
  /** Callers without a certificate that count as an identity. */
  readonly callers: readonly CallerConfig[];
  /** Metadata centres; of two that know one interface's types the first counts. */
  readonly metadata: readonly MetadataConfig[];
  /** Files and folders of .proto files and descriptor sets. */
  readonly protos: readonly string[];
  readonly outputs: readonly { readonly files: string }[];
  /** Where xDS is served, without TLS; undefined for nowhere. */
  readonly xds?: { readonly host: string; readonly port: number };
  /** How services are called. */
  readonly naming: NamingStyle;
  /** Where a proxy on a host of its own gets its configuration: `host:port` of xDS servers. */
  readonly control: { readonly servers: readonly string[]; readonly tls?: ControlTls };
  /** The folder that keeps what was last known; undefined for none. */
  readonly data?: string;
  readonly admin: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
}

/** A user, with his password or the registry that checks it. */
export interface CallerLogin {
  readonly username: string;
  readonly password?: string;
  readonly registry?: string;
}

/** Callers without a certificate that count as an identity. */
export interface CallerConfig {
  /** SPIFFE id. */
  readonly identity: string;
  readonly addresses: readonly string[];
  /** Undefined where nobody logs in for it. */
  readonly login?: CallerLogin;
}

/** How a proxy proves to control who it is, and checks it; all but `name` are paths of files. */
export interface ControlTls {
  readonly roots: string;
  readonly token?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name in control's certificate; undefined for that of its address. */
  readonly name?: string;
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
/** Where admin listens unless told, `host:port`: this machine alone, since it asks nobody who they are. */
export const DEFAULT_ADMIN = "127.0.0.1:15000";

/** Levels of `--log-level`, from all to nothing. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

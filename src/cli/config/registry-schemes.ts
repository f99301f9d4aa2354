import type { FacadeScheme, RegistryScheme } from "./config.ts";
import { EUREKA_QUERY, eurekaQueryFault } from "./eureka-query.ts";
import { NACOS_QUERY, nacosQueryFault } from "./nacos-query.ts";
import { KUBERNETES_QUERY, kubernetesQueryFault } from "./place-url.ts";
import { ZOOKEEPER_QUERY, zookeeperQueryFault } from "./zookeeper-query.ts";

/** What a registry's URL may say, by its scheme. */
export interface SchemeShape {
  /** Port of a host that names none, of registries and facades alike. */
  readonly port: number;
  /** Path of a URL that has none: `/nacos`, `/eureka`; `""` where there is none by default. */
  readonly path: string;
  /** Names that may stand behind `?`. */
  readonly query: readonly string[];
  /** What is wrong with the value of one of them; absent: any will do. */
  readonly fault?: (name: string, value: string) => string | undefined;
  /** Whether the URL names a place, `scheme://PATH`, and no hosts. */
  readonly isPlace?: true;
}

/** The registries that Trestle mirrors; the embedded one has no URL. */
export const REGISTRY_SCHEMES: Readonly<Partial<Record<RegistryScheme, SchemeShape>>> = {
  zookeeper: { port: 2_181, path: "", query: ZOOKEEPER_QUERY, fault: zookeeperQueryFault },
  nacos: { port: 8_848, path: "/nacos", query: NACOS_QUERY, fault: nacosQueryFault },
  eureka: { port: 8_761, path: "/eureka", query: EUREKA_QUERY, fault: eurekaQueryFault },
  kubernetes: { port: 0, path: "", query: KUBERNETES_QUERY, fault: kubernetesQueryFault, isPlace: true },
  file: { port: 0, path: "", query: [], isPlace: true },
  memory: { port: 0, path: "", query: [], isPlace: true },
};

/** The protocols that facades speak now. */
export const FACADE_SCHEMES: readonly FacadeScheme[] = ["zookeeper", "nacos", "eureka"];

/** Schemes that Trestle will speak, but does not yet. */
export const LATER_SCHEMES: readonly string[] = [];

/** The shape of a scheme's URLs; undefined for one that is not spoken. */
export function schemeShape(scheme: string): SchemeShape | undefined {
  return Object.hasOwn(REGISTRY_SCHEMES, scheme) ? REGISTRY_SCHEMES[scheme as RegistryScheme] : undefined;
}

/** Whether facades speak it. */
export function isFacadeScheme(scheme: string): scheme is FacadeScheme {
  return (FACADE_SCHEMES as readonly string[]).includes(scheme);
}

/** The facade that can stand before a registry: the embedded one speaks ZooKeeper's protocol. */
export function facadeSchemeOf(scheme: RegistryScheme): string {
  return scheme === "embedded" ? "zookeeper" : scheme;
}

import { steadyClock } from "../../../base/clock.ts";
import type { Finding } from "../../../model/entry.ts";
import type { Facade } from "../../../registry-sync/contracts.ts";
import type { Spacing } from "../../../registry-sync/present/spacing.ts";
import { parseAddress } from "../../config/address.ts";
import type { FacadeConfig, FacadeScheme } from "../../config/config.ts";
import type { OpenRegistry } from "../registries/open.ts";
import { openEurekaFacade } from "./eureka.ts";
import type { FacadeParts, OpenFacadeOf } from "./facade-parts.ts";
import { openNacosFacade } from "./nacos.ts";
import { openZookeeperFacade } from "./zookeeper.ts";

/** A facade that listens, with what it was configured from and what it found. */
export interface OpenFacade {
  readonly config: FacadeConfig;
  readonly facade: Facade;
  readonly findings: Map<string, Finding>;
  readonly spacing: Spacing;
}

const FACADES: Readonly<Partial<Record<FacadeScheme, OpenFacadeOf>>> = {
  zookeeper: openZookeeperFacade,
  nacos: openNacosFacade,
  eureka: openEurekaFacade,
};

/** Opens a configured facade before a registry. Rejects when the address cannot be listened on. */
export async function openFacade(
  config: FacadeConfig,
  { config: registry, hosts }: OpenRegistry,
  parts: Pick<FacadeParts, "context" | "log" | "onRemoval" | "onLogin" | "isVouched"> & { readonly spacing: Spacing },
): Promise<OpenFacade> {
  const { spacing, ...given } = parts;
  const findings = new Map<string, Finding>();
  const facade = await FACADES[config.scheme]!({
    ...given,
    clock: steadyClock,
    config,
    registry,
    upstream: hosts.map((text) => parseAddress(text)!),
    onFinding: (finding) => findings.set(`${finding.code} ${finding.at}`, finding),
  });
  return { config, facade, findings, spacing };
}

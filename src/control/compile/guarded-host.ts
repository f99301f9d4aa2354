import type { AuthzConfigs } from "../../codecs/xds/authz.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import { type VirtualHost, virtualHostName } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import { contentVersion } from "../../model/snapshot.ts";
import type { EntryIndex, RuleIndex } from "../rules/hosts.ts";
import type { ClusterNeed } from "./clusters.ts";
import { compileLimits, withLimits } from "./rate-limits.ts";
import { DUBBO_ROUTES } from "./routes.ts";

/** A virtual host with who may call it and how often, as the resource that it is. */
export interface GuardedHost {
  readonly resource: NamedResource<VirtualHost>;
  /** The service that is asked about limits, by its cluster, and the host under which the rule names it. */
  readonly need: ClusterNeed | undefined;
  readonly asks: string | undefined;
}

interface Made {
  readonly policies: AuthzConfigs | undefined;
  readonly limits: string;
  readonly resource: NamedResource<VirtualHost>;
}

const made = new WeakMap<VirtualHost, Made>();

/** Puts policies and limits on a virtual host; while these stay, the same gives the same, whoever asks. */
export function guardedHost(
  entry: Entry,
  virtualHost: VirtualHost,
  policies: AuthzConfigs | undefined,
  rules: RuleIndex,
  index: EntryIndex,
): GuardedHost {
  const limiting = rules.limits.find(entry);
  const limits = limiting && compileLimits(entry, limiting, index);
  const text = limits === undefined ? "" : JSON.stringify([limits.typedPerFilterConfig, limits.rateLimits]);
  const need = limits?.need;
  const asks = limiting?.globalRateLimit?.service.toLowerCase();
  const known = made.get(virtualHost);
  if (known !== undefined && known.policies === policies && known.limits === text)
    return { resource: known.resource, need, asks };
  const open = policies === undefined ? virtualHost : { ...virtualHost, typedPerFilterConfig: policies };
  const guarded = limits === undefined ? open : withLimits(open, limits);
  const name = virtualHostName(DUBBO_ROUTES, entry.host);
  const resource = { name, version: contentVersion(guarded), resource: guarded };
  made.set(virtualHost, { policies, limits: text, resource });
  return { resource, need, asks };
}

/** What Dubbo registers under a service's name. */
export interface DubboServiceName {
  readonly category: "providers" | "consumers";
  readonly interfaceName: string;
  /** `""` where the name says none; so is the group. */
  readonly version: string;
  readonly group: string;
}

const NAME = /^(providers|consumers|configurators|routers):([^:]+)(?::([^:]*))?(?::(.*))?$/s;

/**
 * Reads the name of a service as Dubbo's interface level writes it: `providers:{interface}:{version}:{group}`, in older releases without
 * the colons of what is empty. `other` for what Dubbo writes beside that (configurators and routers have no instances that count);
 * undefined for a name that is somebody else's: an application's. Reference: apache/dubbo 3.3 NacosServiceName.
 */
export function parseServiceName(name: string): DubboServiceName | "other" | undefined {
  const [, category, interfaceName = "", version = "", group = ""] = NAME.exec(name) ?? [];
  if (category === undefined) return undefined;
  return category === "providers" || category === "consumers" ? { category, interfaceName, version, group } : "other";
}

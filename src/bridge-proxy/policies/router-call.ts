import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { ValueOf } from "../../codecs/xds/routing.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";

/** What Dubbo takes for a value that an expression does not find. */
const NOT_FOUND = "dubbo_internal_not_found_argument_condition_value";

/** What is known of a call when its endpoint is chosen. */
export interface RoutedCall {
  readonly route: Pick<CompiledRoute, "targets">;
  readonly decision: HostDecision;
  readonly header: HeaderLookup;
  /** The caller's. */
  readonly address: string;
  readonly config: Pick<RuntimeConfig, "callerOf">;
}

/**
 * What routers of the registry ask of a call, read now: its bytes may be gone when it is needed. Undefined where no destination of the route has such
 * routers. Throws `ProtocolError` where the call cannot be read that far.
 */
export function routedCall(call: RoutedCall): ValueOf | undefined {
  let values: Map<string, string | undefined> | undefined;
  for (const { cluster } of call.route.targets) {
    if (cluster.callKeys === undefined) continue;
    values ??= new Map();
    for (const key of cluster.callKeys) {
      if (!values.has(key)) values.set(key, valueFrom(key, call));
    }
  }
  return values && ((key) => values.get(key));
}

/** Whether routers of a route's destinations ask for arguments. */
export function asksArguments({ targets }: Pick<CompiledRoute, "targets">): boolean {
  return targets.some(({ cluster }) => cluster.callKeys?.some((key) => key.startsWith("arguments")) === true);
}

function valueFrom(key: string, { decision, header, address, config }: RoutedCall): string | undefined {
  switch (key) {
    case "method":
    case "methods":
      return decision.method;
    case "host":
    case "address":
      return address;
    case "application":
      return header("dubbo-application");
    case "protocol":
      return "consumer";
    case "interface":
    case "path":
      return decision.host.key.interface;
  }
  // Dubbo looks at what stands before the first dot.
  const [name = ""] = key.split(".");
  if (name.startsWith("arguments")) {
    const index = /arguments\[(\d+)\]/.exec(name)?.[1];
    return index === undefined ? NOT_FOUND : (header(`dubbo-arg-${index}`) ?? "null");
  }
  if (name.startsWith("attachments")) {
    const attachment = /attachments\[(.+)\]/.exec(name)?.[1];
    return attachment === undefined ? NOT_FOUND : header(attachment);
  }
  return config.callerOf(address, decision.host.key)?.[key];
}

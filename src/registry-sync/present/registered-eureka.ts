import type { RawInstance } from "../../codecs/eureka/document.ts";
import { readEurekaInstance } from "../../codecs/eureka/instance.ts";
import { isObject } from "../../codecs/eureka/json.ts";
import { serviceNamesOf } from "../../codecs/eureka/services.ts";
import { serviceKey } from "../../model/service.ts";
import { agreedPages } from "./eureka-instance.ts";
import { type RegisteringContext, standInMetadata, standInOf } from "./registering.ts";

/**
 * What an instance is at a Eureka server: at the proxy that stands in front of it, where there is one, under the id that it gave itself. The
 * instance itself, the same object, for all others, and for one that takes no calls in plain HTTP.
 */
export function registeredEureka(raw: RawInstance, app: string, context: RegisteringContext): RawInstance {
  const read = context.inbound.length === 0 ? undefined : readEurekaInstance(raw, app);
  if (read?.isPortEnabled !== true) return raw;
  const { ipAddr, hostName, port } = read;
  const place = standInOf(
    {
      places: [
        { host: ipAddr, port },
        { host: hostName, port },
      ],
      protocols: ["http"],
      service: serviceKey(serviceNamesOf(read)[0] ?? app.toLowerCase()),
      application: app,
    },
    context,
  );
  if (place === undefined) return raw;
  const { listen } = place;
  const metadata = isObject(raw["metadata"]) ? raw["metadata"] : {};
  return {
    ...raw,
    // Servers name an instance by its host that says no id.
    instanceId: read.id,
    hostName: listen.host,
    ipAddr: listen.host,
    port: { $: listen.port, "@enabled": "true" },
    // The proxy takes no TLS but the mesh's.
    ...(read.isSecurePortEnabled && { securePort: { $: 443, "@enabled": "false" } }),
    ...agreedPages([{ read, raw }], { hostName: listen.host, port: listen.port }),
    metadata: {
      ...standInMetadata(metadata, place),
      ...(read.metadata["management.port"] === `${port}` && { "management.port": `${listen.port}` }),
    },
  };
}

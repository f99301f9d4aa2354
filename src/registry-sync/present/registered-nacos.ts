import { flagOf, type NacosBody, recordOf, textOf, wholeOf } from "../../codecs/nacos/body.ts";
import type { ServiceAddress } from "../../codecs/nacos/messages.ts";
import type { Place } from "../../model/inbound.ts";
import { serviceKey } from "../../model/service.ts";
import { springServiceKey } from "./nacos.ts";
import { isDubboApplication, parseDubboServiceName } from "./nacos-urls.ts";
import { type Registered, type RegisteringContext, standInMetadata, standInOf } from "./registering.ts";

/**
 * What an instance is at a Nacos server: at the proxy that stands in front of it, where there is one. The instance itself, the same object, for
 * all others, and for persistent ones: these outlive the client, and the proxy with it.
 */
export function registeredNacos(instance: NacosBody, service: ServiceAddress, context: RegisteringContext): NacosBody {
  if (context.inbound.length === 0 || !flagOf(instance, "ephemeral", true)) return instance;
  const at = { host: textOf(instance, "ip").trim(), port: wholeOf(instance, "port", 0) };
  const registered = registeredAs(instance, service, at);
  const place = registered && standInOf(registered, context);
  if (place === undefined) return instance;
  // As at the other registries: consumers take an application's ports from its revision, which is not changed.
  if (isDubboApplication(instance) && place.listen.port !== at.port) return instance;
  const { host: ip, port } = place.listen;
  const id = textOf(instance, "instanceId");
  const own = `${at.host}#${at.port}#`;
  return {
    ...instance,
    ip,
    port,
    ...(id.startsWith(own) && { instanceId: `${ip}#${port}#${id.slice(own.length)}` }),
    metadata: standInMetadata(recordOf(instance, "metadata") ?? {}, place),
  };
}

/** What a registration says of itself; undefined for what is no provider's. Without metadata it may speak anything. */
function registeredAs(
  instance: NacosBody,
  { groupName, serviceName }: ServiceAddress,
  at: Place,
): Registered | undefined {
  const metadata = recordOf(instance, "metadata");
  const dubbo = parseDubboServiceName(serviceName);
  const places = [at];
  if (dubbo === undefined) {
    const isDubbo = isDubboApplication(instance);
    const protocols = metadata === undefined ? ["http", "dubbo", "tri"] : isDubbo ? ["dubbo", "tri"] : ["http"];
    return { places, protocols, service: springServiceKey(groupName, serviceName), application: serviceName };
  }
  if (dubbo.category !== "providers") return undefined;
  return {
    places,
    protocols: metadata === undefined ? ["dubbo", "tri"] : [textOf(metadata, "protocol", "dubbo")],
    service: serviceKey(dubbo.interfaceName, dubbo.group, dubbo.version),
    application: textOf(metadata ?? {}, "application"),
  };
}

import { isRecord } from "../../codecs/nacos/body.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../model/service.ts";
import { type DubboUrl, param, parseNodeName, printNodeName } from "../dubbo/url.ts";
import { CARRIED, type PresentContext } from "./context.ts";
import { parseDubboServiceName, urlOfHost } from "./nacos-urls.ts";
import { TAG } from "./tags.ts";

/** What of a list of Dubbo's providers a context may be asked about. */
export interface ProvidersAsked {
  readonly interfaceName: string;
  /** Each once. */
  readonly services: readonly {
    readonly service: ServiceKey;
    readonly application: string;
    readonly protocol: string;
  }[];
  /** Every provider, with as much of its URL as tells its tag. */
  readonly providers: readonly { readonly service: ServiceKey; readonly url: DubboUrl }[];
}

/** Reads it from a Nacos service's hosts; undefined for a service that is none of Dubbo's providers. */
export function readProvidersAsked(serviceName: string, hosts: readonly unknown[]): ProvidersAsked | undefined {
  const name = parseDubboServiceName(serviceName);
  if (name?.category !== "providers") return undefined;
  const { interfaceName } = name;
  const services = new Map<string, ProvidersAsked["services"][number]>();
  const providers: ProvidersAsked["providers"][number][] = [];
  for (const host of hosts) {
    const registered = isRecord(host) ? urlOfHost(host) : undefined;
    const reading = registered && parseNodeName(printNodeName(registered));
    if (reading?.type !== "url") continue;
    const { url } = reading;
    const service = serviceKey(interfaceName, param(url, "group"), param(url, "version"));
    const application = param(url, "application");
    services.set(`${printServiceKey(service)} ${url.protocol} ${application}`, {
      service,
      application,
      protocol: url.protocol,
    });
    providers.push({ service, url: { ...url, params: paramsOf(url, "timestamp", TAG) } });
  }
  return { interfaceName, services: [...services.values()], providers };
}

/**
 * All that a context says about a list of providers: where two contexts give equal texts the list is shown alike. Undefined where it
 * may be shown with what other registries or rules hold. Far less work than showing it.
 */
export function basisOf(
  { interfaceName, services, providers }: ProvidersAsked,
  context: PresentContext,
): string | undefined {
  if (context.elsewhereOf(interfaceName).length > 0 || context.ruledOf(interfaceName).length > 0) return undefined;
  const protocols = new Set([...CARRIED, ...services.map(({ protocol }) => protocol)]);
  return JSON.stringify([
    Array.from(protocols, (protocol) => context.addressesOf(protocol) ?? null),
    context.knowsMessages(interfaceName),
    services.map((one) => context.notLed(one.service, one.application, one.protocol) ?? null),
    providers.map(({ service, url }) => context.tagOf(service, url)),
  ]);
}

function paramsOf({ params }: DubboUrl, ...keys: readonly string[]): DubboUrl["params"] {
  return Object.fromEntries(keys.flatMap((key) => (params[key] === undefined ? [] : [[key, params[key]]])));
}

import type { Entry, Finding } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import { passedServices } from "../../registry-sync/findings.ts";
import { createPresentContext } from "../../registry-sync/present/context.ts";
import { providingOf } from "../../registry-sync/present/providing.ts";
import type { FacadeConfig } from "../config/config.ts";

/** Stands for a proxy in service: what is asked here is what would be led through one. */
const SOME_PROXY = ["proxy:1"];

/**
 * The services that no facade leads through the proxy, although it carries their protocol: printed key to why. Such are those of
 * which no provider is taken by a facade's `take`, and those that a finding lets pass. Without facades nothing is shown, and so
 * nothing is kept from anybody.
 */
export function servicesNotLed(
  entries: readonly Entry[],
  facades: readonly Pick<FacadeConfig, "registry" | "take" | "pass">[],
  findings: readonly Finding[],
  protocols: readonly string[],
): ReadonlyMap<string, string> {
  const notLed = new Map<string, string>();
  if (facades.length === 0) return notLed;
  const unruled = passedServices(findings);
  const contexts = facades.map(({ registry, take, pass }) => ({
    registry,
    context: createPresentContext({
      addresses: SOME_PROXY,
      triAddresses: SOME_PROXY,
      httpAddresses: { get: () => SOME_PROXY[0] },
      take,
      pass: pass.services,
      unruled,
    }),
  }));
  for (const entry of entries) {
    const { service } = entry;
    let reason: string | undefined;
    const isLed = providingOf(entry)
      .by.filter(({ protocol }) => protocols.includes(protocol))
      .some(({ origin, protocol, application }) =>
        contexts.some(({ registry, context }) => {
          if (registry !== origin) return false;
          const why =
            protocol === "http" ? context.notLedHttp(service) : context.notLed(service, application, protocol);
          reason ??= why?.reason;
          return why === undefined;
        }),
      );
    if (!isLed && reason !== undefined) notLed.set(printServiceKey(service), reason);
  }
  return notLed;
}

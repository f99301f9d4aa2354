import { TRESTLE_METADATA } from "../../../codecs/xds/core.ts";
import type { Finding } from "../../../model/entry.ts";
import type { DubboShortcoming } from "./dubbo-routes.ts";

/** A finding of what a stock Envoy's Dubbo filter cannot do for the calls of a service; its place is the rule's, where one asked for it. */
export function shortcomingFinding(host: string, { code, text, route }: DubboShortcoming): Finding {
  const { rule, file, line } = route?.metadata?.filterMetadata[TRESTLE_METADATA] ?? {};
  const what = route === undefined ? `service ${host}` : `route ${route.name ?? rule ?? "default"} of ${host}`;
  return {
    code,
    severity: "warning",
    message: `${what} in a stock Envoy: ${text}; a Trestle proxy does it`,
    at: file === undefined ? host : `${file}:${line ?? 1}:1`,
  };
}

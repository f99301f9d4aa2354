import type { RouterStep } from "../../../model/routing.ts";
import { type DubboUrl, decodedParam, param } from "../url.ts";
import { readCondition } from "./condition.ts";

/** A node of an interface's `routers`, read. */
export type LegacyRouter =
  | { readonly type: "step"; readonly step: RouterStep }
  /** It is no condition, or one that Dubbo does not take up. */
  | { readonly type: "left"; readonly why: string }
  | { readonly type: "off" };

/**
 * Reads a `condition://` URL, or a `route://` one that says `router=condition`, as 2.6 and 2.7 take it up. Such routers are tried in order of
 * {@link legacyRank}. Never throws. Reference: RegistryDirectory.toRouters, ConditionRouter of apache/dubbo 2.6.
 */
export function readLegacyRouter(url: DubboUrl, place: string): LegacyRouter {
  const kind = param(url, "router") === "" ? url.protocol : param(url, "router");
  if (param(url, "enabled") === "false") return { type: "off" };
  if (kind !== "condition") return { type: "left", why: `is a ${kind.slice(0, 40)} router` };
  const read = readCondition(decodedParam(url, "rule"));
  if (typeof read === "string") return { type: "left", why: `has ${read}` };
  return { type: "step", step: { rule: place, force: param(url, "force") === "true", ...read, old: true } };
}

/** Orders routers: those of a lower priority first. */
export function legacyRank(url: DubboUrl): number {
  return Number.parseInt(param(url, "priority"), 10) || 0;
}

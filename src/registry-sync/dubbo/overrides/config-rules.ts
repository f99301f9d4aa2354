import type { ServiceKey } from "../../../model/service.ts";
import { type DynamicConfig, readDynamicConfig } from "./dynamic-config.ts";
import { readTagRule, type TagRule } from "./tag-rules.ts";

/** The kinds of rule in Dubbo's config centre that change which provider a call reaches, by the ending of their key. */
const ROUTER_KINDS = ["condition-router", "tag-router", "script-router", "MESHAPPRULE"] as const;
const CONFIGURATORS = "configurators";
const TAGS = "tag-router";

/** A rule of the config centre that is in force. */
export type ConfigRule = RouterRule | TagsRule | ConfiguratorsRule;

interface RuleName {
  readonly key: string;
  /** What stands before the kind: an application, or a service in one of Dubbo's two ways of writing it. */
  readonly stem: string;
}

/** A rule that chooses among providers; its text is not read. */
export interface RouterRule extends RuleName {
  readonly type: "router";
}

/** A tag rule that can be applied in the consumers' place. */
export interface TagsRule extends RuleName, TagRule {
  readonly type: "tags";
}

/** Dynamic configuration. */
export interface ConfiguratorsRule extends RuleName, DynamicConfig {
  readonly type: "configurators";
}

/**
 * Reads a key of `/dubbo/config/dubbo` with its text; undefined where it is no routing or override rule, is empty, or
 * says `enabled: false` at its top. Of routers only a tag rule's text is read further: one that cannot be counts as being in force.
 */
export function readConfigRule(key: string, text: string): ConfigRule | undefined {
  if (text.trim() === "" || /^enabled\s*:\s*["']?false\b/m.test(text)) return undefined;
  const split = splitKey(key);
  if (split?.kind === CONFIGURATORS) {
    return { key, stem: split.stem, type: "configurators", ...readDynamicConfig(text) };
  }
  const stem = routerStem(key);
  if (stem === undefined) return undefined;
  const tags = split?.kind === TAGS ? readTagRule(text) : undefined;
  return tags === undefined ? { key, stem, type: "router" } : { key, stem, type: "tags", ...tags };
}

/** The stem of a router's key, whatever its text says; undefined for keys of another kind. */
export function routerStem(key: string): string | undefined {
  const split = splitKey(key);
  return ROUTER_KINDS.some((kind) => kind === split?.kind) ? split?.stem : undefined;
}

function splitKey(key: string): { readonly stem: string; readonly kind: string } | undefined {
  const dot = key.lastIndexOf(".");
  return dot > 0 ? { stem: key.slice(0, dot), kind: key.slice(dot + 1) } : undefined;
}

/** The interface that a stem names if it is a service: `interface:version:group` (2.7.5 and later) or `group*interface:version`. */
export function interfaceOfStem(stem: string): string {
  const rest = stem.slice(stem.indexOf("*") + 1);
  const colon = rest.indexOf(":");
  return colon < 0 ? rest : rest.slice(0, colon);
}

/** Every stem by which a rule can name a service. */
export function stemsOfService(key: ServiceKey): readonly string[] {
  const versions = key.version === "" ? ["", "0.0.0"] : [key.version];
  const stems = versions.flatMap((version) => [
    `${key.interface}:${version}:${key.group}`,
    `${key.group === "" ? "" : `${key.group}*`}${key.interface}${version === "" ? "" : `:${version}`}`,
  ]);
  return [...new Set(stems)];
}

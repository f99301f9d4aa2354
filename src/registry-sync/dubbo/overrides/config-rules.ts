import type { RouterStep } from "../../../model/routing.ts";
import type { ServiceKey } from "../../../model/service.ts";
import { type ConditionRule, readConditionRule } from "../routers/condition-rule.ts";
import { readRuleText } from "../rule-text.ts";
import { type DynamicConfig, readDynamicConfig } from "./dynamic-config.ts";
import { readTagRule, type TagRule, type TagRuleReading } from "./tag-rules.ts";

/** The kinds of rule in Dubbo's config centre that change which provider a call reaches, by the ending of their key. */
const ROUTER_KINDS = ["condition-router", "tag-router", "script-router", "affinity-router", "MESHAPPRULE"] as const;
const CONFIGURATORS = "configurators";
const TAGS = "tag-router";
const CONDITIONS = "condition-router";

/** A rule of the config centre that is in force. */
export type ConfigRule = RouterRule | TagsRule | ConditionsRule | ConfiguratorsRule | BrokenRule;

interface RuleName {
  readonly key: string;
  /** What stands before the kind: an application, or a service in one of Dubbo's two ways of writing it. */
  readonly stem: string;
  /** A newer text cannot be read, for this reason: this is the last one that could. */
  readonly fault?: string;
}

/** A rule that chooses among providers, and is not applied. */
export interface RouterRule extends RuleName {
  readonly type: "router";
  /** Why it is not. */
  readonly why: string;
}

/** A tag rule that is applied in the consumers' place. */
export interface TagsRule extends RuleName, TagRule {
  readonly type: "tags";
}

/** A condition rule that is applied in the consumers' place. */
export interface ConditionsRule extends RuleName {
  readonly type: "conditions";
  readonly steps: readonly RouterStep[];
  /** What lines of Dubbo read differently in it; undefined for nothing. */
  readonly differs: string | undefined;
}

/** Dynamic configuration. */
export interface ConfiguratorsRule extends RuleName, DynamicConfig {
  readonly type: "configurators";
}

/** A text that nobody can read, with none before it: no line of Dubbo does anything then. */
export interface BrokenRule extends RuleName {
  readonly type: "broken";
  readonly fault: string;
}

/**
 * Reads a key of `/dubbo/config/dubbo` with its text; undefined where it is no routing or override rule, is empty, or
 * says `enabled: false` at its top. A text that cannot be read leaves `before` in force, the rule that was read of this key last, as Dubbo
 * does it. Never throws.
 */
export function readConfigRule(key: string, text: string, before?: ConfigRule): ConfigRule | undefined {
  const split = splitKey(key);
  const isRouter = ROUTER_KINDS.some((kind) => kind === split?.kind);
  if (split === undefined || (!isRouter && split.kind !== CONFIGURATORS)) return undefined;
  if (text.trim() === "" || /^enabled\s*:\s*["']?false\b/m.test(text)) return undefined;
  const name = { key, stem: split.stem };
  const read = readKind(split.kind, `/dubbo/config/dubbo/${key}`, text);
  if (read === undefined) return undefined;
  if (read.type === "left") return { ...name, type: "router", why: read.why };
  if (read.type !== "broken") return { ...name, ...read };
  const fault = read.why;
  return before === undefined || before.type === "broken" ? { ...name, type: "broken", fault } : { ...before, fault };
}

type KindReading = ConditionRule | TagRuleReading | ({ readonly type: "configurators" } & DynamicConfig);

function readKind(kind: string, place: string, text: string): KindReading | undefined {
  switch (kind) {
    case CONFIGURATORS: {
      // A list of URLs, Dubbo's other form, is told of as what is not applied.
      const fault = text.trimStart().startsWith("[") ? undefined : readRuleText(text);
      if (typeof fault === "string") return { type: "broken", why: fault };
      return { type: "configurators", ...readDynamicConfig(text) };
    }
    case CONDITIONS:
      return readConditionRule(place, text);
    case TAGS:
      return readTagRule(text);
    default:
      return { type: "left", why: CURES[kind] ?? "it is of a kind that is not read" };
  }
}

/** What to write in place of rules that are not applied. */
const CURES: Readonly<Record<string, string>> = {
  "script-router": "scripts of a registry are not run; write what it decides as conditions or as a VirtualService",
  "affinity-router":
    "affinity is not applied; write localityLbSetting.failoverPriority with its key in a DestinationRule with outlierDetection",
  MESHAPPRULE:
    "Dubbo's own mesh rules are not read; write them as VirtualService and DestinationRule of networking.istio.io: routedetail as http, name_match as method, attachments as headers",
};

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

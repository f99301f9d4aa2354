import type { Consumer } from "../../../model/entry.ts";
import type { RouterStep, RouterTags, Routing } from "../../../model/routing.ts";
import type { ServiceKey } from "../../../model/service.ts";
import type { RegistryFindingCode } from "../../findings.ts";
import { compareText } from "../endpoint.ts";
import { applicationsOf, type Offer, type Service } from "../interface-parts.ts";
import { matchesGroup, matchesVersion } from "../match.ts";
import { type ConfigRule, stemsOfService, type TagsRule } from "../overrides/config-rules.ts";
import { compileOverride, isForService } from "../overrides/overrides.ts";
import { type DubboUrl, param, printDubboUrl } from "../url.ts";
import { legacyRank, readLegacyRouter } from "./legacy-router.ts";

/** What routers and dynamic configuration make of one service. */
export interface ServiceRouters {
  /** Undefined where they say nothing that is applied. */
  readonly routing: Routing | undefined;
  readonly findings: readonly { readonly code: RegistryFindingCode; readonly message: string; readonly at: string }[];
}

/** What stands in a registry beside the providers of an interface. */
export interface RouterWorld {
  readonly consumers: readonly Consumer[];
  /** The URLs of its `routers`. */
  readonly routers: readonly DubboUrl[];
  /** The rules of the config centre that are in force for a stem. */
  rulesOf(stem: string): readonly ConfigRule[];
}

/** Steps of all rules of one service, the most: each is looked at for each call. */
const MAX_STEPS = 512;

/**
 * Works out the routers of a service in the order in which Dubbo 3 has them: legacy ones, those of the service, of the application that provides it, of
 * applications that consume it. Where one of them cannot be applied, none is: the service is not led through the proxy then (TR0130, TR0131).
 */
export function routersOf({ key, service, offers }: Service, world: RouterWorld): ServiceRouters {
  const findings: { code: RegistryFindingCode; message: string; at: string }[] = [];
  const tell = (code: RegistryFindingCode, message: string, at = key) => findings.push({ code, message, at });
  const legacy = legacySteps(service, offers, world.routers);
  for (const why of legacy.left)
    tell("TR0130", `${key} is under a router that ${why}; remove it or write it as a rule of Trestle`);
  const steps: RouterStep[] = [...legacy.steps];
  const providers = applicationsOf(offers.map(({ url }) => param(url, "application")));
  const isShared = new Set(offers.map(({ url }) => param(url, "application"))).size > 1;
  let tags: RouterTags | undefined;
  for (const { rule, role } of rulesFor(service, providers, world)) {
    const at = `/dubbo/config/dubbo/${rule.key}`;
    if (rule.fault !== undefined) {
      const stays = rule.type === "broken" ? "nothing of it is in force" : "what it said before stays in force";
      tell("TR0136", `${rule.key} cannot be read: ${rule.fault}; ${stays}`, at);
    }
    if (rule.type === "router") {
      tell("TR0131", `${key} is under ${rule.key}: ${rule.why}`);
    } else if (rule.type === "tags") {
      const why = whyNotApplied(rule, offers);
      if (why !== undefined) tell("TR0131", `${key} is under ${rule.key}: ${why}; write it as a rule of Trestle`);
      else tags = { rule: at, names: rule.names, force: rule.force };
    } else if (rule.type === "conditions") {
      if (role === "provider" && isShared)
        tell("TR0131", `${key} is under ${rule.key}: other applications provide it too; write it as a rule of Trestle`);
      if (rule.differs !== undefined) tell("TR0137", `${rule.key}: ${rule.differs}; the proxy does as 3.3 does`, at);
      for (const step of rule.steps) steps.push(role === "consumer" ? { ...step, application: rule.stem } : step);
    } else if (rule.type === "configurators" && rule.rest.length > 0) {
      tell(
        "TR0135",
        `${rule.key} for ${key} has ${rule.rest.join(", ")}, which nobody applies behind the proxy; write it as a DestinationRule or VirtualService`,
      );
    }
  }
  if (steps.length > MAX_STEPS) tell("TR0131", `${key} is under ${steps.length} conditions, over ${MAX_STEPS}`);
  const isLeft = findings.some(({ code }) => code === "TR0130" || code === "TR0131");
  return { routing: isLeft ? undefined : routingOf(steps, tags), findings };
}

function routingOf(steps: readonly RouterStep[], tags: RouterTags | undefined): Routing | undefined {
  if (steps.length === 0 && tags === undefined) return undefined;
  return Object.freeze({ steps, ...(tags !== undefined && { tags }) });
}

function legacySteps(
  service: ServiceKey,
  offers: readonly Offer[],
  routers: readonly DubboUrl[],
): { readonly steps: readonly RouterStep[]; readonly left: readonly string[] } {
  const some = offers[0]!.url;
  const meant = routers.filter((url) => isForService(compileOverride(url), some));
  const sorted = [...meant].sort(
    (a, b) => legacyRank(a) - legacyRank(b) || compareText(printDubboUrl(a), printDubboUrl(b)),
  );
  const read = sorted.map((url) => readLegacyRouter(url, `/dubbo/${service.interface}/routers`));
  return {
    steps: read.flatMap((one) => (one.type === "step" ? [one.step] : [])),
    left: [...new Set(read.flatMap((one) => (one.type === "left" ? [one.why] : [])))],
  };
}

interface MeantRule {
  readonly rule: ConfigRule;
  /** By whose name it is for the service. */
  readonly role: "service" | "provider" | "consumer";
}

/** Rules that name the service, an application that provides it, or (conditions) one that consumes it; each once. */
function rulesFor(
  service: ServiceKey,
  providers: ReadonlySet<string>,
  { consumers, rulesOf }: RouterWorld,
): readonly MeantRule[] {
  const rules = new Map<string, MeantRule>();
  const take = (stem: string, role: MeantRule["role"]) => {
    for (const rule of rulesOf(stem)) {
      const isWanted = role !== "consumer" || rule.key.endsWith(".condition-router");
      if (isWanted && !rules.has(rule.key)) rules.set(rule.key, { rule, role });
    }
  };
  for (const stem of stemsOfService(service)) take(stem, "service");
  for (const application of [...providers].sort()) take(application, "provider");
  const asking = consumers.filter(
    ({ service: wanted }) =>
      matchesGroup(wanted.group, service.group) && matchesVersion(wanted.version, service.version),
  );
  for (const application of [...applicationsOf(asking.map((one) => one.application))].sort())
    take(application, "consumer");
  return [...rules.values()];
}

/** Why a tag rule cannot be applied; undefined where it says all about the tags of these. */
function whyNotApplied({ stem, tagsOf }: TagsRule, offers: readonly Offer[]): string | undefined {
  for (const { url } of offers) {
    if (param(url, "application") !== stem) return "other applications provide the service too";
    if (param(url, "dubbo.tag") !== "") return "its providers have tags of their own too";
    if (tagsOf(url).length > 1) return "a provider is in two of its tags";
  }
  return undefined;
}

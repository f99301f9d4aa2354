import type { Entry } from "../../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../../model/service.ts";
import { serviceKeyOf } from "../endpoint.ts";
import { type DubboUrl, param, printDubboUrl } from "../url.ts";
import { type ConfigRule, stemsOfService, type TagsRule } from "./config-rules.ts";
import { isForServiceKey } from "./dynamic-config.ts";
import { createOverrideSet, type OverrideSet } from "./overrides.ts";

/** Under an application's name, what is for consumers is for that application's. */
function isForProvider(override: DubboUrl, service: ServiceKey): boolean {
  return param(override, "side") !== "consumer" && isForServiceKey(override, service);
}

/** What the config centre's dynamic configuration, and its tag rules, set for the providers of one interface; for one build of it. */
export class DynamicOverrides {
  readonly #interface: string;
  readonly #rulesOf: (stem: string) => readonly ConfigRule[];
  readonly #sets = new Map<string, readonly OverrideSet[]>();

  /** `rulesOf` gives the rules in force for an application or a service. */
  constructor(interfaceName: string, rulesOf: (stem: string) => readonly ConfigRule[]) {
    this.#interface = interfaceName;
    this.#rulesOf = rulesOf;
  }

  /** The overrides that can reach a provider: its application's, then its service's, which win. */
  of(provider: DubboUrl): readonly OverrideSet[] {
    const service = serviceKeyOf(this.#interface, provider);
    const application = param(provider, "application");
    const id = `${application} ${printServiceKey(service)}`;
    let sets = this.#sets.get(id);
    if (sets === undefined) {
      const ofStem = (stem: string) => this.#configurators(stem).flatMap(({ overrides }) => overrides);
      const lists = [
        application === "" ? [] : ofStem(application).filter((override) => isForProvider(override, service)),
        stemsOfService(service).flatMap(ofStem),
      ];
      sets = lists.filter((list) => list.length > 0).map(createOverrideSet);
      this.#sets.set(id, sets);
    }
    return sets;
  }

  /** The tag rule for a provider, and which tag it gives it; undefined where there is none. */
  tagOf(provider: DubboUrl): string | undefined {
    const rule = this.#tags(param(provider, "application"));
    return rule?.tagsOf(provider)[0];
  }

  /** All that is set for these applications and entries, as one text: what was made with it holds while it stays the same. */
  textFor(applications: Iterable<string>, entries: readonly Entry[]): string {
    const stems = [...applications].sort().concat(entries.flatMap(({ service }) => stemsOfService(service)));
    return stems
      .flatMap((stem) => [
        ...this.#configurators(stem).flatMap(({ key, overrides }) => [key, ...overrides.map(printDubboUrl)]),
        this.#tags(stem)?.text ?? "",
      ])
      .join("\n");
  }

  #configurators(stem: string) {
    return this.#rulesOf(stem).filter((rule) => rule.type === "configurators");
  }

  #tags(application: string): TagsRule | undefined {
    return application === "" ? undefined : this.#rulesOf(application).find((rule) => rule.type === "tags");
  }
}

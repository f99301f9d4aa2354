/** One thing that a router of Dubbo asks of a call or of a provider: its value under `key` has to be one of `is` and none of `not`. */
export interface RouterTest {
  readonly key: string;
  /** Patterns; absent for none. */
  readonly is?: readonly string[];
  readonly not?: readonly string[];
}

/** Providers that a step of a router leads to. */
export interface RouterTarget {
  /** All must hold; none takes every provider. */
  readonly match: readonly RouterTest[];
  /** Its share among the step's targets that have a provider. */
  readonly weight: number;
}

/** One condition of a router: of the calls that meet `when`, which providers are left. */
export interface RouterStep {
  /** The rule's place in the registry, for people. */
  readonly rule: string;
  /** The condition as it is written, cut where it is long. */
  readonly text: string;
  /** Holds for calls of this application alone; absent for all. */
  readonly application?: string;
  /** Where no target has a provider there is none; else the step changes nothing then. */
  readonly force: boolean;
  /** All must hold; none takes every call. */
  readonly when: readonly RouterTest[];
  /** None: no provider is left, forced or not. */
  readonly to: readonly RouterTarget[];
  /** Read as Dubbo 2.x reads it: no ranges, and what is not there is none of `not`. */
  readonly old?: true;
}

/** What the routers in a registry say of the providers of one service. */
export interface Routing {
  /** Taken one after the other, each on what the one before left. */
  readonly steps: readonly RouterStep[];
  /** The tag rule in force, whose tags the providers have; absent for none. */
  readonly tags?: RouterTags;
}

/** A tag rule, as far as calls are served by it. */
export interface RouterTags {
  /** The rule's place in the registry, for people. */
  readonly rule: string;
  /** Tags that count as set, though no provider may have them. */
  readonly names: readonly string[];
  /** A call for one of `names` that nobody has is served by nobody; else by those without a tag. */
  readonly force: boolean;
}

/** What the steps ask of calls: keys of their tests, and those that `$key` in their targets refers to. Sorted, each once. */
export function callKeys({ steps }: Pick<Routing, "steps">): readonly string[] {
  const keys = new Set<string>();
  for (const step of steps) {
    if (step.application !== undefined) keys.add("application");
    for (const { key } of step.when) keys.add(key);
    for (const key of references(step)) keys.add(key);
  }
  return [...keys].sort();
}

/** What the steps ask of providers. Sorted, each once. */
export function providerKeys({ steps }: Pick<Routing, "steps">): readonly string[] {
  return [...new Set(steps.flatMap(({ to }) => to.flatMap(({ match }) => match.map(({ key }) => key))))].sort();
}

/** The keys of the caller that a step's targets refer to by `$key`. */
export function references({ to }: Pick<RouterStep, "to">): readonly string[] {
  const found = new Set<string>();
  for (const { match } of to)
    for (const { is = [], not = [] } of match)
      for (const pattern of [...is, ...not]) if (pattern.startsWith("$")) found.add(pattern.slice(1));
  return [...found];
}

/** Whether a value that was kept elsewhere has a routing's shape. */
export function isRouting(value: unknown): value is Routing {
  if (!isRecord(value) || !Array.isArray(value["steps"])) return false;
  const tags = value["tags"];
  const isTags = tags === undefined || (isRecord(tags) && isTexts(tags["names"]) && typeof tags["force"] === "boolean");
  return isTags && value["steps"].every(isStep);
}

function isStep(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { rule, text, application = "", force, when, to } = value;
  if (![rule, text, application].every((one) => typeof one === "string") || typeof force !== "boolean") return false;
  const isTarget = (one: unknown) => isRecord(one) && typeof one["weight"] === "number" && isTests(one["match"]);
  return isTests(when) && Array.isArray(to) && to.every(isTarget);
}

function isTests(value: unknown): boolean {
  const isTest = (one: unknown) =>
    isRecord(one) && typeof one["key"] === "string" && isTexts(one["is"] ?? []) && isTexts(one["not"] ?? []);
  return Array.isArray(value) && value.every(isTest);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

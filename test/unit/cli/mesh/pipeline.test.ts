import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { createCompiler } from "../../../../src/control/compile/compiler.ts";
import { checkConsistent } from "../../../../src/control/compile/consistent.ts";
import { diffResources } from "../../../../src/control/compile/diff.ts";
import { createControlStore } from "../../../../src/control/store.ts";
import type { Endpoint, Entry, World } from "../../../../src/model/entry.ts";
import type { Rule } from "../../../../src/model/rule.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { compareEndpoints, compareText, endpointId } from "../../../../src/registry-sync/dubbo/endpoint.ts";
import { createGuard, DEFAULT_GUARD, type GuardSettings } from "../../../../src/registry-sync/merge/guard.ts";
import { type Merged, merge } from "../../../../src/registry-sync/merge/merge.ts";
import { withOneHost } from "../../../../src/registry-sync/merge/one-host.ts";
import { createShape, type Shape } from "../../../../src/registry-sync/merge/shape.ts";
import { Standing } from "../../../../src/registry-sync/merge/standing.ts";
import { hostOf } from "../../../../src/registry-sync/naming/naming.ts";
import { createNaming, NAMING_STYLES } from "../../../../src/registry-sync/naming/naming-styles.ts";
import { styleLabels } from "../../../../src/registry-sync/naming/style-labels.ts";
import fc from "../../../support/fast-check.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";
import { endpoint } from "../../../support/worlds.ts";

// Whatever happened in which order, once every hold has run out a sync knows, and its workers hold, what one that starts now would.
const SCHEMES = { r1: "zookeeper", r2: "nacos", r3: "eureka" } as const;
type Registry = keyof typeof SCHEMES;
const registries = Object.keys(SCHEMES) as Registry[];
type Style = (typeof NAMING_STYLES)[number];

const node = { id: "n", dubbo: [{ address: "::", port: 1 }], gatewayAddress: "::" } as const;
const protocols = ["dubbo", "tri", "http"] as const;
const unguarded: GuardSettings = { ...DEFAULT_GUARD, holdMs: 0, graceMs: 0, emptyMs: 0, windowMs: 0 };
/** Longer than anything is held. */
const OVER_MS = 400_000;

const ruleSets: readonly (readonly Rule[])[] = [
  rulesOf(),
  rulesOf(
    virtualServiceText(
      "v",
      "[com.acme.A]",
      "[{match: [{scheme: {exact: x}}], route: [{destination: {host: com.acme.B, subset: s}}]}]",
    ),
    destinationRuleText("d", "com.acme.B", "subsets: [{name: s, labels: {lane: v1}}]"),
  ),
  rulesOf(
    virtualServiceText(
      "v",
      "[com.acme.A]",
      "[{route: [{destination: {host: com.acme.B, subset: s}, weight: 10}, {destination: {host: nowhere.x}, weight: 90}]}]",
    ),
    virtualServiceText(
      "w",
      '["*.C"]',
      "[{match: [{headers: {a: {exact: b}}}], route: [{destination: {host: com.acme.D}}]}]",
    ),
    destinationRuleText("d", "com.acme.B", "subsets: [{name: s, labels: {lane: v1}}]"),
  ),
];

interface Service {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly endpoints: readonly Endpoint[];
}

type Step =
  | { readonly kind: "world"; readonly registry: Registry; readonly services: readonly Service[] }
  | { readonly kind: "rules"; readonly index: number }
  | { readonly kind: "time"; readonly ms: number };

const endpointOf = (origin: Registry) =>
  fc
    .record({
      address: fc.integer({ min: 1, max: 5 }).map((i) => `10.0.0.${i}`),
      port: fc.constantFrom(20_880, 20_881, 50_051),
      protocol: fc.constantFrom("dubbo", "tri", "http", "rest"),
      weight: fc.constantFrom(0, 100, 200),
      disabled: fc.boolean(),
      params: fc.constantFrom<Readonly<Record<string, string>>>(
        ...[{}, { lane: "v1" }, { lane: "v2", methods: "a,b" }, { "istio.hostname": "Own" }, { application: "x,y" }],
      ),
    })
    .map(({ address, port, ...more }) => endpoint(`${address}:${port}`, { ...more, origin }));

const worldOf = (registry: Registry): fc.Arbitrary<Step> =>
  fc
    .uniqueArray(
      fc.record({
        name: fc.constantFrom("com.acme.A", "com.acme.E", "com.acme.B", "com.acme.C", "shop", "com.acme.D"),
        group: fc.constantFrom("", "g"),
        version: fc.constantFrom("", "1.0.0"),
        endpoints: fc.uniqueArray(endpointOf(registry), { maxLength: 4, selector: endpointId }),
      }),
      { maxLength: 7, selector: ({ name, group, version }) => `${group}/${name}:${version}` },
    )
    .map((services) => ({ kind: "world", registry, services }));

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...registries).chain(worldOf) },
    { weight: 1, arbitrary: fc.nat(ruleSets.length - 1).map((index): Step => ({ kind: "rules", index })) },
    { weight: 1, arbitrary: fc.constantFrom(1_000, 20_000, OVER_MS).map((ms): Step => ({ kind: "time", ms })) },
  ),
  { minLength: 1, maxLength: 25 },
);

/** New objects each time, as a source that starts has them. */
function worldFrom(name: Registry, services: readonly Service[], known: Map<string, Entry>): World {
  const entries = services.map(({ name: iface, group, version, endpoints }) => {
    const service = serviceKey(iface, group, version);
    const sorted = [...endpoints].sort(compareEndpoints);
    const id = JSON.stringify([name, service, sorted]);
    const made = known.get(id) ?? Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(sorted) });
    known.set(id, made);
    return made;
  });
  return { name, entries: entries.sort((a, b) => compareText(a.host, b.host)), consumers: [], findings: [] };
}

function shapeOf(style: Style, registry: Registry): Shape {
  const scheme = SCHEMES[registry];
  const naming = style === "trestle" ? undefined : createNaming(style, { scheme });
  return createShape({
    registry,
    exclude: ["com.acme.D:*"],
    rename: registry === "r2" ? [{ from: "com.acme.C", to: "com.acme.B", labels: { l: "lane" } }] : [],
    ...(naming && { naming, labels: styleLabels(style, scheme, registry) }),
  });
}

/** From worlds to what a worker holds, joined as the product joins it. */
class Pipeline {
  readonly clock = new ManualClock();
  readonly store = createControlStore({ clock: this.clock, protocols });
  readonly worker = new Map<string, string>();
  merged: Merged | undefined;
  rules: readonly Rule[] = [];
  readonly #style: Style;
  readonly #parts: ReadonlyMap<Registry, { readonly shape: Shape; readonly guard: ReturnType<typeof createGuard> }>;
  readonly #guarded = new Map<Registry, World>();
  readonly #compile = createCompiler();
  #standing: Standing | undefined;
  #last: ReturnType<ReturnType<typeof createCompiler>> | undefined;

  constructor(style: Style, settings: GuardSettings) {
    this.#style = style;
    this.#parts = new Map(
      registries.map((name) => [name, { shape: shapeOf(style, name), guard: createGuard(settings) }]),
    );
  }

  async take(news: ReadonlyMap<Registry, World>): Promise<void> {
    for (const [name, { shape, guard }] of this.#parts) {
      const world = news.get(name);
      if (world === undefined && !this.#guarded.has(name)) continue;
      this.#guarded.set(name, guard.update(world && shape.apply(world), this.clock.now()).world);
    }
    const worlds = registries.flatMap((name) => this.#guarded.get(name) ?? []);
    this.merged = merge(this.#style === "trestle" ? worlds : withOneHost(worlds), this.merged);
    this.#standing ??= new Standing(await this.store.sink.current(), { owner: "trestle" });
    const silent = new Set<string>(registries.filter((name) => !this.#guarded.has(name)));
    const { changes } = this.#standing.plan(this.merged.entries, silent);
    await this.store.sink.apply(changes);
    this.#standing.done(changes);
    this.publish();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.take(new Map());
  }

  publish(): void {
    this.store.setRules(this.rules);
    this.store.flush();
    const resources = this.#compile(this.store.snapshots.get(), node);
    expect(checkConsistent(resources)).toEqual([]);
    for (const { typeUrl, removedResources, resources: changed } of diffResources(this.#last, resources)) {
      for (const name of removedResources) expect(this.worker.delete(`${typeUrl} ${name}`), name).toBe(true);
      for (const one of changed) this.worker.set(`${typeUrl} ${one.name}`, JSON.stringify(one));
    }
    this.#last = resources;
  }

  /** All that can be told from outside, in one order. */
  outcome() {
    const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
    return {
      entries: this.merged?.entries.map((one) => JSON.stringify(one)),
      findings: sorted(this.merged?.findings ?? []),
      version: this.store.snapshots.get().version,
      worker: sorted([...this.worker]),
    };
  }
}

async function isAsFresh(style: Style, settings: GuardSettings, given: readonly Step[]): Promise<void> {
  const last = new Map<Registry, readonly Service[]>(registries.map((name) => [name, []]));
  const running = new Pipeline(style, settings);
  const known = new Map<string, Entry>();
  const all = [...given];
  for (const name of registries)
    if (!all.some((step) => step.kind === "world" && step.registry === name))
      all.push({ kind: "world", registry: name, services: [] });
  for (const step of all) {
    if (step.kind === "time") await running.pass(step.ms);
    else if (step.kind === "rules") {
      running.rules = ruleSets[step.index]!;
      running.publish();
    } else {
      last.set(step.registry, step.services);
      await running.take(new Map([[step.registry, worldFrom(step.registry, step.services, known)]]));
    }
  }
  const fresh = new Pipeline(style, settings);
  fresh.rules = running.rules;
  await fresh.take(new Map([...last].map(([name, services]) => [name, worldFrom(name, services, new Map())])));
  for (let i = 0; i < 6; i++) for (const one of [running, fresh]) await one.pass(OVER_MS);
  expect(running.outcome()).toEqual(fresh.outcome());
}

test.each(
  NAMING_STYLES.flatMap((style) => [
    [style, "without a guard", unguarded] as const,
    [style, "with a guard", { ...DEFAULT_GUARD, leastLost: 2 }] as const,
  ]),
)(
  "under the names of %s, %s, a sync that ran for a while ends as one that starts now",
  async (style, _what, settings) => {
    await fc.assert(
      fc.asyncProperty(steps, (given) => isAsFresh(style, settings, given)),
      { numRuns: 25 },
    );
  },
  60_000,
);

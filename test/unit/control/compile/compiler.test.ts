import { expect, test } from "vitest";
import { compile, createCompiler } from "../../../../src/control/compile/compiler.ts";
import { diffResources } from "../../../../src/control/compile/diff.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "../../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880?lane=v1"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const c = entryOf("com.acme.C", ["dubbo://10.0.0.3:20880"]);
const node = { id: "n", dubbo: [{ address: "::", port: 1 }] };
const rules = rulesOf(
  virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.B}}]}]"),
  destinationRuleText("d", "com.acme.B", "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}"),
);

test("with a memory and without it the compiler gives the same, whatever came before", () => {
  const remembering = createCompiler();
  const moved = entryOf("com.acme.B", ["dubbo://10.0.0.2:20999"]);
  const histories: { entries: Entry[]; rules: typeof rules }[] = [
    { entries: [a, b], rules: [] },
    { entries: [a, b], rules },
    { entries: [a], rules },
    { entries: [a, moved], rules },
    { entries: [a, moved, c], rules: rules.slice(0, 1) },
    { entries: [entryOf("com.acme.A", []), b, c], rules },
    { entries: [a, b], rules },
  ];
  for (const { entries, rules: now } of histories) {
    const snapshot = createSnapshot(entries, now);
    expect(remembering(snapshot, node)).toEqual(compile(snapshot, node));
  }
});

test("a rule that no call can meet leads to no cluster, also when something else changed since", () => {
  const never = "[{match: [{scheme: {exact: x}}], route: [{destination: {host: com.acme.Far, subset: s}}]}]";
  const unmet = rulesOf(virtualServiceText("v", "[com.acme.A]", never));
  const compiler = createCompiler();
  const before = compiler(createSnapshot([a], unmet), node);
  expect(before.clusters.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.a"]);
  const snapshot = createSnapshot([a, b], unmet);
  expect(compiler(snapshot, node)).toEqual(compile(snapshot, node));
});

test("the same entries under other protocols are compiled anew", () => {
  const compiler = createCompiler();
  const mixed = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880", "tri://10.0.0.2:50051"]);
  const only = entryOf("com.acme.T", ["tri://10.0.0.3:50051"]);
  const addresses = (protocols: readonly string[]) =>
    compiler(createSnapshot([mixed, only], [], protocols), node).endpoints.map(({ name, resource }) => [
      name,
      ...resource.endpoints[0]!.lbEndpoints.map(({ endpoint }) => endpoint.address.socketAddress.address),
    ]);
  const dubbo = [["outbound|20880||com.acme.a", "10.0.0.1"]];
  expect(addresses(["dubbo"])).toEqual(dubbo);
  expect(addresses(["dubbo", "tri"])).toEqual([
    ["outbound|20880||com.acme.a", "10.0.0.1", "10.0.0.2"],
    ["outbound|50051||com.acme.t", "10.0.0.3"],
  ]);
  expect(addresses(["dubbo"])).toEqual(dubbo);
});

test("after one entry changed, only its own resources are made again", () => {
  const compiler = createCompiler();
  const before = compiler(createSnapshot([a, b, c], rules), node);
  const moved = entryOf("com.acme.C", ["dubbo://10.0.0.9:20880"]);
  const after = compiler(createSnapshot([a, b, moved], rules), node);
  const fresh = (list: "clusters" | "endpoints"): string[] =>
    after[list].filter((one, i) => one !== before[list][i]).map(({ name }) => name);
  expect(fresh("endpoints")).toEqual(["outbound|20880||com.acme.c"]);
  expect([after.clusters, after.routes].map((list, i) => list === [before.clusters, before.routes][i])).toEqual([
    true,
    true,
  ]);
});

test("the work for a change does not grow with the world: all that is not of the entry stays the same object", () => {
  for (const size of [10, 1_000]) {
    const compiler = createCompiler();
    const world = Array.from({ length: size }, (_, i) =>
      entryOf(`com.acme.S${String(i).padStart(4, "0")}`, [`dubbo://10.0.0.1:${20_000 + i}`]),
    );
    const before = compiler(createSnapshot(world, []), node);
    let reads = 0;
    const watched = world.map((entry, i) => {
      if (i === 5) return entryOf("com.acme.S0005", ["dubbo://10.0.0.2:20005", "dubbo://10.0.0.1:20005"]);
      return entry;
    });
    for (const entry of world) {
      if (entry === world[5]) continue;
      const { endpoints } = entry;
      const get = () => {
        reads++;
        return endpoints;
      };
      Object.defineProperty(entry, "endpoints", { get });
    }
    const after = compiler(createSnapshot(watched, []), node);
    expect(reads).toBe(0);
    const steps = diffResources(before, after);
    expect(steps.flatMap(({ resources }) => resources.map(({ name }) => name))).toEqual([
      "outbound|20005||com.acme.s0005",
    ]);
    expect(after.endpoints.filter((one, i) => one !== before.endpoints[i])).toHaveLength(1);
  }
});

test("a destination whose port changed changes the routes that lead to it", () => {
  const compiler = createCompiler();
  compiler(createSnapshot([a, b], rules), node);
  const moved = entryOf("com.acme.B", ["dubbo://10.0.0.2:20999"]);
  const { virtualHosts, clusters } = compiler(createSnapshot([a, moved], rules), node);
  expect(virtualHosts[0]!.resource.routes[0]!.route).toEqual({ cluster: "outbound|20999||com.acme.b" });
  expect(clusters.map(({ name }) => name)).toEqual(["outbound|20880||com.acme.a", "outbound|20999||com.acme.b"]);
});

test("nodes differ in their listeners alone", () => {
  const compiler = createCompiler();
  const snapshot = createSnapshot([a], []);
  const one = compiler(snapshot, node);
  const two = compiler(snapshot, { id: "m", dubbo: [{ address: "::", port: 2 }] });
  expect(two.clusters).toBe(one.clusters);
  expect(two.listeners.map(({ name }) => name)).toEqual(["dubbo_::_2"]);
  expect(two.version).not.toBe(one.version);
});

test("lists are sorted by name", () => {
  const { clusters, endpoints } = compile(createSnapshot([c, b, a], rules), node);
  const names = clusters.map(({ name }) => name);
  expect(names).toEqual([...names].sort());
  expect(endpoints.map(({ name }) => name)).toEqual(names);
});

test("a snapshot of nothing has its listeners and an empty table", () => {
  const { listeners, virtualHosts, clusters } = compile(createSnapshot([], rules), node);
  expect([listeners.length, virtualHosts.length, clusters.length]).toEqual([1, 0, 0]);
});

test("an unknown subset has a cluster without endpoints", () => {
  const unknown = rulesOf(
    virtualServiceText("v", "[com.acme.A]", "[{route: [{destination: {host: com.acme.A, subset: v9}}]}]"),
  );
  const { endpoints } = compile(createSnapshot([a], unknown), node);
  expect(endpoints.find(({ name }) => name === "outbound|20880|v9|com.acme.a")?.resource.endpoints).toEqual([
    { lbEndpoints: [] },
  ]);
});

test("whatever changes, every kind of client is given what a compile from empty gives", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const letters = [..."ABCDEF"];
  const provider = (letter: string) =>
    entryOf(
      `com.acme.${letter}`,
      random(6) === 0
        ? []
        : [`dubbo://10.0.0.${random(3) + 1}:${20_880 + random(2)}?lane=v${random(2)}&zone=z${random(2)}`],
    );
  const sidecarText = (letter: string) =>
    `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s${letter}}\nspec: {${random(2) === 0 ? `workloadSelector: {labels: {app: ${letter}}}, ` : ""}egress: [{hosts: ['*/com.acme.${letters[random(6)]}', './com.acme.${letters[random(6)]}']}]}\n`;
  const ruleText = (letter: string): string => {
    const to = letters[random(6)];
    const subset = random(3) === 0 ? ", subset: v1" : "";
    const match = random(3) === 0 ? `match: [{sourceLabels: {app: ${letters[random(3)]}}}], ` : "";
    const host = random(5) === 0 ? '"com.acme.*"' : `com.acme.${letter}`;
    if (random(5) === 0) return sidecarText(letter);
    if (random(3) > 0)
      return virtualServiceText(
        `v${letter}`,
        `[${host}]`,
        `[{${match}route: [{destination: {host: com.acme.${to}${subset}}}]}]`,
      );
    return destinationRuleText(
      `d${letter}`,
      `com.acme.${letter}`,
      [
        "trafficPolicy: {outlierDetection: {}}",
        "subsets: [{name: v1, labels: {lane: v1}}]",
        "trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}",
        `workloadSelector: {matchLabels: {app: ${letters[random(3)]}}}\ntrafficPolicy: {loadBalancer: {simple: RANDOM}}`.replace(
          "\n",
          ", ",
        ),
      ][random(4)]!,
    );
  };
  const nodes = letters.slice(0, 4).map((letter, i) => ({
    ...node,
    id: letter,
    labels: { app: letter },
    isShared: i === 3,
    locality: { region: "", zone: `z${i % 2}`, subZone: "" },
  }));
  const remembering = createCompiler();
  let entries = letters.map(provider);
  let texts = letters.map(ruleText);
  for (let round = 0; round < 150; round++) {
    const at = random(6);
    if (random(2) === 0) entries = entries.map((one, i) => (i === at ? provider(letters[at]!) : one));
    else
      texts =
        random(8) === 0 ? texts.filter((_, i) => i !== at) : texts.with(at % texts.length, ruleText(letters[at]!));
    if (texts.length < 3) texts.push(ruleText(letters[at]!));
    const served = random(6) === 0 ? entries.slice(1) : entries;
    const snapshot = createSnapshot(served, rulesOf(...texts));
    for (const one of nodes) expect(remembering(snapshot, one)).toEqual(compile(snapshot, one));
  }
});

test("two Sidecars of one name, from two sources, each narrow the clients that they select", () => {
  const sidecar = (app: string, host: string) =>
    rulesOf(
      `apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {workloadSelector: {labels: {app: ${app}}}, egress: [{hosts: ['*/${host}']}]}\n`,
    );
  const compiler = createCompiler();
  const [left, right] = ["left", "right"].map((app) => ({ ...node, id: app, labels: { app } }));
  const seen = (snapshot: ReturnType<typeof createSnapshot>) =>
    [left!, right!, left!].map((of) =>
      compiler(snapshot, of)
        .clusters.map(({ name }) => name.split("|")[3])
        .join(),
    );
  const both = createSnapshot([a, b, c], [...sidecar("left", "com.acme.A"), ...sidecar("right", "com.acme.B")]);
  expect(seen(both)).toEqual(["com.acme.a", "com.acme.b", "com.acme.a"]);
  const changed = createSnapshot([a, b, c], [...sidecar("left", "com.acme.A"), ...sidecar("right", "com.acme.C")]);
  expect(seen(changed)).toEqual(["com.acme.a", "com.acme.c", "com.acme.a"]);
});

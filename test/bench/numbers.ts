/** The pure part of the bench: what a run measured, and the tables made of it. */

/** One of the ways in which calls are sent: `connections` with `inflight` calls each, bodies of `bodyBytes`. */
export interface Shape {
  readonly name: string;
  readonly connections: number;
  readonly inflight: number;
  readonly bodyBytes: number;
  /** Each call says a time-out of its own, which makes its head unlike all others. */
  readonly timeouts?: boolean;
}

/** The parts of the bench, each a table of its own: Dubbo2 calls, unary gRPC calls over HTTP/2, calls translated between both, calls by mutual TLS between two proxies, calls under policies, codecs alone, the way from registries, certificates, whole calls of applications with mutual TLS and without, the xDS server with many clients. */
export type PartName =
  | "dubbo2"
  | "http2"
  | "http1"
  | "bridge"
  | "mtls"
  | "authz"
  | "codecs"
  | "registries"
  | "ca"
  | "calls"
  | "xds";

const PIPELINED: Shape = { name: "16x64/128B", connections: 16, inflight: 64, bodyBytes: 128 };
const SINGLE: Shape = { name: "64x1/128B", connections: 64, inflight: 1, bodyBytes: 128 };

export const SHAPES: Readonly<Record<PartName, readonly Shape[]>> = {
  dubbo2: [PIPELINED, { name: "16x64/4KB", connections: 16, inflight: 64, bodyBytes: 4096 }, SINGLE],
  http1: [SINGLE],
  http2: [PIPELINED, { ...PIPELINED, name: "16x64/128B/timeouts", timeouts: true }, SINGLE],
  bridge: [PIPELINED, { name: "16x64/4KB", connections: 16, inflight: 64, bodyBytes: 4096 }],
  mtls: [PIPELINED, { name: "16x64/4KB", connections: 16, inflight: 64, bodyBytes: 4096 }, SINGLE],
  authz: [PIPELINED, SINGLE],
  codecs: [],
  registries: [],
  ca: [],
  calls: [],
  xds: [],
};

/** What one run of a load generator printed; see generator.h. */
export interface LoadResult {
  readonly answered: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** Calls that were never answered. */
  readonly lost: number;
  readonly notSent: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of each process asked for. */
  readonly cpuMs: readonly number[];
}

/** Reads the generator's output; throws where it is not whole or calls were lost. */
export function parseLoadResult(text: string): LoadResult {
  const result = JSON.parse(text) as LoadResult;
  for (const key of ["answered", "seconds", "callsPerSecond", "lost", "notSent", "p50Us", "p99Us"] as const) {
    if (typeof result[key] !== "number") throw new Error(`the load generator printed no ${key}`);
  }
  if (result.lost > 0) throw new Error(`${result.lost} calls were never answered`);
  if (result.notSent > 0) throw new Error(`${result.notSent} calls could not be sent in time`);
  if (result.answered === 0) throw new Error("no call was answered");
  return result;
}

/** All that was measured of one proxy, a value a round in each list. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  /** Microseconds of CPU time a call, by shape; empty lists for the direct way. */
  readonly cpuUs: Record<string, number[]>;
  readonly callsPerSecond: Record<string, number[]>;
  /** At the paced rate, a value a slice. */
  readonly p50Us: number[];
  readonly p99Us: number[];
  readonly rssMb: number[];
  /** Most connections that the provider saw open at once. */
  upstreamConnections: number;
  /** Why it was given up: a call without its answer, or the proxy's end. No figure of it counts then. */
  failure?: string;
}

/** The middle value; of an even number the mean of the two middle ones. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A number with as many digits as mean something: three, never an exponent; of these at most `decimals` behind the point. */
export function digits(value: number, decimals = 2): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  return value.toFixed(Math.min(decimals, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2));
}

const NOTHING: Omit<Measured, "name" | "title"> = {
  cpuUs: {},
  callsPerSecond: {},
  p50Us: [],
  p99Us: [],
  rssMb: [],
  upstreamConnections: -1,
};

/** The measurements as a Markdown table, a row a proxy. */
export function resultTable(measured: readonly Measured[], shapes: readonly Shape[]): string {
  const all = measured.map((one) => (one.failure === undefined ? one : { ...one, ...NOTHING }));
  const added = (one: Measured, of: "p50Us" | "p99Us") => (one.name === "direct" ? Number.NaN : addedUs(all, one, of));
  const header = [
    "proxy",
    ...shapes.map(({ name }) => `CPU µs/call ${name}`),
    ...shapes.map(({ name }) => `calls/s ${name}`),
    "added p50 µs",
    "added p99 µs",
    "RSS MB",
    "upstream connections",
  ];
  const rows = all.map((one) => [
    one.failure === undefined ? one.title : `${one.title}: failed`,
    ...shapes.map(({ name }) => digits(median(one.cpuUs[name] ?? []))),
    ...shapes.map(({ name }) => thousands(median(one.callsPerSecond[name] ?? []))),
    digits(added(one, "p50Us")),
    digits(added(one, "p99Us")),
    one.rssMb.length === 0 ? "-" : String(Math.round(Math.max(...one.rssMb))),
    digits(connectionsOf(one), 0),
  ]);
  return markdown(header, rows);
}

/** What a proxy adds to the direct way's latency: the difference of medians, since single slices catch what else the machine does. */
function addedUs(all: readonly Measured[], one: Measured, of: "p50Us" | "p99Us"): number {
  const direct = all.find(({ name }) => name === "direct");
  return median(one[of]) - median(direct?.[of] ?? []);
}

interface Goal {
  readonly what: string;
  /** Whose figure it is, by name; Trestle's unless said. */
  readonly of?: string;
  /** Of several the one with the highest figure counts. */
  readonly against: string | readonly string[];
  /** The figure may be this share of the other's, and so much more. */
  readonly most: number;
  readonly adds?: number;
  readonly value: (one: Measured, all: readonly Measured[]) => number;
}

const cpu = (shape: string) => (one: Measured) => median(one.cpuUs[shape] ?? []);

const connectionsOf = (one: Measured) => (one.upstreamConnections < 0 ? Number.NaN : one.upstreamConnections);

const GOALS: Readonly<Record<PartName, readonly Goal[]>> = {
  dubbo2: [
    { what: "CPU µs/call 16x64/128B", against: "envoy-dubbo", most: 1 / 10, value: cpu("16x64/128B") },
    { what: "CPU µs/call 16x64/128B", against: "envoy-generic-bound", most: 1 / 3, value: cpu("16x64/128B") },
    { what: "CPU µs/call 16x64/4KB", against: "envoy-dubbo", most: 1 / 3, value: cpu("16x64/4KB") },
    { what: "CPU µs/call 64x1/128B", against: "envoy-dubbo", most: 1 / 2, value: cpu("64x1/128B") },
    { what: "added p99 µs", against: "envoy-dubbo", most: 1, value: (one, all) => addedUs(all, one, "p99Us") },
    { what: "upstream connections", against: "envoy-dubbo", most: 1 / 10, value: connectionsOf },
  ],
  http1: [["trestle", ""] as const, ["trestle-eureka", ", port of the Eureka facade"] as const].flatMap(
    ([of, where]): Goal[] => [
      { what: `CPU µs/call 64x1/128B${where}`, of, against: "envoy", most: 1 / 2, value: cpu("64x1/128B") },
      { what: `added p99 µs${where}`, of, against: "envoy", most: 1, value: (one, all) => addedUs(all, one, "p99Us") },
    ],
  ),
  http2: [
    { what: "CPU µs/call 16x64/128B", against: "envoy", most: 1 / 5, value: cpu("16x64/128B") },
    { what: "CPU µs/call 16x64/128B", against: "haproxy", most: 1, value: cpu("16x64/128B") },
    { what: "CPU µs/call 16x64/128B/timeouts", against: "envoy", most: 1 / 5, value: cpu("16x64/128B/timeouts") },
    { what: "CPU µs/call 16x64/128B/timeouts", against: "haproxy", most: 1, value: cpu("16x64/128B/timeouts") },
  ],
  bridge: ["16x64/128B", "16x64/4KB"].flatMap((shape) =>
    ["dubbo2-triple", "triple-dubbo2"].map((of) => ({
      what: `CPU µs/call ${shape}, ${of}`,
      of,
      against: ["dubbo2", "triple"],
      most: 3,
      value: cpu(shape),
    })),
  ),
  mtls: [["plain", 1.15] as const, ["envoy-mtls", 1] as const].flatMap(([against, most]) =>
    SHAPES.mtls.map(({ name }) => ({ what: `CPU µs/call ${name}`, of: "mtls", against, most, value: cpu(name) })),
  ),
  authz: SHAPES.authz.map(({ name }) => ({
    what: `CPU µs/call ${name}`,
    of: "policies",
    against: "trestle",
    most: 1,
    adds: 2,
    value: cpu(name),
  })),
  codecs: [],
  registries: [],
  ca: [],
  calls: [],
  xds: [],
};

/** Figures beside the others' of the same run and the goals. Rows that were not measured are left out. */
export function goalTable(measured: readonly Measured[], part: PartName): string {
  const all = measured.filter(({ failure }) => failure === undefined);
  const rows: string[][] = [];
  for (const { what, of = "trestle", against, most, adds = 0, value } of GOALS[part]) {
    const own = all.find(({ name }) => name === of);
    const [other] = [against]
      .flat()
      .flatMap((name) => all.filter((one) => one.name === name))
      .sort((a, b) => value(b, all) - value(a, all));
    if (own === undefined || other === undefined) continue;
    const [ours, theirs] = [value(own, all), value(other, all)];
    if (!Number.isFinite(ours - theirs)) continue;
    // Added latency can be below zero when the machine is busy: a share says something only between positive figures.
    const share = ours > 0 && theirs > 0 ? (ours / theirs).toFixed(3) : "-";
    const met = ours <= theirs * most + adds ? "met" : "missed";
    const decimals = value === connectionsOf ? 0 : 2;
    rows.push([
      what,
      digits(ours, decimals),
      `${digits(theirs, decimals)} (${other.title})`,
      share,
      adds === 0 ? `≤ ${most.toFixed(3)}` : `≤ ${adds} more`,
      met,
    ]);
  }
  if (rows.length === 0) return "";
  return markdown(["figure", "Trestle", "other", "share", "goal", ""], rows);
}

function thousands(value: number): string {
  return Number.isFinite(value) ? `${digits(value / 1000)}k` : "-";
}

/** A Markdown table. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), `|${header.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** A part as the command line can choose of it. */
export interface PartChoice {
  readonly name: PartName;
  /** Names of the proxies. */
  readonly proxies: readonly string[];
  /** None where a part has no calls. */
  readonly shapes: readonly Shape[];
}

export interface BenchOptions {
  readonly rounds: number;
  readonly warmupMs: number;
  readonly measureMs: number;
  /** One slice at the paced rate; each round has {@link BenchOptions.pacedSlices} for each proxy, by turns. */
  readonly pacedMs: number;
  readonly pacedSlices: number;
  /** What is measured; the direct way always is. */
  readonly parts: readonly PartChoice[];
  readonly write: boolean;
}

const USAGE = "--quick --rounds=1..99 --part=NAME --only=PROXY,... --shapes=NAME,... --write";

/** Reads the command line; throws a sentence that names what is wrong. Parts are left out that lack a proxy or all shapes named. */
export function parseOptions(args: readonly string[], all: readonly PartChoice[]): BenchOptions {
  const quick = args.includes("--quick");
  let rounds = quick ? 2 : 5;
  let only: readonly string[] | undefined;
  let shapes: readonly string[] | undefined;
  let part: string | undefined;
  let write = false;
  for (const arg of args) {
    const [key, value = ""] = arg.split("=", 2) as [string, string?];
    if (key === "--quick") continue;
    if (arg === "--write") write = true;
    else if (key === "--rounds" && /^[1-9]\d?$/.test(value)) rounds = Number(value);
    else if (key === "--part") part = known(value, namesOf(all), "part");
    else if (key === "--only") {
      only = value.split(",").map((name) => known(name, unique(all.flatMap(({ proxies }) => proxies)), "proxy"));
    } else if (key === "--shapes") {
      shapes = value.split(",").map((name) => known(name, unique(all.flatMap((one) => namesOf(one.shapes))), "shape"));
    } else throw new Error(`unknown option ${arg}: ${USAGE}`);
  }
  const times = quick
    ? { warmupMs: 400, measureMs: 700, pacedMs: 1_000, pacedSlices: 2 }
    : { warmupMs: 600, measureMs: 1_500, pacedMs: 1_000, pacedSlices: 4 };
  const parts = all
    .filter(({ name, proxies }) => (part ?? name) === name && (only ?? []).every((proxy) => proxies.includes(proxy)))
    .map(({ name, proxies, shapes: own }) => ({
      name,
      proxies: only ?? proxies,
      shapes: own.filter((shape) => shapes?.includes(shape.name) ?? true),
    }))
    .filter((one) => one.shapes.length > 0 || shapes === undefined);
  if (parts.length === 0) throw new Error("no part of the bench has all that was named");
  return { rounds, ...times, parts, write };
}

function namesOf(list: readonly { readonly name: string }[]): readonly string[] {
  return list.map(({ name }) => name);
}

function unique(list: readonly string[]): readonly string[] {
  return [...new Set(list)];
}

function known(name: string, names: readonly string[], kind: string): string {
  if (!names.includes(name)) throw new Error(`no ${kind} is called ${name}; there are ${names.join(", ")}`);
  return name;
}

const beginOf = (part: PartName) => `<!-- bench ${part}: begin, written by make bench ARGS=--write -->`;
const endOf = (part: PartName) => `<!-- bench ${part}: end -->`;

/** The document with what stands between a part's two marks replaced; throws where it has not both. */
export function replaceSection(document: string, part: PartName, section: string): string {
  const begin = beginOf(part);
  const from = document.indexOf(begin);
  const to = document.indexOf(endOf(part));
  if (from < 0 || to < from) throw new Error(`the document has no section between "${begin}" and "${endOf(part)}"`);
  return `${document.slice(0, from + begin.length)}\n\n${section.trim()}\n\n${document.slice(to)}`;
}

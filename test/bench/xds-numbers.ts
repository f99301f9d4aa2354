/** What the parts of the xDS bench tell each other, and the table of it. */

/** To the server's process. */
export type XdsServerRequest =
  | { readonly type: "change"; readonly service: number }
  | { readonly type: "rule"; readonly service: number }
  | { readonly type: "usage" }
  | { readonly type: "versions" }
  | { readonly type: "compile"; readonly services: number };

/** From the server's process. */
export type XdsServerReport =
  | { readonly type: "listening"; readonly address: string }
  | {
      readonly type: "usage";
      readonly cpuMs: number;
      readonly settledCpuMs: number;
      readonly rssBytes: number;
      readonly clients: number;
      /** Of them those that have all that they asked for in force. */
      readonly synced: number;
    }
  | { readonly type: "versions"; readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>> }
  | { readonly type: "compiled"; readonly compileMs: number; readonly encodeMs: number; readonly bytes: number };

/** To the clients' process. */
export type XdsClientsRequest =
  | { readonly type: "reset" }
  | { readonly type: "counts" }
  /** Who loses its connection from now on comes again, and says by type and name that it has these versions. */
  | { readonly type: "keep"; readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>> }
  /** All end their connections at once, and connect again at once. */
  | { readonly type: "storm" };

/** From the clients' process. */
export type XdsClientsReport =
  | { readonly type: "connected" }
  | {
      readonly type: "counts";
      readonly bytes: number;
      readonly answers: number;
      readonly resources: number;
      /** Connections that were begun. */
      readonly attempts: number;
      /** Of the process that all clients are in, since its start. */
      readonly cpuMs: number;
      readonly lastMs: readonly number[];
    };

/**
 * What a run changes: a provider's address; the VirtualService of one service, where each has one; a provider's address where each client
 * has a Sidecar of its own that shows it ten services.
 */
export type XdsKind = "provider" | "rule" | "scopes";

/** Services that a Sidecar of the `scopes` runs shows its client. */
export const SCOPE = 10;

/** How many clients a change concerns. */
export function concerned(kind: XdsKind, services: number, clients: number): number {
  return kind === "scopes" ? Math.floor((clients * SCOPE) / services) : clients;
}

/** What was measured with one size of the world. */
export interface XdsResult {
  readonly kind: XdsKind;
  readonly services: number;
  readonly clients: number;
  /** From the change to each client's answer, over all clients and changes, ms. */
  readonly answerMs: readonly number[];
  /** Sent to one client that it concerns for one change. */
  readonly bytesPerChange: number;
  /** Of the server, for one change with all clients. */
  readonly cpuMsPerChange: number;
  /** Of the process that all clients are in. */
  readonly clientsCpuMsPerChange: number;
  readonly rssBytes: number;
  /** From the first connection until all clients had everything. */
  readonly connectMs: number;
}

/** How all clients come again at once: by themselves, or since the server is another process. */
export const STORMS = ["connections", "restart"] as const;
export type XdsStorm = (typeof STORMS)[number];

/** What a storm was. */
export interface XdsStormResult {
  readonly storm: XdsStorm;
  readonly services: number;
  readonly clients: number;
  /** From the end of the connections, or since the new server listens, until each client had everything again, ms. */
  readonly againMs: readonly number[];
  /** Connections that were begun for that. */
  readonly attempts: number;
  /** Resources and bytes that were sent to a client. */
  readonly resourcesPerClient: number;
  readonly bytesPerClient: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly peakBytes: number;
}

/** What making everything anew takes. */
export interface XdsCompileResult {
  readonly services: number;
  readonly compileMs: number;
  readonly encodeMs: number;
  readonly bytes: number;
}

/** Services and clients that are measured; the last is the goal's. */
export const XDS_SIZES: readonly (readonly [kind: XdsKind, services: number, clients: number])[] = [
  ["provider", 100, 200],
  ["provider", 1_000, 200],
  ["rule", 100, 200],
  ["rule", 1_000, 200],
  ["scopes", 1_000, 200],
  ["provider", 1_000, 2_000],
  ["rule", 1_000, 2_000],
  ["scopes", 1_000, 2_000],
];

/** Those of a quick run. */
export const QUICK_XDS_SIZES = XDS_SIZES.slice(0, 5);

/** Services that are compiled from empty. */
export const COMPILED_SIZES: readonly number[] = [1_000, 10_000];

/** What `--shapes` calls a size: `provider/1000/2000`, `compile/10000`. */
export const xdsShape = (
  ...size: (typeof XDS_SIZES)[number] | readonly ["compile", number] | readonly ["storm", XdsStorm]
): string => size.join("/");

const KINDS: Readonly<Record<XdsKind, string>> = {
  provider: "a provider",
  rule: "a rule",
  scopes: "a provider; a Sidecar for each client",
};

/** istiod's own published figure for the size of the goal is 1.5 GB and one core. */
const GOALS = { services: 1_000, clients: 2_000, p99Ms: 1_000, rssBytes: 1.5e9, compiled: 10_000, compileMs: 5_000 };

/** The value below which a share of the values is; values in any order, at least one. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

const STORM_NAMES: Readonly<Record<XdsStorm, string>> = {
  connections: "all connections end at once",
  restart: "the server is killed and started again",
};

/** The tables, as they stand in the documentation. */
export function xdsTables(
  results: readonly XdsResult[],
  compiled: readonly XdsCompileResult[],
  storms: readonly XdsStormResult[],
): string {
  const again = storms.map((one) =>
    [
      STORM_NAMES[one.storm],
      one.services,
      one.clients,
      `${(quantile(one.againMs, 0.5) / 1_000).toFixed(1)} s`,
      `${(Math.max(...one.againMs) / 1_000).toFixed(1)} s`,
      one.attempts,
      `${Math.round(one.resourcesPerClient)}, ${Math.round(one.bytesPerClient)} B`,
      `${(one.cpuMs / 1_000).toFixed(1)} s`,
      `${mb(one.peakBytes)}, ${mb(one.rssBytes)}`,
    ].join(" | "),
  );
  const rows = results.map((one) =>
    [
      KINDS[one.kind],
      one.services,
      one.clients,
      `${Math.round(quantile(one.answerMs, 0.5))} ms`,
      `${Math.round(quantile(one.answerMs, 0.99))} ms`,
      `${Math.round(one.bytesPerChange)} B`,
      `${Math.round(one.cpuMsPerChange)} ms`,
      `${Math.round(one.clientsCpuMsPerChange)} ms`,
      mb(one.rssBytes),
      `${(one.connectMs / 1_000).toFixed(1)} s`,
    ].join(" | "),
  );
  const made = compiled.map((one) =>
    [one.services, `${Math.round(one.compileMs)} ms`, `${Math.round(one.encodeMs)} ms`, mb(one.bytes)].join(" | "),
  );
  return [
    "| what changes | services | delta clients | change to answer, median | p99 | sent to a client a change | CPU of the server a change | of the clients | memory of the server | until all had all |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
    "",
    "| services | compiled from empty | made into bytes | bytes |",
    "|---|---|---|---|",
    ...made.map((row) => `| ${row} |`),
    "",
    "| storm | services | delta clients | until a client had all again, median | until the last had | connections begun | sent to a client | CPU of the server | memory of it, peak and after |",
    "|---|---|---|---|---|---|---|---|---|",
    ...again.map((row) => `| ${row} |`),
    "",
    "| figure | Trestle | goal |  |",
    "|---|---|---|---|",
    ...goals(results, compiled).map(
      ([what, value, most, unit]) =>
        `| ${what} | ${Math.round(value * 100) / 100}${unit} | ≤ ${most}${unit} | ${value <= most ? "met" : "missed"} |`,
    ),
  ].join("\n");
}

function goals(
  results: readonly XdsResult[],
  compiled: readonly XdsCompileResult[],
): (readonly [what: string, value: number, most: number, unit: string])[] {
  const whole = results.filter(({ services, clients }) => services === GOALS.services && clients === GOALS.clients);
  const made = compiled.find(({ services }) => services === GOALS.compiled);
  const alike = results.filter(({ clients }) => clients === results[0]?.clients);
  const pairs = (["provider", "rule"] as const).map((kind) => alike.filter((one) => one.kind === kind));
  return [
    ...whole.flatMap(
      ({ kind, answerMs, rssBytes }) =>
        [
          [
            `change of ${KINDS[kind]} to all answers, p99, ${GOALS.clients} clients`,
            quantile(answerMs, 0.99),
            GOALS.p99Ms,
            " ms",
          ],
          [
            `memory of the server (${KINDS[kind]}), ${GOALS.clients} clients`,
            rssBytes / 1e9,
            GOALS.rssBytes / 1e9,
            " GB",
          ],
        ] as const,
    ),
    ...pairs.flatMap(([few, many]) =>
      few === undefined || many === undefined
        ? []
        : ([
            [
              `bytes of a change of ${KINDS[few.kind]}, ${many.services} services beside ${few.services}`,
              many.bytesPerChange / few.bytesPerChange,
              1.05,
              "",
            ],
          ] as const),
    ),
    ...(made === undefined
      ? []
      : ([[`${GOALS.compiled} services compiled from empty`, made.compileMs, GOALS.compileMs, " ms"]] as const)),
  ];
}

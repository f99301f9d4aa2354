/**
 * Metrics in Prometheus' text form. Every metric holds a bounded number of series: what comes after that is counted in one
 * series whose labels all say `other`, so that nothing is lost and nothing grows without end.
 * Form: https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** Values of a metric's labels, in the order of its label names. */
export type LabelValues = readonly string[];

/** A value that only rises. Labels come in the order of the metric's label names; another number of them throws. */
export interface Counter {
  /** Adds `n`, at least 0. */
  add(n: number, ...labels: string[]): void;
}

/** A value that is set to what holds now. Labels as in {@link Counter}. */
export interface Gauge {
  set(value: number, ...labels: string[]): void;
  /** Forgets all series; for gauges that are set anew for each scrape. */
  clear(): void;
}

/** Observations counted by size, with their sum, in whatever unit the bounds have. Labels as in {@link Counter}. */
export interface Histogram {
  observe(value: number, ...labels: string[]): void;
  /** Adds many observations at once: one count per bound and one above the last, not cumulative. */
  addCounts(counts: readonly number[], sum: number, ...labels: string[]): void;
}

/**
 * What a metric is called and how far it may grow. Names must be ones that Prometheus takes, and new to the set: others
 * throw.
 */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Most series beside the one of overflow; 2,000 unless said. */
  readonly maxSeries?: number;
}

/**
 * The metrics of one process. Families stand in the exposition in the order they were made, without those that have no
 * series yet.
 */
export interface Metrics {
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  /** `bounds` are the upper bounds of the buckets, rising. */
  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): Histogram;
  /** Adds to what a metric's overflow is said to hold: values that were put together before they came here. Unknown names throw. */
  countOverflow(metric: string, n: number): void;
  /** Runs `collect` before each exposition; for values that are read rather than counted. */
  beforeExpose(collect: () => void): void;
  /** All metrics as text. */
  expose(): string;
}

/** Label value of the series that takes what is over a metric's bound. */
export const OVERFLOW = "other";

const DEFAULT_MAX_SERIES = 2_000;
const MAX_LABEL_LENGTH = 256;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

interface Series {
  readonly labels: string;
  value: number;
  /** Of histograms: counts per bucket, the overflow bucket last. */
  readonly counts: number[];
}

interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly options: MetricOptions;
  readonly bounds: readonly number[];
  readonly series: Map<string, Series>;
  overflowed: number;
}

/** Creates an empty set of metrics. */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const collectors: (() => void)[] = [];

  const add = (type: Family["type"], options: MetricOptions, bounds: readonly number[] = []): Family => {
    for (const name of [options.name, ...(options.labels ?? [])])
      if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a metric or label`);
    if (families.has(options.name)) throw new Error(`metric ${options.name} is there already`);
    const family: Family = { type, options, bounds, series: new Map(), overflowed: 0 };
    families.set(options.name, family);
    return family;
  };

  return {
    counter(options) {
      const family = add("counter", options);
      return {
        add(n, ...labels) {
          // A count of 0 is shown too: rates and alerts need the series before the first event.
          if (n >= 0) seriesOf(family, labels, n).value += n;
        },
      };
    },
    gauge(options) {
      const family = add("gauge", options);
      return {
        set(value, ...labels) {
          seriesOf(family, labels, 1).value = value;
        },
        clear: () => family.series.clear(),
      };
    },
    histogram(options) {
      const family = add("histogram", options, options.bounds);
      const addCounts = (counts: readonly number[], sum: number, labels: LabelValues): void => {
        const total = counts.reduce((all, count) => all + count, 0);
        const series = seriesOf(family, labels, total);
        for (let i = 0; i < series.counts.length; i++) series.counts[i]! += counts[i] ?? 0;
        series.value += sum;
      };
      return {
        observe(value, ...labels) {
          const found = options.bounds.findIndex((bound) => value <= bound);
          const series = seriesOf(family, labels, 1);
          series.counts[found < 0 ? options.bounds.length : found]! += 1;
          series.value += value;
        },
        addCounts: (counts, sum, ...labels) => addCounts(counts, sum, labels),
      };
    },
    countOverflow(metric, n) {
      const family = families.get(metric);
      if (family === undefined) throw new Error(`there is no metric ${metric}`);
      family.overflowed += n;
    },
    beforeExpose: (collect) => collectors.push(collect),
    expose() {
      for (const collect of collectors) collect();
      const lines: string[] = [];
      for (const family of families.values()) exposeFamily(family, lines);
      exposeOverflow([...families.values()], lines);
      return `${lines.join("\n")}\n`;
    },
  };
}

/** The series of these labels; where there is no room for one, that of overflow, and `values` are counted as put there. */
function seriesOf(family: Family, labels: LabelValues, values: number): Series {
  const names = family.options.labels ?? [];
  if (labels.length !== names.length)
    throw new Error(`metric ${family.options.name} has ${names.length} labels, not ${labels.length}`);
  const key = labels.join("\u0000");
  const known = family.series.get(key);
  if (known !== undefined) return known;
  if (
    family.series.size >= (family.options.maxSeries ?? DEFAULT_MAX_SERIES) &&
    labels.some((label) => label !== OVERFLOW)
  ) {
    family.overflowed += values;
    return seriesOf(
      family,
      names.map(() => OVERFLOW),
      values,
    );
  }
  const series: Series = {
    labels: names.map((name, i) => `${name}="${escapeLabel(labels[i]!)}"`).join(),
    value: 0,
    counts: family.type === "histogram" ? new Array<number>(family.bounds.length + 1).fill(0) : [],
  };
  family.series.set(key, series);
  return series;
}

function exposeFamily(family: Family, lines: string[]): void {
  const { name, help } = family.options;
  if (family.series.size === 0) return;
  lines.push(`# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`, `# TYPE ${name} ${family.type}`);
  for (const series of family.series.values()) {
    if (family.type === "histogram") exposeHistogram(name, family.bounds, series, lines);
    else lines.push(`${name}${braces(series.labels)} ${number(series.value)}`);
  }
}

function exposeHistogram(name: string, bounds: readonly number[], series: Series, lines: string[]): void {
  const lead = series.labels === "" ? "" : `${series.labels},`;
  let total = 0;
  series.counts.forEach((count, i) => {
    total += count;
    lines.push(`${name}_bucket{${lead}le="${i < bounds.length ? number(bounds[i]!) : "+Inf"}"} ${total}`);
  });
  lines.push(
    `${name}_sum${braces(series.labels)} ${number(series.value)}`,
    `${name}_count${braces(series.labels)} ${total}`,
  );
}

function exposeOverflow(families: readonly Family[], lines: string[]): void {
  const over = families.filter(({ overflowed }) => overflowed > 0);
  if (over.length === 0) return;
  const name = "trestle_metric_overflow_total";
  lines.push(`# HELP ${name} Values that a metric counted in its series of overflow.`, `# TYPE ${name} counter`);
  for (const { options, overflowed } of over) lines.push(`${name}{metric="${options.name}"} ${overflowed}`);
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function escapeLabel(text: string): string {
  const cut = text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH - 3)}...` : text;
  return cut.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"');
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

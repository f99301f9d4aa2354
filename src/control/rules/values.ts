const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};

/** Longest duration taken: a year. */
const MAX_DURATION_MS = 366 * 24 * 3_600_000;

/** Reads a Go or proto3 duration (`1h`, `1.5s`, `1m30s`, `200ms`) as milliseconds; undefined for any other text, a negative or a huge one. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (
    text.length > 64 ||
    !/^(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))*$/.test(text)
  )
    return undefined;
  let ms = 0;
  for (const part of text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)) ms += Number(part[1]) * UNITS_MS[part[2]!]!;
  return ms <= MAX_DURATION_MS ? ms : undefined;
}

/** Prints milliseconds as proto3's JSON duration, such as `0.250s`. */
export function printDuration(ms: number): string {
  if (ms % 1000 === 0) return `${ms / 1000}s`;
  return `${(ms / 1000).toFixed(ms % 1 === 0 ? 3 : 6)}s`;
}

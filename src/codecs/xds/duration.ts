/** Reads a proto3 JSON duration (decimal seconds with `s`) into ms; undefined where absent. */
export function durationMs(duration: string): number;
export function durationMs(duration: string | undefined): number | undefined;
export function durationMs(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : Number.parseFloat(duration) * 1_000;
}

/** Prints ms as a proto3 JSON duration: `1500` is `1.5s`. */
export function printDuration(ms: number): string {
  return `${ms / 1_000}s`;
}

/** Reads a proto3 JSON duration (decimal seconds with `s`) into ms; undefined where absent. */
export function durationMs(duration: string): number;
export function durationMs(duration: string | undefined): number | undefined;
export function durationMs(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : Number.parseFloat(duration) * 1_000;
}

/** The parameters of a eureka:// URL. */
export const EUREKA_QUERY: readonly string[] = ["zone", "interval", "format"];

const LEAST_INTERVAL_MS = 200;
const MOST_INTERVAL_MS = 600_000;

/** How often a registry is asked what changed, ms, from `5s`, `500ms` or `5` (seconds); undefined where it is none that can be. */
export function eurekaIntervalMs(text: string): number | undefined {
  const [, number, unit = "s"] = /^([0-9]{1,6})(ms|s)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const ms = Number(number) * (unit === "s" ? 1_000 : 1);
  return ms >= LEAST_INTERVAL_MS && ms <= MOST_INTERVAL_MS ? ms : undefined;
}

/** What is wrong with a parameter's value; undefined where nothing is. */
export function eurekaQueryFault(name: string, value: string): string | undefined {
  if (name === "interval" && eurekaIntervalMs(value) === undefined)
    return `interval "${value}" is no time from 200ms to 600s, such as 5s`;
  if (name === "format" && value !== "json" && value !== "xml") return `format "${value}" is neither json nor xml`;
  if (name === "zone" && value === "") return "zone is empty";
  return undefined;
}

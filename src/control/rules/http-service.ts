import type { Entry } from "../../model/entry.ts";
import { speaksOneOf } from "../compile/endpoints.ts";

const HTTP: readonly string[] = ["http"];

/** Whether a service speaks HTTP alone: its rules are of requests then, not of Java methods. */
export function isHttpService({ endpoints, mapped }: Entry): boolean {
  return mapped !== true && endpoints.length > 0 && endpoints.every((one) => speaksOneOf(one, HTTP));
}

/** Whether destinations are services that speak HTTP alone: some do, and the others have nobody who serves them now. */
export function leadsToHttp(entries: readonly (Entry | undefined)[]): boolean {
  const known = entries.filter((entry) => entry !== undefined && entry.endpoints.length > 0);
  return known.length > 0 && known.every((entry) => isHttpService(entry!));
}

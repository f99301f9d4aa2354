import type { Finding } from "../../../model/entry.ts";

/** What a condition says; when it began to say so is added by {@link withTimes}. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

const MAX_TOLD = 5;
/** The API takes no longer message. */
const MAX_MESSAGE = 32_768;

/** Findings as the message of a condition; `none` where there is none. */
export function messageOf(findings: readonly Finding[], none: string): string {
  if (findings.length === 0) return none;
  const told = findings.slice(0, MAX_TOLD).map(({ code, at, message }) => `${code} ${fieldOf(at)}${message}`);
  const more = findings.length > MAX_TOLD ? [`${findings.length - MAX_TOLD} more findings`] : [];
  return [...told, ...more].join("; ").slice(0, MAX_MESSAGE);
}

/** The field of a place such as `VirtualService shop/orders spec.hosts`. */
function fieldOf(at: string): string {
  const [, , ...field] = at.split(" ");
  return field.length === 0 ? "" : `${field.join(" ")}: `;
}

/** Conditions with their times: one that says `status` as before keeps its time. */
export function withTimes(
  conditions: readonly Condition[],
  before: readonly Readonly<Record<string, unknown>>[],
  now: string,
): readonly Readonly<Record<string, unknown>>[] {
  return conditions.map((one) => {
    const old = before.find(({ type }) => type === one.type);
    const since = old?.["status"] === one.status ? old["lastTransitionTime"] : undefined;
    return { ...one, lastTransitionTime: typeof since === "string" ? since : now };
  });
}

/** A list with what is ours in it replaced, at the places where it stood: two writers that sort would write for ever. */
export function inPlace<T>(list: readonly T[], isOurs: (one: T) => boolean, ours: readonly T[]): readonly T[] {
  const left = [...ours];
  const kept = list.flatMap((one) => (isOurs(one) ? left.splice(0, 1) : [one]));
  return [...kept, ...left];
}

/** The objects of a list that a status holds. */
export function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return (Array.isArray(value) ? value : []).filter((one) => typeof one === "object" && one !== null);
}

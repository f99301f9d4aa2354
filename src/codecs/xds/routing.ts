/**
 * Dubbo's condition routers, carried out: which providers are left for a call. The order of tests and what becomes of a value that is not
 * there, of ranges and of `$key` are those of apache/dubbo 3.3 (ConditionStateRouter, MultiDestConditionRouter, AbstractConditionMatcher,
 * WildcardValuePattern, RangeValuePattern), and of its 2.7 (ConditionRouter) for steps that are `old`.
 */
import type { RouterStep, RouterTest } from "../../model/routing.ts";

/** A value of a call or of a provider; undefined where it has none of that key. */
export type ValueOf = (key: string) => string | undefined;

/** Whether a step is for a call. */
export function isMeant(step: RouterStep, call: ValueOf): boolean {
  if (step.application !== undefined && call("application") !== step.application) return false;
  return step.when.every((test) => isMet(test, call, undefined, step.old === true));
}

/** Providers that one of a step's targets takes, with that target's share. */
export interface Taken<E> {
  readonly weight: number;
  readonly providers: readonly E[];
}

/**
 * What a step that is meant for a call makes of a list: one list each of its targets that takes someone; `undefined` where it changes
 * nothing. An empty answer leaves nobody.
 */
export function takenBy<E>(
  step: RouterStep,
  providers: readonly E[],
  providerValue: (provider: E, key: string) => string | undefined,
  call: ValueOf,
): readonly Taken<E>[] | undefined {
  if (step.to.length === 0) return [];
  const taken = step.to.flatMap(({ match, weight }): Taken<E>[] => {
    const some = providers.filter((one) =>
      match.every((test) => isMet(test, (key) => providerValue(one, key), call, step.old === true)),
    );
    return some.length === 0 ? [] : [{ weight, providers: some }];
  });
  if (taken.length === 0) return step.force ? [] : undefined;
  // Shares that add up to nothing make Dubbo give up the step.
  return taken.length > 1 && taken.every(({ weight }) => weight <= 0) ? undefined : taken;
}

/** One test; `caller` is what `$key` refers to, undefined on the side of the call itself. */
function isMet({ key, is, not }: RouterTest, find: ValueOf, caller: ValueOf | undefined, isOld: boolean): boolean {
  const value = find(key);
  if (value === undefined) return isOld && is === undefined;
  const fits = (pattern: string) => fitsPattern(pattern, value, caller, isOld);
  if (not?.some(fits) === true) return false;
  return is === undefined ? not !== undefined : is.some(fits);
}

function fitsPattern(pattern: string, value: string, caller: ValueOf | undefined, isOld: boolean): boolean {
  if (!isOld && pattern.includes("~")) return isInRange(pattern, value) ?? caller !== undefined;
  const text = caller !== undefined && pattern.startsWith("$") ? (caller(pattern.slice(1)) ?? "") : pattern;
  if (text === "*") return true;
  if (text === "" || value === "") return text === value;
  const star = text.lastIndexOf("*");
  if (star < 0) return text === value;
  return value.startsWith(text.slice(0, star)) && value.endsWith(text.slice(star + 1));
}

const MAX_INT = 2_147_483_647;

/** `a~b` and `~b`, of whole numbers; what is no number is 0. Undefined where Dubbo cannot tell. */
function isInRange(pattern: string, value: string): boolean | undefined {
  const [from = "", to = ""] = pattern.split("~");
  // Java's split leaves out what is empty at the end: `a~` is one part, which is no range.
  if (to === "") return undefined;
  const numbers = [value, from, to].map((text) => (/^\d+$/.test(text) ? Number(text) : 0));
  if (numbers.some((number) => number > MAX_INT)) return undefined;
  const [number, least, most] = numbers as [number, number, number];
  return number <= most && (from === "" || number >= least);
}

/**
 * Dubbo's condition routers, carried out: which providers are left for a call. The order of tests and what becomes of a value that is not
 * there, of ranges and of `$key` are those of apache/dubbo 3.3 (ConditionStateRouter, MultiDestConditionRouter, AbstractConditionMatcher,
 * WildcardValuePattern, RangeValuePattern), and of its 2.7 (ConditionRouter) for steps that are `old`.
 */
import type { RouterStep, RouterTest } from "../../model/routing.ts";
import type { HeaderLookup } from "./match.ts";

/** A value of a call or of a provider; undefined where it has none of that key. */
export type ValueOf = (key: string) => string | undefined;

/** What Dubbo takes for a value that an expression does not find. */
export const NOT_FOUND = "dubbo_internal_not_found_argument_condition_value";

/** A call and its caller, as routers see them. */
export interface RouterCall {
  readonly method: string;
  readonly interfaceName: string;
  /** Attachments, `dubbo-application` and `dubbo-arg-N`. */
  readonly header: HeaderLookup;
  /** The caller's; undefined where it is not known. */
  readonly address: string | undefined;
  /** What the caller registered with; undefined where it is not known. */
  readonly caller: Readonly<Record<string, string>> | undefined;
}

/** What a call has under a key of a router; undefined for nothing. */
export function callValue(
  key: string,
  { method, interfaceName, header, address, caller }: RouterCall,
): string | undefined {
  switch (key) {
    case "method":
    case "methods":
      return method;
    case "host":
    case "address":
      return address;
    case "application":
      return header("dubbo-application");
    case "protocol":
      return "consumer";
    case "interface":
    case "path":
      return interfaceName;
  }
  // Dubbo looks at what stands before the first dot.
  const [name = ""] = key.split(".");
  if (name.startsWith("arguments")) {
    const index = /arguments\[(\d+)\]/.exec(name)?.[1];
    return index === undefined ? NOT_FOUND : (header(`dubbo-arg-${index}`) ?? "null");
  }
  if (name.startsWith("attachments")) {
    const attachment = /attachments\[(.+)\]/.exec(name)?.[1];
    return attachment === undefined ? NOT_FOUND : header(attachment);
  }
  return caller !== undefined && Object.hasOwn(caller, key) ? caller[key] : undefined;
}

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

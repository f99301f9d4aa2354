import { printServiceKey, serviceKey } from "../../../model/service.ts";
import { compileAllow } from "../../allow.ts";
import { type DubboUrl, interfaceOf, param } from "../url.ts";

/**
 * The `match` of an item of dynamic configuration (configVersion v3.0), all of whose conditions must hold:
 *
 *     address          the host that the item is for        {wildcard, cird (sic), exact}
 *     providerAddress  the provider's `host:port`           {wildcard, cird, exact}
 *     service          its key, `group/interface:version`   {oneof: [{exact, prefix, wildcard, empty, noempty}]}
 *     app              its application                      the same
 *     param            its parameters                       [{key, value: {exact, ...}}]
 *
 * Reference: apache/dubbo 3.3 ConditionMatch, AddressMatch, ListStringMatch, StringMatch, ParamMatch.
 */

/** Whether a provider is meant. */
export type ProviderTest = (provider: DubboUrl) => boolean;

type TextTest = (text: string) => boolean;

const KNOWN: ReadonlySet<string> = new Set(["address", "providerAddress", "service", "app", "param"]);
const MAX_ALTERNATIVES = 1_000;

/** Compiles a match; undefined where something in it is not read (a regex, a range of addresses that is no CIDR, an unknown name). */
export function compileMatch(match: unknown): ProviderTest | undefined {
  if (!isRecord(match) || Object.keys(match).some((key) => !KNOWN.has(key))) return undefined;
  const tests = [
    optional(match["address"], addressTest, ({ host }) => host),
    optional(match["providerAddress"], addressTest, ({ host, port }) => `${host}:${port}`),
    optional(match["service"], listTest, keyOf),
    optional(match["app"], listTest, (provider) => param(provider, "application")),
    ...paramTests(match["param"]),
  ];
  if (tests.includes(undefined)) return undefined;
  return (provider) => tests.every((test) => test!(provider));
}

/** Whether a match says who it is for among consumers, and not only which providers. */
export function namesConsumers(match: unknown): boolean {
  return isRecord(match) && (isGiven(match["address"]) || isGiven(match["app"]));
}

function optional(
  value: unknown,
  compile: (value: unknown) => TextTest | undefined,
  textOf: (provider: DubboUrl) => string,
): ProviderTest | undefined {
  if (!isGiven(value)) return () => true;
  const test = compile(value);
  return test && ((provider) => test(textOf(provider)));
}

function paramTests(value: unknown): readonly (ProviderTest | undefined)[] {
  if (!isGiven(value)) return [];
  if (!Array.isArray(value) || value.length > MAX_ALTERNATIVES) return [undefined];
  return value.map((one) => {
    const key = isRecord(one) ? one["key"] : undefined;
    const test = isRecord(one) ? stringTest(one["value"]) : undefined;
    if (typeof key !== "string" || test === undefined) return undefined;
    // A parameter that is missing meets no condition, not even that of being empty.
    return (provider: DubboUrl) => provider.params[key] !== undefined && test(param(provider, key));
  });
}

/** The first of cird, wildcard, exact that is there decides. */
function addressTest(value: unknown): TextTest | undefined {
  if (!isRecord(value)) return undefined;
  const { cird, wildcard, exact } = value;
  if (isGiven(cird)) return typeof cird === "string" ? cidrTest(cird) : undefined;
  if (isGiven(wildcard)) return typeof wildcard === "string" ? globTest(wildcard) : undefined;
  return isGiven(exact) ? (text) => text === String(exact) : () => false;
}

function cidrTest(range: string): TextTest | undefined {
  try {
    const allows = compileAllow([range]);
    return (text) => text === range || allows(text);
  } catch {
    return undefined;
  }
}

function globTest(pattern: string): TextTest {
  if (pattern === "*" || pattern === "0.0.0.0") return () => true;
  const star = pattern.lastIndexOf("*");
  if (star < 0) return (text) => text === pattern;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (text) => text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

function listTest(value: unknown): TextTest | undefined {
  const list = isRecord(value) ? value["oneof"] : undefined;
  if (!Array.isArray(list) || list.length > MAX_ALTERNATIVES) return undefined;
  const tests = list.map(stringTest);
  return tests.includes(undefined) ? undefined : (text) => tests.some((test) => test!(text));
}

/** The first of exact, prefix, regex, wildcard, empty, noempty that is there decides. A regex is not run. */
function stringTest(value: unknown): TextTest | undefined {
  if (!isRecord(value)) return undefined;
  const { exact, prefix, regex, wildcard, empty, noempty } = value;
  if (isGiven(exact)) return (text) => text === String(exact);
  if (isGiven(prefix)) return (text) => text.startsWith(String(prefix));
  if (isGiven(regex)) return undefined;
  if (isGiven(wildcard)) return wildcard === "*" ? () => true : () => false;
  if (isGiven(empty)) return (text) => text === "";
  if (isGiven(noempty)) return (text) => text !== "";
  return () => false;
}

function keyOf(provider: DubboUrl): string {
  return printServiceKey(serviceKey(interfaceOf(provider), param(provider, "group"), param(provider, "version")));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

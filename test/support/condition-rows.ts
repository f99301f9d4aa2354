import type { Consumer } from "./dubbo.ts";
import { hosts } from "./netns.ts";
import { eventually } from "./process.ts";

// Condition rules of Dubbo's config centre, whatever registry they stand in.
const face = "com.acme.OrderService";
const [a, b, c] = [hosts.provider1, hosts.provider2, hosts.provider3];

/** Whose rule it is, and the key that this has. */
export const ruleKeys = {
  service: `${face}:1.0.0:g.condition-router`,
  provider: "shop.condition-router",
  consumer: "web.condition-router",
} as const;

/** Whose rule it is. */
export type RuleOwner = keyof typeof ruleKeys;

/** The parameters of the three providers, all of `shop`. */
export const conditionProviders = [
  { label: "a", host: a, params: { region: "hz", level: "3" } },
  { label: "b", host: b, params: { region: "sh", level: "7" } },
  { label: "c", host: c, params: { region: "sh", env: "gray" } },
] as const;

/** A condition rule, and who is chosen by it of providers a (hz, level 3), b (sh, level 7) and c (sh, env gray). */
export interface ConditionRow {
  readonly name: string;
  /** A whole text in place of one made of `conditions`. */
  readonly text?: string;
  /** Stands under the interface's `routers`, as 2.6 and 2.7 know it. */
  readonly isLegacy?: true;
  readonly node?: RuleOwner;
  readonly force?: boolean;
  readonly conditions?: readonly string[];
  /** Who is chosen by `whoAmI`, by `getOrder(42)`, and by `whoAmI` with the attachment `user=7`. */
  readonly who: string;
  readonly get?: string;
  readonly user?: string;
  /** Lines of Dubbo that understand it so; all unless said. */
  readonly line?: "2.7" | "3.3";
}

/** All three of them. */
export const all = "a b c";
const rows: readonly ConditionRow[] = [
  { name: "an address", conditions: [`=> host = ${b}`], who: "b" },
  { name: "without an arrow", conditions: [`host = ${b}`], who: "b" },
  { name: "true before the arrow", conditions: ["true => region = hz"], who: "a" },
  { name: "a list of values", conditions: [`=> host = ${a},${c}`], who: "a c" },
  { name: "other than", conditions: [`=> host != ${a}`], who: "b c" },
  { name: "other than a list", conditions: [`=> host != ${a},${b}`], who: "c" },
  { name: "both in one", conditions: [`=> host = 10.77.0.* & host != ${b}`], who: "a c" },
  { name: "a wildcard at the end", conditions: ["=> address = 10.77.0.3*"], who: "b" },
  { name: "a wildcard in the middle", conditions: ["=> address = 10.*.3:20880"], who: "b" },
  { name: "a port", conditions: [`=> host = ${a} & port = 20880`], who: "a" },
  { name: "a parameter", conditions: ["=> region = sh"], who: "b c" },
  { name: "two parameters", conditions: ["=> region = sh & env = gray"], who: "c" },
  { name: "a parameter that is not everywhere", conditions: ["=> env = gray"], who: "c" },
  {
    name: "consumer. and provider. before keys",
    conditions: ["consumer.method = * => provider.region = hz"],
    who: "a",
  },
  { name: "a method", conditions: ["method = getOrder => region = hz"], who: all, get: "a" },
  { name: "a method's beginning", conditions: ["method = get*,find* => region = hz"], who: all, get: "a" },
  { name: "another method", conditions: ["method != getOrder => region = hz"], who: "a", get: all },
  { name: "an argument", conditions: ["arguments[0] = 42 => region = hz"], who: all, get: "a" },
  {
    name: "another argument",
    conditions: ["method = getOrder & arguments[0] != 42 => region = hz"],
    who: all,
    get: all,
  },
  { name: "the caller's address", conditions: [`host = ${hosts.trestle} => env = gray`], who: "c" },
  { name: "another caller's address", conditions: [`host = ${hosts.relay},10.78.* => env = gray`], who: all },
  { name: "the caller's application", conditions: ["application = web => env = gray"], who: "c" },
  { name: "another application", conditions: ["application = other => env = gray"], who: all },
  { name: "what the caller registered with", conditions: ["site = east => region = hz"], who: "a" },
  { name: "as the caller", conditions: ["=> region = $site"], who: all },
  { name: "as the caller, who has it", conditions: ["=> region = $zone"], who: "b c" },
  { name: "nobody, not forced", conditions: ["=> region = nowhere"], who: all },
  { name: "nobody, forced", force: true, conditions: ["=> region = nowhere"], who: "none" },
  {
    name: "nobody for a method, forced",
    force: true,
    conditions: ["method = getOrder => region = nowhere"],
    who: all,
    get: "none",
  },
  { name: "nothing behind the arrow", conditions: ["=>"], who: "none" },
  { name: "nothing for one method", conditions: ["method = getOrder =>"], who: all, get: "none" },
  { name: "false behind the arrow", conditions: ["method = getOrder => false"], who: all, get: "none" },
  {
    name: "two conditions, one after the other",
    conditions: ["=> region = sh", "method = getOrder => env = gray"],
    who: "b c",
    get: "c",
  },
  { name: "a second that leaves nobody", conditions: ["=> region = sh", "=> region = hz"], who: "b c" },
  {
    name: "a second that leaves nobody, forced",
    force: true,
    conditions: ["=> region = sh", "=> region = hz"],
    who: "none",
  },
  { name: "an attachment", conditions: ["attachments[user] = 7 => env = gray"], who: all, user: "c", line: "3.3" },
  {
    name: "a range of an attachment",
    conditions: ["attachments[user] = 5~9 => env = gray"],
    who: all,
    user: "c",
    line: "3.3",
  },
  { name: "a range outside", conditions: ["attachments[user] = 8~9 => env = gray"], who: all, line: "3.3" },
  { name: "a range of providers", conditions: ["=> level = 1~5"], who: "a", line: "3.3" },
  { name: "a parameter other than, where one has none", conditions: ["=> level != 3"], who: "b", line: "3.3" },
  { name: "of the application that calls", node: "consumer", conditions: ["=> env = gray"], who: "c" },
  { name: "of the application that serves", node: "provider", conditions: ["=> env = gray"], who: "c", line: "3.3" },
];

const multi = (conditions: string, force = false) =>
  `configVersion: v3.1\nscope: service\nforce: ${force}\nkey: ${face}\nconditions: ${conditions}\n`;
const destinations: readonly ConditionRow[] = [
  {
    name: "destinations with weights",
    text: multi(
      "[{from: {match: 'method=getOrder'}, to: [{match: 'region=hz', weight: 100}, {match: 'env=gray', weight: 100}]}]",
    ),
    who: all,
    get: "a c",
  },
  {
    name: "destinations of which one is empty",
    text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}, {match: 'env=gray', weight: 1}]}]"),
    who: "c",
  },
  { name: "no destination", text: multi("[{from: {match: 'method=getOrder'}, to: []}]"), who: all, get: "none" },
  { name: "empty destinations", text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}]}]"), who: all },
  {
    name: "empty destinations, forced",
    text: multi("[{from: {match: ''}, to: [{match: 'region=nowhere'}]}]", true),
    who: "none",
  },
];
const legacy: readonly ConditionRow[] = [
  { name: "an address of old", isLegacy: true, conditions: [`=> host = ${b}`], who: "b" },
  { name: "a method of old", isLegacy: true, conditions: ["method = get* => region = hz"], who: all, get: "a" },
  { name: "other than, of old", isLegacy: true, conditions: ["=> env != gray"], who: "a b" },
  { name: "nobody of old, forced", isLegacy: true, force: true, conditions: ["=> region = nowhere"], who: "none" },
  { name: "nobody of old", isLegacy: true, conditions: ["=> region = nowhere"], who: all },
];
/** The rows that each line of Dubbo understands. */
const byLine = {
  "2.6": legacy,
  "2.7": [...rows.filter(({ line }) => line !== "3.3"), ...legacy],
  "3.3": [...rows.filter(({ line }) => line !== "2.7"), ...destinations],
} as const;

/** A line of Dubbo that condition rules are tried with. */
export type ConditionLine = keyof typeof byLine;

/** Every row with those of the lines that understand it, leaving out rows and lines that have none. */
export function conditionRows(
  lines: readonly ConditionLine[],
  isTried: (row: ConditionRow) => boolean = () => true,
): readonly (ConditionRow & { readonly lines: readonly ConditionLine[] })[] {
  return [...rows, ...destinations, ...legacy]
    .filter(isTried)
    .map((row) => ({ ...row, lines: lines.filter((line) => byLine[line].includes(row)) }))
    .filter((row) => row.lines.length > 0);
}

/** Consumers of the same lines, by `LINE WAY`: those that go straight and those through Trestle. */
export type Callers = Readonly<Record<string, Consumer>>;

/** Those of some lines alone. */
export function ofLines(callers: Callers, lines: readonly string[]): Callers {
  return Object.fromEntries(Object.entries(callers).filter(([name]) => lines.includes(name.split(" ")[0]!)));
}

/** The rule's text. */
export function conditionText({ force = false, conditions = [], text }: ConditionRow): string {
  const list = conditions.map((one) => `  - '${one}'`).join("\n");
  return text ?? `configVersion: v3.0\nforce: ${force}\nenabled: true\nruntime: true\nconditions:\n${list}\n`;
}

/** Who serves calls; `none` where they fail. */
export async function chosenBy(
  consumer: Consumer,
  method: string,
  attach: Readonly<Record<string, string>>,
): Promise<string> {
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const answer = await consumer.ask({ op: "call", method, arg: method === "getOrder" ? 42 : undefined, attach });
    const value = answer["value"] as { label?: string; servedBy?: string } | undefined;
    seen.add(value?.label ?? value?.servedBy ?? "none");
  }
  return [...seen].sort().join(" ");
}

/** Waits until each of the consumers is sent to whom the row says; fails with whom they were sent to. */
export async function expectChosen(consumers: Callers, { who, get = who, user = who }: ConditionRow): Promise<void> {
  const expected = [who, get, user];
  const isSent = async ([name, one]: readonly [string, Consumer]) => {
    let seen: string[] = [];
    const look = async () => {
      seen = [
        await chosenBy(one, "whoAmI", {}),
        await chosenBy(one, "getOrder", {}),
        await chosenBy(one, "whoAmI", { user: "7" }),
      ];
      return seen.join() === expected.join();
    };
    await eventually(name, look, 8_000).catch(() => {
      throw new Error(`${name}: ${seen.join(" | ")} in place of ${expected.join(" | ")}`);
    });
  };
  await Promise.all(Object.entries(consumers).map(isSent));
}

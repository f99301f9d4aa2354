import type { Consumer } from "./dubbo.ts";
import { eventually } from "./process.ts";

type Attach = Readonly<Record<string, string>>;
const forced = { "dubbo.force.tag": "true" };

/** Whom a tag rule gives its tag, whom not, and who these are. */
export interface TagWorld {
  /** The address of the one that the tag `gray` is for; it has the parameter `lane=v2`. */
  readonly host: string;
  readonly gray: string;
  readonly plain: string;
}

type Chosen = "plain" | "gray" | "none";

/** A tag rule, and whom each of the calls of the table reaches. */
export interface TagRow {
  readonly name: string;
  readonly text: string;
  readonly chosen: readonly Chosen[];
  /** Only 3.3 knows it. */
  readonly line?: "3.3";
}

const ruleFor = (host: string): string => `scope: application
force: false
runtime: true
enabled: true
key: shop
tags:
- name: gray
  addresses: ["${host}:20880"]
- name: empty
  addresses: ["${host}:1"]
`;
/** Calls, and whom they reach: what {@link TagWorld} calls so, or `none`. */
const calls: readonly (readonly [name: string, attach: Attach, chosen: Chosen])[] = [
  ["without a tag", {}, "plain"],
  ["with the rule's tag", { "dubbo.tag": "gray" }, "gray"],
  ["with the rule's tag, forced", { "dubbo.tag": "gray", ...forced }, "gray"],
  ["with a tag that nobody has", { "dubbo.tag": "blue" }, "plain"],
  ["with a tag that nobody has, forced", { "dubbo.tag": "blue", ...forced }, "none"],
  ["with a tag whose addresses are nobody's", { "dubbo.tag": "empty" }, "plain"],
];

/** A rule that does not force, and such with what it has not: force, patterns and, for 3.3, a match of parameters. */
export function tagRows(host: string): readonly TagRow[] {
  const rule = ruleFor(host);
  return [
    { name: "", text: rule, chosen: calls.map(([, , chosen]) => chosen) },
    {
      name: "forced",
      text: rule.replace("force: false", "force: true"),
      chosen: ["plain", "gray", "gray", "plain", "none", "none"],
    },
    {
      name: "with a pattern",
      text: rule.replace(`${host}:20880`, host.replace(/(\d+)$/, "$1-$1")),
      chosen: ["plain", "gray", "gray", "plain", "none", "plain"],
    },
    {
      name: "with a match",
      text: `configVersion: v3.0\n${rule.replace(`addresses: ["${host}:20880"]`, "match: [{key: lane, value: {exact: v2}}]")}`,
      chosen: ["plain", "gray", "gray", "plain", "none", "plain"],
      line: "3.3",
    },
  ];
}

/** Who serves calls with these attachments; `none` where they fail. */
export async function taggedBy(consumer: Consumer, attach: Attach): Promise<string> {
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const answer = await consumer.ask({ op: "call", method: "whoAmI", attach });
    seen.add((answer["value"] as { label: string } | undefined)?.label ?? "none");
  }
  return [...seen].sort().join(" ");
}

/** Waits until each of the consumers is sent to whom the row says; fails with whom they were sent to. */
export async function expectTagged(
  consumers: Readonly<Record<string, Consumer>>,
  row: TagRow,
  world: TagWorld,
): Promise<void> {
  const expected = row.chosen.map((one) => (one === "none" ? one : world[one]));
  const isSent = async ([name, consumer]: readonly [string, Consumer]) => {
    let seen: string[] = [];
    const look = async () => {
      seen = [];
      for (const [, attach] of calls) seen.push(await taggedBy(consumer, attach));
      return seen.join() === expected.join();
    };
    await eventually(name, look, 15_000).catch(() => {
      throw new Error(`${name}: ${seen.join(" | ")} in place of ${expected.join(" | ")}`);
    });
  };
  await Promise.all(Object.entries(consumers).map(isSent));
}

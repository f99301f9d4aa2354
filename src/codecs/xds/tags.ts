import type { RouterTags } from "../../model/routing.ts";

/** The tag that a call asks for; `""` for none. */
export interface AskedTag {
  readonly tag: string;
  /** It has to be met. */
  readonly tagForced: boolean;
}

/**
 * The tag whose endpoints a call for one may have, by Dubbo's rule: its own; where there are none with it `""`, those without any, unless it is
 * forced, or the tag rule forces it: undefined then. Of `a|b|c` under a tag rule the longest of itself, `a|b` and `a` that is set counts.
 */
export function tagFor(
  tag: string,
  tagForced: boolean,
  rule: RouterTags | undefined,
  tagged: { has(tag: string): boolean },
): string | undefined {
  const level = rule === undefined || tagForced ? tag : levelOf(tag, rule, tagged);
  if (tagged.has(level)) return level;
  return tagForced || (rule?.force === true && rule.names.includes(level)) ? undefined : "";
}

function levelOf(tag: string, { names }: RouterTags, tagged: { has(tag: string): boolean }): string {
  for (let level = tag; level !== ""; level = level.slice(0, Math.max(0, level.lastIndexOf("|"))))
    if (names.includes(level) || tagged.has(level)) return level;
  return tag;
}

/** The pure part of the codecs' bench: the table of what was measured, beside the goals. */
import { digits, markdown } from "./numbers.ts";

/** One body: CPU time of each way over it, ns. */
export interface CodecRow {
  readonly name: string;
  readonly bytes: number;
  /** Read into the value tree. */
  readonly readNs: number;
  /** Walked over, nothing built. */
  readonly skipNs: number;
  /** Written from the value tree. */
  readonly writeNs: number;
  /** Read by hessian.js. */
  readonly otherNs: number;
}

/** How many times as fast as hessian.js reads. */
const READ_GOAL = 2;
const SKIP_GOAL = 8;

/** The measurements as a Markdown table, each body with its goals. */
export function codecTable(rows: readonly CodecRow[]): string {
  const us = (ns: number) => digits(ns / 1000);
  const against = (otherNs: number, ns: number, goal: number) =>
    `${digits(otherNs / ns)} (${otherNs / ns >= goal ? "met" : "missed"})`;
  return markdown(
    [
      "body",
      "bytes",
      "read µs",
      "skipped µs",
      "written µs",
      "hessian.js reads µs",
      `hessian.js / read (goal ${READ_GOAL})`,
      `hessian.js / skipped (goal ${SKIP_GOAL})`,
    ],
    rows.map(({ name, bytes, readNs, skipNs, writeNs, otherNs }) => [
      name,
      String(bytes),
      us(readNs),
      us(skipNs),
      us(writeNs),
      us(otherNs),
      against(otherNs, readNs, READ_GOAL),
      against(otherNs, skipNs, SKIP_GOAL),
    ]),
  );
}

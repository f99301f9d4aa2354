/** The pure part of the bench of whole calls: the table of what was measured, beside the goal. */
import { digits, markdown, median } from "./numbers.ts";

/** One kind of call one way, a value a round in each list: CPU time a call, µs. */
export interface WholeCallsRow {
  /** What is sent. */
  readonly what: string;
  readonly way: "plain" | "mtls";
  /** Of the consumer's and the providers' processes. */
  readonly applicationsUs: readonly number[];
  /** Of both proxies, their parent processes included. */
  readonly proxiesUs: readonly number[];
}

/** Mutual TLS may make a call this much dearer. */
const GOAL = 1.15;

/** The measurements as a Markdown table, a row a kind of call. */
export function wholeCallsTable(rows: readonly WholeCallsRow[]): string {
  const kinds = [...new Set(rows.map(({ what }) => what))];
  return markdown(
    [
      "what is sent",
      "applications, plain",
      "proxies, plain",
      "applications, mTLS",
      "proxies, mTLS",
      `share (goal ${GOAL})`,
    ],
    kinds.map((what) => {
      const of = (way: WholeCallsRow["way"]) => rows.find((row) => row.what === what && row.way === way)!;
      const figures = [of("plain"), of("mtls")].flatMap((row) => [median(row.applicationsUs), median(row.proxiesUs)]);
      const share = median(ratios(of("mtls"), of("plain")));
      return [what, ...figures.map((us) => digits(us)), `${share.toFixed(3)} (${share <= GOAL ? "met" : "missed"})`];
    }),
  );
}

/** Of the whole of each call, round by round: what else the machine does in a round falls on both. */
function ratios(one: WholeCallsRow, other: WholeCallsRow): number[] {
  const whole = ({ applicationsUs, proxiesUs }: WholeCallsRow, round: number) =>
    applicationsUs[round]! + proxiesUs[round]!;
  return one.proxiesUs.map((_, round) => whole(one, round) / whole(other, round));
}

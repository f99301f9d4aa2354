import { readFileSync } from "node:fs";

/** The lines whose Triple traffic is recorded. */
export const TRIPLE_LINES = ["3.2.18", "3.3.6"] as const;

/** One header of a recorded list. */
type Header = readonly [name: string, value: string];

/** One call of a recording under fixtures/wire/triple. */
export interface RecordedCall {
  readonly run: "typed" | "generic";
  readonly stream: number;
  /** Last part of the path. */
  readonly method: string;
  readonly requestHead: readonly Header[];
  /** All DATA of the caller, envelopes included. */
  readonly request: Buffer;
  /** Null where the answer is trailers alone. */
  readonly responseHead: readonly Header[] | null;
  readonly response: Buffer;
  readonly trailers: readonly Header[];
}

/** All calls of one line's recording, in the order they were made. */
export function recordedCalls(line: (typeof TRIPLE_LINES)[number]): RecordedCall[] {
  const file = new URL(`../../fixtures/wire/triple/${line}-hessian4.jsonl`, import.meta.url);
  const rows = readFileSync(file, "utf8").trimEnd().split("\n");
  return rows.map((text) => {
    const row = JSON.parse(text);
    const path: string = row.requestHead.find(([name]: Header) => name === ":path")[1];
    return {
      ...row,
      method: path.slice(path.lastIndexOf("/") + 1),
      request: Buffer.from(row.request, "hex"),
      response: Buffer.from(row.response, "hex"),
    };
  });
}

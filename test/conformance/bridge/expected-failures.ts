import { readFileSync } from "node:fs";

/** The known gaps, by `caller callee case`, each with its reason. */
export type ExpectedFailures = ReadonlyMap<string, string>;

/**
 * Reads rows `caller callee case: reason`; empty lines and those that begin with # are for readers. Throws on a row without a reason
 * and on one that is there twice.
 */
export function parseExpectedFailures(text: string): ExpectedFailures {
  const rows = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, cell, reason] = /^(\S+ \S+ .+): (.+)$/.exec(line) ?? [];
    if (cell === undefined || reason === undefined)
      throw new Error(`line ${index + 1} is no "caller callee case: reason"`);
    if (rows.has(cell)) throw new Error(`line ${index + 1}: ${cell} is there twice`);
    rows.set(cell, reason);
  }
  return rows;
}

/** The rows of expected-failures.txt. */
export function expectedFailures(): ExpectedFailures {
  return parseExpectedFailures(readFileSync(new URL("expected-failures.txt", import.meta.url), "utf8"));
}

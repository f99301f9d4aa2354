/** The pure part of the authority's bench: the table of what was measured, beside the goal. */
import { digits, markdown } from "./numbers.ts";

/** One kind of root with one kind of key to certify: CPU time of a certificate, the request's check included, µs. */
export interface SigningRow {
  readonly root: "ec" | "rsa";
  readonly leaf: "ec" | "rsa";
  readonly cpuUs: number;
}

/** Certificates in a second that one core is to sign. */
const GOAL = 500;

const NAMES = { ec: "ECDSA P-256", rsa: "RSA 2048" } as const;

/** The measurements as a Markdown table. */
export function signingTable(rows: readonly SigningRow[]): string {
  return markdown(
    ["root's key", "key of the request", "CPU µs a certificate", `certificates a second on one core (goal ${GOAL})`],
    rows.map(({ root, leaf, cpuUs }) => {
      const perSecond = 1_000_000 / cpuUs;
      const verdict = perSecond >= GOAL ? "met" : "missed";
      return [NAMES[root], NAMES[leaf], digits(cpuUs), `${Math.round(perSecond)} (${verdict})`];
    }),
  );
}

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type JsonNode, parseJson } from "../../src/codecs/json-text.ts";

/** One value that a real hessian-lite wrote: see fixtures/wire/README.md. */
export interface HessianVector {
  readonly name: string;
  readonly hex: string;
  /** What our JSON of it has to be, made by Java from the object that was written. */
  readonly json: JsonNode;
  /** What that hessian-lite sees in its own bytes, as text; `!` and an exception when it can't read them. */
  readonly seen: string;
}

/** The recordings: hessian-lite's version, `-compact` for its compact java.time mode. */
export const RECORDINGS = ["3.2.13", "4.0.4", "4.0.4-compact"] as const;
export type Recording = (typeof RECORDINGS)[number];

const wire = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/wire/hessian");

export function hessianVectors(recording: Recording): HessianVector[] {
  const lines = readFileSync(join(wire, `hessian-lite-${recording}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => {
    const row = parseJson(line) as Map<string, JsonNode>;
    const text = (key: string): string => row.get(key) as string;
    return { name: text("name"), hex: text("hex"), json: row.get("json")!, seen: text("seen") };
  });
}

/** The 151 values recorded earlier, each line of one or more values: name and hex. */
export function moreVectors(): { name: string; hex: string }[] {
  const lines = readFileSync(join(wire, "hessian-lite-4.0.4-values.txt"), "utf8").trimEnd().split("\n");
  return lines
    .filter((line) => !line.startsWith("!"))
    .map((line) => {
      const space = line.indexOf(" ");
      return { name: line.slice(0, space), hex: line.slice(space + 1) };
    });
}

/** Bodies of recorded Dubbo2 frames in Hessian2, requests and answers, of the Dubbo lines 2.6 to 3.3: see fixtures/wire/dubbo2. */
export function dubboBodies(line: "2.6.12" | "2.7.23" | "3.2.18" | "3.3.6"): { note: string; body: Buffer }[] {
  const rows = readFileSync(join(wire, `../dubbo2/${line}-hessian2.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
  return rows.flatMap((row) => {
    const { note, hex } = JSON.parse(row) as { note: string; hex: string };
    const frame = Buffer.from(hex, "hex");
    const complete = frame.length > 16 && frame.readUInt32BE(12) === frame.length - 16;
    return complete && (frame[2]! & 0x1f) === 2 ? [{ note, body: frame.subarray(16) }] : [];
  });
}

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One value that fastjson2 2.0.52 wrote as Dubbo 3.2.18 has it write: see fixtures/wire/fastjson2. */
export interface Fastjson2Vector {
  readonly name: string;
  readonly hex: string;
  /** What that fastjson2 sees in its own bytes, as text; `!` and an exception when it can't read them. */
  readonly seen: string;
}

const file = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/wire/fastjson2/fastjson2-2.0.52.jsonl");

export function fastjson2Vectors(): Fastjson2Vector[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Fastjson2Vector);
}

/** The bytes of the vector with this name. */
export function fastjson2Vector(name: string): Buffer {
  const found = fastjson2Vectors().find((vector) => vector.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return Buffer.from(found.hex, "hex");
}

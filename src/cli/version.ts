import { readFileSync } from "node:fs";

/** Trestle's version, as package.json says it: the file stands one folder above the bundle, and two above this source. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // Not there: the other place has it.
    }
  }
  return "0.0.0";
}

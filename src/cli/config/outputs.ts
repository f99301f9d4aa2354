import { parseAddress } from "./address.ts";
import type { Fail } from "./registries.ts";

/** One item of `outputs`, as it stands in the file. */
export interface RawOutput {
  readonly files?: string;
  readonly xds?: string;
}

/** What is written and served, apart by kind. */
export interface ResolvedOutputs {
  readonly outputs: readonly { readonly files: string }[];
  /** Where xDS is served; undefined for nowhere. */
  readonly xds?: { readonly host: string; readonly port: number };
  /** For each of `outputs`, which item of the given list it is. */
  readonly places: readonly number[];
  /** Which item says where xDS is served. */
  readonly xdsPlace: number;
}

/** Istio's port for xDS with TLS is 15012, without 15010: 15011 is neither. */
const DEFAULT_XDS_PORT = 15_011;

/** The outputs of `--output` flags, else of the file; `at` says where a fault of the i-th stands. */
export function resolveOutputs(
  flags: readonly string[] | undefined,
  raw: readonly RawOutput[] | undefined,
  at: (i: number) => string,
  fail: Fail,
): ResolvedOutputs {
  const items = flags?.map((text, i) => flagOutput(text, (message) => fail(at(i), message))) ?? raw ?? [];
  const outputs: { readonly files: string }[] = [];
  const places: number[] = [];
  let xds: ResolvedOutputs["xds"];
  let xdsPlace = 0;
  for (const [i, item] of items.entries()) {
    const given = Object.keys(item);
    if (given.length !== 1) {
      fail(
        at(i),
        given.length === 0
          ? "says nothing; give files or xds"
          : `is ${given.join(" and ")}; give each an item of its own`,
      );
      continue;
    }
    if (item.files !== undefined) {
      outputs.push({ files: item.files });
      places.push(i);
    } else if (item.xds !== undefined) {
      // A number alone would be a host by its form, and is meant as a port.
      const address = /^\d+$/.test(item.xds) ? undefined : parseAddress(item.xds, DEFAULT_XDS_PORT);
      if (address === undefined) fail(at(i), `"${item.xds}" is no host:port to serve xDS at, such as 0.0.0.0:15011`);
      else if (xds !== undefined) fail(at(i), "xDS is served at one address; there is another one already");
      else {
        xds = address;
        xdsPlace = i;
      }
    }
  }
  return { outputs, places, xdsPlace, ...(xds !== undefined && { xds }) };
}

function flagOutput(text: string, fail: (message: string) => void): RawOutput {
  const [, kind, place] = /^([a-z]+)=(.+)$/.exec(text) ?? [];
  if (kind === "files" && place !== undefined) return { files: place };
  if (kind === "xds" && place !== undefined) return { xds: place };
  if (kind === "kubernetes" || kind === "mcp")
    fail(`an output ${kind} is not supported yet; files=FOLDER and xds=HOST:PORT are`);
  else fail(`"${text}" is no output; use files=FOLDER or xds=HOST:PORT`);
  return { files: "" };
}

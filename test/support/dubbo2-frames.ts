import { readFileSync } from "node:fs";

/** One frame of a recording under fixtures/wire/dubbo2. */
export interface RecordedFrame {
  readonly run: "typed" | "generic";
  readonly dir: "c2s" | "s2c";
  readonly note: string;
  readonly ser: number;
  readonly status: number;
  readonly id: string;
  readonly len: number;
  readonly bytes: Buffer;
}

/** The lines whose Hessian2 traffic is recorded. */
export const HESSIAN2_LINES = ["2.6.12", "2.7.23", "3.2.18", "3.3.6"] as const;

/** All frames of one recording, in order; `name` is the file without its ending. */
export function recordedFrames(name: string): RecordedFrame[] {
  const file = new URL(`../../fixtures/wire/dubbo2/${name}.jsonl`, import.meta.url);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const row = JSON.parse(line);
    return { ...row, bytes: Buffer.from(row.hex, "hex") };
  });
}

/** The one frame of a recording with this note and direction; the first where there are more. */
export function recordedFrame(name: string, note: string, dir: "c2s" | "s2c", run = "typed"): Buffer {
  const found = recordedFrames(name).find((frame) => frame.note === note && frame.dir === dir && frame.run === run);
  if (found === undefined) throw new Error(`no ${note} ${dir} in ${name}`);
  return found.bytes;
}

import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../base/errors.ts";
import type { TrestleConfig } from "../config/config.ts";

/** One error for each output folder that cannot be written, or cannot be made. */
export function checkFolders({ outputs }: TrestleConfig): ConfigError[] {
  return outputs.flatMap(({ files }) => {
    const fault = faultOf(resolve(files));
    return fault === undefined ? [] : [new ConfigError(`output files=${files}`, fault)];
  });
}

function faultOf(folder: string): string | undefined {
  try {
    const found = statSync(folder, { throwIfNoEntry: false });
    // What is not there is made; that takes the right to write in the folder above.
    if (found === undefined) return dirname(folder) === folder ? undefined : faultOf(dirname(folder));
    if (!found.isDirectory()) return `${folder} is no folder`;
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") return faultOf(dirname(folder));
    return code === "EACCES" || code === "EROFS" ? `${folder} cannot be written by this user` : message;
  }
}

import { Command } from "commander";
import { adminOption, askAdmin } from "./admin-client.ts";
import { failWith } from "./fail.ts";

/** Each worker may take its time to drain; past this something hangs. */
const TIMEOUT_MS = 180_000;

/** `trestle restart`: rolls the proxy workers of a running instance. */
export function createRestartCommand(): Command {
  return new Command("restart")
    .description("replace the proxy workers of a running instance one after the other, without losing a call")
    .addOption(adminOption())
    .addHelpText(
      "after",
      `
Each worker is taken off consumers' lists, drained and replaced while the other one carries the calls; this takes about
half a minute, since Dubbo 3 takes up list changes every 5 s.

Example:
  trestle restart --admin http://10.0.0.5:15000`,
    )
    .action(async ({ admin }: { admin: string }) => {
      const showsProgress = process.stderr.isTTY === true;
      const startMs = Date.now();
      const progress = setInterval(() => {
        if (showsProgress)
          process.stderr.write(`\rreplacing workers ... ${Math.round((Date.now() - startMs) / 1_000)} s`);
      }, 1_000);
      try {
        const { workers } = await askAdmin<{ workers: string[] }>(admin, "/api/v1/restart", "POST", TIMEOUT_MS);
        process.stdout.write(`replaced ${workers.join(", ")}\n`);
      } catch (error) {
        failWith(error as Error);
      } finally {
        clearInterval(progress);
        if (showsProgress) process.stderr.write("\r\x1b[K");
      }
    });
}

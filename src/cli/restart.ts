import { Command } from "commander";
import { failWith } from "./fail.ts";

/** `trestle restart`: rolls the proxy workers of a running instance. */
export function createRestartCommand(): Command {
  return new Command("restart")
    .description("replace the proxy workers of a running instance one after the other, without losing a call")
    .option("--admin <url>", "admin API of the instance", "http://127.0.0.1:15000")
    .addHelpText(
      "after",
      `
Each worker is taken off consumers' lists, drained and replaced while the other one carries the calls; this takes about
half a minute, since Dubbo 3 takes up list changes every 5 s.

Example:
  trestle restart --admin http://10.0.0.5:15000`,
    )
    .action(async ({ admin }: { admin: string }) => {
      const base = admin.includes("://") ? admin : `http://${admin}`;
      const showsProgress = process.stderr.isTTY === true;
      const startMs = Date.now();
      const progress = setInterval(() => {
        if (showsProgress)
          process.stderr.write(`\rreplacing workers ... ${Math.round((Date.now() - startMs) / 1_000)} s`);
      }, 1_000);
      try {
        const response = await fetch(`${base}/api/v1/restart`, { method: "POST" });
        const body = (await response.json()) as { workers?: string[]; error?: string };
        if (!response.ok) throw new Error(`${base} answered ${response.status}: ${body.error ?? ""}`);
        process.stdout.write(`replaced ${(body.workers ?? []).join(", ")}\n`);
      } catch (error) {
        const cause = (error as { cause?: { code?: string } }).cause?.code;
        failWith(
          cause === undefined
            ? (error as Error)
            : new Error(`cannot reach the admin API at ${base} (${cause}); is trestle up running there?`),
        );
      } finally {
        clearInterval(progress);
        if (showsProgress) process.stderr.write("\r");
      }
    });
}

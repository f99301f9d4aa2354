import { Command } from "commander";
import { createLogger, type LogLevel } from "../base/log.ts";
import { runWorker, type WorkerReply, type WorkerRequest } from "../bridge-proxy/worker.ts";

/** Name of the hidden command that a proxy worker process runs. */
export const WORKER_COMMAND = "__worker";

/** A parent that has not drained a worker this long after it asked for it does not do it any more, ms. */
const LEAVE_MS = 12_000;

/** The command of a worker process: only ever started by `trestle up`, with a channel to it. */
export function createWorkerCommand(): Command {
  return new Command(WORKER_COMMAND)
    .argument("<name>")
    .option("--log-level <level>", "", "info")
    .action(async (name: string, options: { logLevel: LogLevel }) => {
      if (process.send === undefined) throw new Error("a proxy worker is started by trestle up, not by hand");
      const stop = new AbortController();
      let asked = false;
      process.on("SIGTERM", () => {
        if (asked || !process.connected) {
          stop.abort();
          return;
        }
        // Consumers that are still shown this worker's address would find nobody there: the parent takes it off first.
        asked = true;
        process.send!({ type: "leave" } satisfies WorkerReply);
        setTimeout(() => stop.abort(), LEAVE_MS).unref();
      });
      // The terminal sends SIGINT to the whole group: the parent decides what becomes of its workers.
      process.on("SIGINT", () => {});
      process.on("SIGHUP", () => {});
      const channel = {
        send: (reply: WorkerReply) => void (process.connected && process.send!(reply, () => {})),
        onRequest: (handle: (request: WorkerRequest) => void) => process.on("message", handle),
        onGone: (handle: () => void) => process.on("disconnect", handle),
      };
      await runWorker(name, channel, createLogger(options.logLevel).child({ worker: name }), stop.signal);
      // What was sent last is still on its way to the parent: the channel closes behind it.
      process.once("disconnect", () => process.exit(0));
      if (process.connected) process.disconnect();
      else process.exit(0);
    });
}

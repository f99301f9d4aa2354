import { failWith } from "./fail.ts";

/** After SIGTERM everything is gone within this time, ms, whatever still hangs. */
const STOP_MS = 7_500;

/** Something that runs until it is told to end. */
export interface Role {
  /** Rejects, with everything closed again, where it cannot. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a role; from now on SIGTERM and SIGINT end it in order, and the process with it, a second one at once. A role that cannot start ends the
 * process with its reason. False where it was told to end before it had started.
 */
export async function runRole(role: Role): Promise<boolean> {
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS).unref();
    void role.stop().then(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  try {
    await role.start();
  } catch (error) {
    // What was being opened when the signal came fails as it is closed again.
    if (!stopping) failWith(error as Error);
    return false;
  }
  return true;
}

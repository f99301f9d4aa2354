import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { LOCK_FILE, lockFolder } from "../../../../src/registry-sync/state/folder-lock.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trestle-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = { logger: silentLogger };
const file = () => join(folder, LOCK_FILE);
const named = (fields: object) =>
  writeFile(file(), JSON.stringify({ pid: 1, host: hostname(), boot: "", since: "then", ...fields }));

test("a folder is one's alone until it is let go; the error names who has it", () => {
  const first = lockFolder(folder, options);
  expect(() => lockFolder(folder, options)).toThrow(
    new RegExp(
      `^the data folder ${folder} is in use by process ${process.pid} of ${hostname()} since 20.*; each trestle needs one`,
    ),
  );
  first.close();
  lockFolder(folder, options).close();
});

test("who refuses is the system: what the file says of a holder that is gone keeps nobody out", async () => {
  await named({ pid: process.ppid });
  lockFolder(folder, options).close();
  await writeFile(file(), "\x00no JSON");
  lockFolder(folder, options).close();
  expect(await readFile(file(), "utf8")).toBe("");
});

test("a process that is killed leaves no lock", async () => {
  const hold = 'exec 3>>"$0"; flock -n 3 && echo held; exec sleep 60';
  const held = spawn("sh", ["-c", hold, file()], { stdio: ["ignore", "pipe", "ignore"] });
  await once(held.stdout, "data");
  expect(() => lockFolder(folder, options)).toThrow("is in use by another process");
  held.kill("SIGKILL");
  await once(held, "exit");
  lockFolder(folder, options).close();
});

test("a folder that is not there is made", () => {
  lockFolder(join(folder, "a", "b"), options).close();
});

test("without the program the process that the file names is looked for", async () => {
  const { logger, lines } = recordingLogger();
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  const without = { logger, program: "no-such-program" };
  await named({ pid: process.ppid, boot });
  expect(() => lockFolder(folder, without)).toThrow(`is in use by process ${process.ppid}`);
  expect(lines).toEqual([]);
  for (const gone of [
    { pid: 4_194_304 * 4, boot },
    { pid: process.ppid, boot: "before" },
    { host: "other", boot },
  ]) {
    await named(gone);
    lockFolder(folder, without).close();
  }
  expect(lines).toHaveLength(3);
});

test("where the file cannot be made nothing is locked, and that is told", async () => {
  const { logger, lines } = recordingLogger();
  await writeFile(join(folder, "data"), "a file");
  lockFolder(join(folder, "data"), { logger }).close();
  expect(lines).toHaveLength(1);
});

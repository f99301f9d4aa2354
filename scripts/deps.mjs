// Runs `npm ci` unless node_modules already holds what package-lock.json says; then makes the sources that the build makes.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  console.error(`Node ${process.version} is too old: Trestle needs Node 20 or later`);
  process.exit(1);
}

/** Whether every package of the lock file stands in node_modules at its version; packages for other platforms may be missing. */
function current() {
  const installed = "node_modules/.package-lock.json";
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  const want = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
  return Object.entries(want).every(
    ([path, { version, optional }]) => path === "" || have[path]?.version === version || (optional && !have[path]),
  );
}

if (!current()) {
  console.log("installing node_modules (npm ci)");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const { ensureDescriptors } = await import("./xds-protos.mjs");
ensureDescriptors();

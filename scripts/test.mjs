// `make test`: sets up the real peers, then types, lint, unit tests and tests with real peers; all of them run, whatever fails before.
// The last line is "N passed, N failed", over all tests; a check that is no test counts only when it fails.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { relative } from "node:path";
import { countReport } from "./summary.mjs";

const startedAt = Date.now();
const totals = { passed: 0, failed: 0, names: [] };

/** Runs a command; returns whether it ended with 0. */
function run(title, command, args) {
  console.log(`\n== ${title}`);
  const before = Date.now();
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) console.error(String(error));
  console.log(`   ${status === 0 ? "done" : "FAILED"} after ${Math.round((Date.now() - before) / 1000)} s`);
  return status === 0;
}

function check(title, command, args) {
  if (run(title, command, args)) return true;
  totals.failed++;
  totals.names.push(title);
  return false;
}

function tests(title, project, command, args) {
  const report = `.cache/vitest-${project}.json`;
  rmSync(report, { force: true });
  run(title, command, [
    ...args,
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const counts = countReport(report);
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.names.push(...counts.names);
}

const peers =
  check("real peers: packages", "scripts/peers.sh", []) &&
  check("real peers: Java programs", process.execPath, ["--import", "tsx", "test/support/build-peers.ts"]);
check("build", "npm", ["run", "--silent", "build"]);
check("types", "npm", ["run", "--silent", "typecheck"]);
check("lint", "npm", ["run", "--silent", "lint"]);
tests("unit tests and tree check", "unit", "npx", ["--no-install", "vitest", "run"]);
if (peers) tests("tests with real peers", "e2e", "scripts/netns.sh", ["npx", "--no-install", "vitest", "run"]);
else console.log("\n== tests with real peers\n   NOT RUN: the peers could not be set up, see above");

if (totals.names.length > 0) console.log("\nfailed:");
for (const name of totals.names) console.log(`  ${name.replace(process.cwd(), relative(process.cwd(), ".") || ".")}`);
console.log(`\nafter ${Math.round((Date.now() - startedAt) / 1000)} s`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);

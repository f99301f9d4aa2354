// `make test`: sets up the real peers, then types, lint, unit tests and tests with real peers; all of them run, whatever fails before.
// The last line is "N passed, N failed", over all tests; a check that is no test counts only when it fails.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { createInterface } from "node:readline";
import { LANES, laneReport, lanes } from "./lanes.mjs";
import { countReport, failedFiles } from "./summary.mjs";

/** So many files with real peers may fail and be run a second time; when more do, something is broken. */
const MAX_SECOND_RUNS = 2;
const SECOND_REPORT = ".cache/vitest-e2e-second.json";

const startedAt = Date.now();
const totals = { passed: 0, failed: 0, names: [], unsteady: [] };
mkdirSync(".cache", { recursive: true });

function heading(title) {
  console.log(`\n== ${title}`);
}

function ended(title, status, before) {
  console.log(`   ${title}${status === 0 ? "done" : "FAILED"} after ${Math.round((Date.now() - before) / 1000)} s`);
  return status === 0;
}

/** Runs a command; returns whether it ended with 0. */
async function run(title, command, args) {
  heading(title);
  const before = Date.now();
  return ended("", await exitCode(spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] })), before);
}

/** Starts a command whose lines are printed as they come, each after `prefix`; resolves to its exit code. */
function runBeside(prefix, command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => console.log(`${prefix}${line}`));
  return exitCode(child);
}

function exitCode(child) {
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(String(error));
      resolve(1);
    });
    child.on("close", resolve);
  });
}

async function check(title, command, args) {
  if (await run(title, command, args)) return true;
  fail(title);
  return false;
}

function fail(name) {
  totals.failed++;
  totals.names.push(name);
}

function list(title, names) {
  if (names.length > 0) console.log(`\n${title}`);
  for (const name of names) console.log(`  ${name.replace(process.cwd(), ".")}`);
}

const vitest = (project, report) => [
  ...["npx", "--no-install", "vitest", "run", "--project", project],
  ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
];

function count(report, counted) {
  const counts = countReport(report, counted);
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.names.push(...counts.names);
}

async function tests(title, project, wrapper = []) {
  const report = `.cache/vitest-${project.replace("*", "")}.json`;
  rmSync(report, { force: true });
  const [command, ...args] = [...wrapper, ...vitest(project, report)];
  await run(title, command, args);
  count(report);
}

/** The tests with real peers, each lane in a network namespace of its own: ports and addresses are the same in all. */
async function testsInLanes(title) {
  heading(title);
  const lists = lanes(LANES);
  const reports = lists.map((_, lane) => laneReport(lane));
  for (const report of reports) rmSync(report, { force: true });
  await Promise.all(
    lists.map(async (files, lane) => {
      const before = Date.now();
      const args = [...vitest("e2e", reports[lane]), ...files];
      const status = await runBeside(`${lane + 1}| `, "scripts/netns.sh", args);
      ended(`lane ${lane + 1} of ${files.length} files: `, status, before);
    }),
  );
  const second = await secondRun(reports);
  for (const report of reports) count(report, (file) => !second.includes(file));
  // A file that no lane has run is no test that passed.
  const seen = new Set(reports.flatMap(filesOf));
  for (const file of lists.flat()) if (!seen.has(file)) fail(`${file}: in no report`);
}

/**
 * Real peers have races of their own, and three lanes on a busy machine give them time: what failed is run once more with nothing beside it.
 * What fails again has failed; what passes then is named at the end with its first reason, to be looked into. Returns the files run again.
 */
async function secondRun(reports) {
  const files = reports.flatMap(failedFiles);
  if (files.length === 0 || files.length > MAX_SECOND_RUNS) return [];
  rmSync(SECOND_REPORT, { force: true });
  await run("a second run, alone, of what failed", "scripts/netns.sh", [...vitest("e2e", SECOND_REPORT), ...files]);
  const steady = files.filter((file) => !failedFiles(SECOND_REPORT).includes(file));
  for (const report of reports.filter((one) => failedFiles(one).length > 0))
    totals.unsteady.push(...countReport(report, (file) => steady.includes(file)).names);
  count(SECOND_REPORT);
  return files;
}

function filesOf(report) {
  try {
    return JSON.parse(readFileSync(report, "utf8")).testResults.map(({ name }) => relative(process.cwd(), name));
  } catch {
    return [];
  }
}

const node = [process.execPath, "--import", "tsx"];
const packages = await check("real peers: packages", "scripts/peers.sh", []);
// Downloads for the most part, where the peers' cache is empty: what needs no peers goes on meanwhile.
const building = packages
  ? runBeside("peers| ", "nice", ["-n", "10", ...node, "test/support/build-peers.ts"])
  : undefined;
await check("build", "npm", ["run", "--silent", "build"]);
await check("types", "npm", ["run", "--silent", "typecheck"]);
await check("lint", "npm", ["run", "--silent", "lint"]);
await tests("unit tests and tree check", "unit*");
heading("real peers: programs");
const peers = packages && ended("", await building, startedAt);
if (packages && !peers) fail("real peers: programs");
// Minutes of a core's time where its cache is empty; only the last tests need it.
const kubernetes = packages
  ? runBeside("kubernetes| ", "nice", ["-n", "19", ...node, "test/support/build-kubernetes.ts"])
  : undefined;
if (peers) await testsInLanes("tests with real peers");
else console.log("\n== tests with real peers\n   NOT RUN: the peers could not be set up, see above");
if (packages && (await kubernetes) === 0)
  await tests("tests with Kubernetes' API server", "istio", ["scripts/netns.sh"]);
else fail("Kubernetes' API server could not be built: its tests were not run");

list("unsteady (failed beside other tests, passed alone; the cause is to be found):", totals.unsteady);
list("failed:", totals.names);
console.log(`\nafter ${Math.round((Date.now() - startedAt) / 1000)} s`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);

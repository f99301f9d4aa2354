// The tests with real peers are run in lanes beside each other, each in a network namespace of its own: what files are in which.
// `node scripts/lanes.mjs --write` takes what the last `make test` measured into test/e2e/seconds.json.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = "test/e2e";
const MEASURED = `${FOLDER}/seconds.json`;
/** Of a file that was not measured yet. */
const SECONDS = 20;
/** What a file costs beside its tests: a process of its own that loads it. */
const START_SECONDS = 3;

/** Where the lane's report is written. */
export function laneReport(lane) {
  return `.cache/vitest-e2e-${lane + 1}.json`;
}

/** Every file of test/e2e in one of `count` lists of about the same length in time. */
export function lanes(count) {
  const measured = existsSync(MEASURED) ? JSON.parse(readFileSync(MEASURED, "utf8")) : {};
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => ({ path: join(FOLDER, file), seconds: START_SECONDS + (measured[file] ?? SECONDS) }));
  return balanced(files, count).map((lane) => lane.map(({ path }) => path));
}

/** The longest first, each to the list that is shortest so far. */
export function balanced(files, count) {
  const lists = Array.from({ length: count }, () => ({ files: [], seconds: 0 }));
  for (const file of files.toSorted((a, b) => b.seconds - a.seconds || (a.path < b.path ? -1 : 1))) {
    const shortest = lists.reduce((least, list) => (list.seconds < least.seconds ? list : least));
    shortest.files.push(file);
    shortest.seconds += file.seconds;
  }
  return lists.map(({ files: list }) => list);
}

function write(reports) {
  const seconds = {};
  for (const path of reports.filter((one) => existsSync(one))) {
    for (const { name, startTime, endTime } of JSON.parse(readFileSync(path, "utf8")).testResults)
      seconds[relative(FOLDER, relative(process.cwd(), name))] = Math.ceil((endTime - startTime) / 1000);
  }
  writeFileSync(MEASURED, `${JSON.stringify(seconds, Object.keys(seconds).sort(), 2)}\n`);
  console.log(`${MEASURED}: ${Object.keys(seconds).length} files`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--write")) write([0, 1].map(laneReport));
  else for (const [lane, files] of lanes(2).entries()) console.log(`lane ${lane + 1}:\n  ${files.join("\n  ")}`);
}

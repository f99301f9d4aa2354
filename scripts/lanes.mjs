// The tests with real peers are run in lanes beside each other, each in a network namespace of its own: what files are in which.
// `node scripts/lanes.mjs --write` takes what the last `make test` measured into test/e2e/seconds.json.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = "test/e2e";
const MEASURED = `${FOLDER}/seconds.json`;
/** The tests with real peers mostly wait: three lists of them beside each other are what two cores can carry. */
export const LANES = 3;
/** Of a file that was not measured yet. */
const SECONDS = 20;

/** Where the lane's report is written. */
export function laneReport(lane) {
  return `.cache/vitest-e2e-${lane + 1}.json`;
}

/** Every file of test/e2e in one of `count` lists of about the same length in time. */
export function lanes(count) {
  const measured = existsSync(MEASURED) ? JSON.parse(readFileSync(MEASURED, "utf8")) : {};
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => ({ path: join(FOLDER, file), seconds: measured[file] ?? SECONDS }));
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

/** A file's time is that since the file before it in its lane ended: loading it and starting and ending its peers count. */
function write(reports) {
  const seconds = {};
  for (const path of reports.filter((one) => existsSync(one))) {
    const { startTime, testResults } = JSON.parse(readFileSync(path, "utf8"));
    let before = startTime;
    for (const { name, endTime } of testResults.toSorted((a, b) => a.endTime - b.endTime)) {
      seconds[relative(FOLDER, relative(process.cwd(), name))] = Math.ceil((endTime - before) / 1000);
      before = endTime;
    }
  }
  writeFileSync(MEASURED, `${JSON.stringify(seconds, Object.keys(seconds).sort(), 2)}\n`);
  console.log(`${MEASURED}: ${Object.keys(seconds).length} files`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--write")) write([...lanes(LANES).keys()].map(laneReport));
  else for (const [lane, files] of lanes(LANES).entries()) console.log(`lane ${lane + 1}:\n  ${files.join("\n  ")}`);
}

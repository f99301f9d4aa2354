// Adds up vitest's JSON reports: what passed, what failed, and the names of what failed with the beginning of the reason.
import { existsSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

/**
 * One report's counts, of the files (absolute paths) that `counted` takes. A report that is missing (vitest itself broke) is one failure; so is a file without tests because it could not
 * be loaded, and each skipped test: a missing peer fails, it is not skipped.
 */
export function countReport(path, counted = () => true) {
  if (!existsSync(path)) return { passed: 0, failed: 1, names: [`no report in ${path}: vitest did not finish`] };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const names = [];
  let passed = 0;
  let count = 0;
  for (const file of report.testResults.filter(({ name }) => counted(name))) {
    const bad = file.assertionResults.filter((one) => one.status !== "passed");
    const failed = bad.filter((one) => one.status === "failed");
    for (const one of failed) names.push(`${file.name}: ${one.fullName}${beginning(one.failureMessages?.[0])}`);
    // What a hook that fails takes down is skipped: the reason stands in the log above.
    if (bad.length > failed.length)
      names.push(
        `${file.name}: ${bad.length - failed.length} skipped, first "${bad.find((one) => one.status !== "failed").fullName}"`,
      );
    if (file.status !== "passed" && bad.length === 0) names.push(`${file.name}: not run${beginning(file.message)}`);
    passed += file.assertionResults.length - bad.length;
    count += bad.length || (file.status === "passed" ? 0 : 1);
  }
  if (!report.success && failedFiles(path).length === 0) {
    names.push(`${path}: the run failed outside of its tests`);
    count = 1;
  }
  return { passed, failed: count, names };
}

/** The absolute paths of a report's files in which something failed; none where there is no report. */
export function failedFiles(path) {
  if (!existsSync(path)) return [];
  const { testResults } = JSON.parse(readFileSync(path, "utf8"));
  const whole = (file) => file.status === "passed" && file.assertionResults.every(({ status }) => status === "passed");
  return testResults.filter((file) => !whole(file)).map(({ name }) => name);
}

const MAX_LINES = 12;
const MAX_CHARS = 1_500;

/** The first lines of a reason, indented below the name; empty where there is none. */
function beginning(text) {
  if (!text) return "";
  const lines = stripVTControlCharacters(String(text)).slice(0, MAX_CHARS).split("\n");
  return lines
    .filter((line) => !/^ +at /.test(line))
    .slice(0, MAX_LINES)
    .map((line) => `\n      ${line}`)
    .join("");
}

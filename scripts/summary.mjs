// Adds up vitest's JSON reports: what passed, what failed, and the names of what failed with the beginning of the reason.
import { existsSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

/**
 * One report's counts. A report that is missing (vitest itself broke) is one failure; so is a file without tests because it could not
 * be loaded, and each skipped test: a missing peer fails, it is not skipped.
 */
export function countReport(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1, names: [`no report in ${path}: vitest did not finish`] };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const names = [];
  let count = 0;
  for (const file of report.testResults) {
    const bad = file.assertionResults.filter((one) => one.status !== "passed");
    const failed = bad.filter((one) => one.status === "failed");
    for (const one of failed) names.push(`${file.name}: ${one.fullName}${beginning(one.failureMessages?.[0])}`);
    // What a hook that fails takes down is skipped: the reason stands in the log above.
    if (bad.length > failed.length)
      names.push(
        `${file.name}: ${bad.length - failed.length} skipped, first "${bad.find((one) => one.status !== "failed").fullName}"`,
      );
    if (file.status !== "passed" && bad.length === 0) names.push(`${file.name}: not run${beginning(file.message)}`);
    count += bad.length || (file.status === "passed" ? 0 : 1);
  }
  if (!report.success && count === 0) {
    names.push(`${path}: the run failed outside of its tests`);
    count = 1;
  }
  return { passed: report.numPassedTests, failed: count, names };
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

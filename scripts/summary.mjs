// Adds up vitest's JSON reports: what passed, what failed, and the names of what failed.
import { existsSync, readFileSync } from "node:fs";

/**
 * One report's counts. A report that is missing (vitest itself broke) is one failure; so is a file without tests because it could not
 * be loaded, and each skipped test: a missing peer fails, it is not skipped.
 */
export function countReport(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1, names: [`no report in ${path}: vitest did not finish`] };
  const report = JSON.parse(readFileSync(path, "utf8"));
  const names = [];
  for (const file of report.testResults) {
    const bad = file.assertionResults.filter((one) => one.status !== "passed");
    for (const one of bad)
      names.push(`${file.name}: ${one.fullName}${one.status === "failed" ? "" : ` (${one.status})`}`);
    if (file.status !== "passed" && bad.length === 0) names.push(`${file.name}: ${firstLine(file.message)}`);
  }
  if (!report.success && names.length === 0) names.push(`${path}: the run failed outside of its tests`);
  return { passed: report.numPassedTests, failed: names.length, names };
}

function firstLine(text) {
  return String(text ?? "").split("\n")[0] || "could not be run";
}

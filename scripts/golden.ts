/** Rewrites the model and xds files of every case under fixtures/rules and removes stale ones; read the diff. `npm run golden` */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { caseFile, ruleCases, runRuleCase } from "../test/support/rule-cases.ts";

const names = ruleCases();
for (const name of names) {
  const { model, xds } = runRuleCase(name);
  writeFileSync(caseFile(name, "model"), model);
  writeFileSync(caseFile(name, "xds"), xds);
}
const folder = new URL(".", caseFile("x", "in"));
for (const file of readdirSync(folder)) {
  const name = /^(.*)\.(model|xds)\.yaml$/.exec(file)?.[1];
  if (name !== undefined && !names.includes(name)) rmSync(new URL(file, folder));
}
process.stdout.write(`${names.length} cases written\n`);

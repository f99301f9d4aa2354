import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { authorityPaths, followFiles, textsOf } from "../../../../src/control/ca/files.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const folder = mkdtempSync(join(tmpdir(), "trestle-ca-files-"));
const paths = [join(folder, "a"), join(folder, "b")];
afterEach(() => paths.forEach((path) => void rmSync(path, { force: true })));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("files are taken together: at first at once, later when none changes any more", async () => {
  const taken: unknown[] = [];
  const { logger, lines } = recordingLogger();
  writeFileSync(paths[0]!, "one");
  const take = (texts: readonly (string | undefined)[]) => {
    if (texts[0] === "wrong") throw new Error("a is wrong");
    taken.push(texts);
  };
  const files = followFiles({ paths, take, what: "the files", logger, clock: new ManualClock() });
  await files.rescan();
  expect(taken).toEqual([["one", undefined]]);
  await files.rescan();
  writeFileSync(paths[1]!, "two");
  await files.rescan();
  expect(taken).toHaveLength(1);
  await files.rescan();
  expect(taken[1]).toEqual(["one", "two"]);
  writeFileSync(paths[0]!, "wrong");
  for (let i = 0; i < 4; i++) await files.rescan();
  expect(taken).toHaveLength(2);
  writeFileSync(paths[0]!, "right");
  for (let i = 0; i < 3; i++) await files.rescan();
  expect(taken[2]).toEqual(["right", "two"]);
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    "error the files can't be used; what was read before stays",
    "info the files can be used again",
  ]);
  expect(lines[0]?.[2]).toEqual({ path: folder, reason: "a is wrong" });
  files.close();
});

test("a file alone is told by its path, to whoever hears of faults too", async () => {
  const { logger, lines } = recordingLogger();
  const faults: (string | undefined)[] = [];
  const take = () => {
    throw new Error(faults.length === 0 ? "line 3 is wrong" : `${paths[0]} is missing`);
  };
  const onFault = (reason: string | undefined) => void faults.push(reason);
  const options = { paths: [paths[0]!], take, what: "the file", logger, onFault, clock: new ManualClock() };
  const files = followFiles(options);
  writeFileSync(paths[0]!, "one");
  await files.rescan();
  writeFileSync(paths[0]!, "other");
  for (let i = 0; i < 2; i++) await files.rescan();
  expect(lines[0]?.[2]).toEqual({ path: paths[0], reason: "line 3 is wrong" });
  expect(faults).toEqual([`${paths[0]}: line 3 is wrong`, `${paths[0]} is missing`]);
  files.close();
});

test("an authority's files are known by Istio's names", () => {
  expect(authorityPaths("x")).toEqual(
    ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem", "ca-crl.pem"].map((name) => join("x", name)),
  );
  expect(textsOf(["a", "b", undefined, "d", undefined])).toEqual({
    certificate: "a",
    key: "b",
    chain: "",
    roots: "d",
    revocations: "",
  });
});

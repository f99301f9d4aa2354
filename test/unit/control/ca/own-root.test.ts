import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT_VALIDITY_MS, readAuthority } from "../../../../src/control/ca/authority.ts";
import { makeRoot, needsRoot, writeAuthority } from "../../../../src/control/ca/own-root.ts";

const nowMs = Date.now();
const root = makeRoot({ trustDomain: "cluster.local", key: "ec", random: randomBytes, nowMs });
const folder = mkdtempSync(join(tmpdir(), "trestle-own-root-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a root is made where there is none, and when a fifth of its life is left", () => {
  const nothing = { certificate: "", key: "", chain: "", roots: "", revocations: "" };
  expect(needsRoot(nothing, nowMs)).toBe(true);
  expect(needsRoot({ ...nothing, key: "something" }, nowMs)).toBe(false);
  expect(needsRoot(root, nowMs)).toBe(false);
  expect(needsRoot(root, nowMs + ROOT_VALIDITY_MS * 0.79)).toBe(false);
  expect(needsRoot(root, nowMs + ROOT_VALIDITY_MS * 0.81)).toBe(true);
});

test("the folder and the key are their owner's alone, and what is written is an authority", () => {
  const place = join(folder, "ca");
  writeAuthority(place, root);
  expect(readdirSync(place).sort()).toEqual(["ca-cert.pem", "ca-key.pem", "root-cert.pem"]);
  expect([statSync(place).mode & 0o777, statSync(join(place, "ca-key.pem")).mode & 0o777]).toEqual([0o700, 0o600]);
  const read = (name: string) => readFileSync(join(place, name), "utf8");
  const texts = {
    certificate: read("ca-cert.pem"),
    key: read("ca-key.pem"),
    chain: "",
    roots: read("root-cert.pem"),
    revocations: "",
  };
  expect(readAuthority(texts, nowMs).roots).toEqual([root.certificate]);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createCredentials, secretsOf } from "../../../src/control/credentials.ts";
import { createTestLeaf, createTestRoot } from "../../support/certificates.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const folder = mkdtempSync(join(tmpdir(), "trestle-credentials-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { chain: certificate, key, root: roots } = createTestLeaf(createTestRoot());

function put(name: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
}

test("a credential is a certificate with its key, roots, or both", () => {
  expect(secretsOf("a", { certificate, key, roots }).map(({ name }) => name)).toEqual([
    "kubernetes://a",
    "kubernetes://a-cacert",
  ]);
  expect(secretsOf("a", { roots })[0]?.resource).toEqual({
    name: "kubernetes://a-cacert",
    validationContext: { trustedCa: { inlineString: roots } },
  });
  expect(() => secretsOf("a", { certificate })).toThrow("have to be there both");
  expect(() => secretsOf("a", { certificate, key: createTestLeaf(createTestRoot()).key })).toThrow("not the key of");
  expect(() => secretsOf("a", { roots: "x" })).toThrow();
});

test("a folder is followed; one that is wrong is told by its name, without its key", async () => {
  const { logger, lines } = recordingLogger();
  put("site", { "tls.crt": certificate, "tls.key": key, "ca.crt": roots });
  put("bad", { "tls.crt": certificate, "tls.key": "-----BEGIN SECRET-----" });
  const credentials = createCredentials({ folder, log: logger });
  await credentials.rescan();
  const names = () => credentials.current.get().map(({ name }) => name);
  expect(names()).toEqual(["kubernetes://site", "kubernetes://site-cacert"]);
  expect(lines.map(([, text]) => text)).toEqual(["a credential can't be used; what was read of it before stays"]);
  expect(lines[0]?.[2]).toMatchObject({ path: expect.stringMatching(/^\/.+\/\w+$/) });
  expect(JSON.stringify(lines)).not.toContain("SECRET");
  put("bad", { "tls.key": key });
  await expect.poll(names, { timeout: 5_000 }).toContain("kubernetes://bad");
  rmSync(join(folder, "site"), { recursive: true });
  await expect.poll(names, { timeout: 5_000 }).toEqual(["kubernetes://bad"]);
  credentials.close();
});

test("without a folder there are none", async () => {
  const credentials = createCredentials({ folder: undefined, log: recordingLogger().logger });
  await credentials.rescan();
  expect(credentials.current.get()).toEqual([]);
  credentials.close();
});

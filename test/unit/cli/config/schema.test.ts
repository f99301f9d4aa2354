import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resolveConfig } from "../../../../src/cli/config/resolve.ts";
import { CONFIG_KEYS, explainKeys } from "../../../../src/cli/config/schema.ts";

const page = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");

test("every key that may be given says what it means", () => {
  expect(explainKeys().filter(({ meaning }) => meaning === "")).toEqual([]);
});

test("keys that are refused are not explained", () => {
  const keys = explainKeys().map(({ key }) => key);
  expect(CONFIG_KEYS["tls"]?.refused).toBeDefined();
  expect(keys).not.toContain("tls");
  expect(keys).toContain("proxy.http.from");
  expect(keys).toContain("facades[].take.services");
});

test("docs/configuration.md has the same keys with the same defaults", () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`|([^|`]*)) \| (.*) \|$/gm)]
    .map(([, key, code, text]) => ({ key, default: code ?? text?.trim() }))
    .filter(({ key }) => !key?.startsWith("-") && !key?.startsWith("SIG"));
  expect(rows).toEqual(explainKeys().map((row) => ({ key: row.key, default: row.default })));
});

test("the complete file of docs/configuration.md has every key and nothing wrong but a password file that is not here", async () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "config-"));
  const file = join(folder, "trestle.yaml");
  await writeFile(file, text);
  const { errors } = resolveConfig({ config: file }, {});
  await rm(folder, { recursive: true });
  expect(errors.map(({ path }) => path)).toEqual([
    "registries[0].auth.passwordFile",
    "callers[1].passwordEnv",
    "callers[2].passwordFile",
  ]);
  const names = explainKeys().map(({ key }) => key.split(".").at(-1)?.replace("[]", "") ?? "");
  expect(names.filter((name) => name !== "passwordEnv" && !text.includes(`${name}:`))).toEqual([]);
});

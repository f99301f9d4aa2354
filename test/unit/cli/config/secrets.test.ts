import { expect, test } from "vitest";
import { resolveConfig } from "../../../../src/cli/config/resolve.ts";
import { configWithoutSecrets } from "../../../../src/cli/config/secrets.ts";

test("passwords of registries and metadata centres are not shown; all else is as it is", () => {
  const flags = {
    registry: ["zookeeper://u:s3cret@a", "zookeeper://b"],
    metadata: ["nacos://v:s3cret@c", "nacos://d"],
  };
  const { config } = resolveConfig(flags, {});
  const shown = configWithoutSecrets(config!);
  expect(JSON.stringify(shown)).not.toContain("s3cret");
  expect(shown.registries.map(({ username, password }) => [username, password])).toEqual([
    ["u", "[redacted]"],
    ["", ""],
  ]);
  expect(shown.metadata.map(({ username, password }) => [username, password])).toEqual([
    ["v", "[redacted]"],
    ["", ""],
  ]);
  expect({ ...shown, registries: [], metadata: [] }).toEqual({ ...config, registries: [], metadata: [] });
});

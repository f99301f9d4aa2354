import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { NacosBody } from "../../../../src/codecs/nacos/body.ts";
import {
  configListen,
  configQuery,
  readChangedConfigs,
  readConfig,
  readConfigKey,
} from "../../../../src/codecs/nacos/config-messages.ts";

const recorded = readFileSync("fixtures/wire/nacos/messages.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { type: string; body: NacosBody });
const bodyOf = (type: string) => recorded.find((one) => one.type === type)!.body;

test("a query and a listener are what Java clients write", () => {
  const theirs = bodyOf("ConfigQueryRequest");
  // Their clients add a field for themselves.
  const { notify: _, ...query } = theirs;
  expect(configQuery(readConfigKey(theirs)!).body).toEqual(query);
  const listener = bodyOf("ConfigBatchListenRequest");
  const contexts = listener["configListenContexts"] as { dataId: string; group: string; tenant: string; md5: string }[];
  expect(configListen(contexts).body).toEqual(listener);
});

test("a configuration is read; one that is not there is null, and a refusal an error", () => {
  const found = recorded.filter(({ type }) => type === "ConfigQueryResponse").map(({ body }) => body);
  expect(found).not.toHaveLength(0);
  expect(readConfig({ resultCode: 200, content: "a", md5: "b" })).toEqual({ content: "a", md5: "b" });
  expect(readConfig({ resultCode: 500, errorCode: 300, message: "config data not exist" })).toBeNull();
  const denied = { resultCode: 500, errorCode: 403, message: "user not found!" };
  expect(() => readConfig(denied)).toThrow(
    new ProtocolError("nacos", "nacos refuses a configuration: user not found!"),
  );
});

test("changed configurations are read, and what names none is left out", () => {
  expect(readChangedConfigs(bodyOf("ConfigChangeBatchListenResponse"))).toEqual(expect.any(Array));
  const changedConfigs = [
    { dataId: "a", group: "g" },
    null,
    { dataId: "b" },
    { dataId: "c", group: "g", tenant: "dev" },
  ];
  expect(readChangedConfigs({ changedConfigs })).toEqual([
    { dataId: "a", group: "g", tenant: "" },
    { dataId: "c", group: "g", tenant: "dev" },
  ]);
  expect(readConfigKey(bodyOf("ConfigChangeNotifyRequest"))).toEqual({
    dataId: "d1",
    group: "DEFAULT_GROUP",
    tenant: "",
  });
});

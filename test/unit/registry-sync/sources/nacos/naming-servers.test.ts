import { expect, test } from "vitest";
import { TransientError } from "../../../../../src/base/errors.ts";
import type { NacosHttp, NacosRequest } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { httpNaming } from "../../../../../src/registry-sync/sources/nacos/naming-servers.ts";

function http(answer: (request: NacosRequest) => string) {
  const asked: NacosRequest[] = [];
  const server: NacosHttp = {
    async request(request) {
      asked.push(request);
      const body = Buffer.from(answer(request)).subarray(0, request.maxBytes);
      return { status: 200, headers: new Headers(), body };
    },
    token: async () => undefined,
    forgetToken() {},
  };
  const ending = new AbortController();
  return { asked, ending, naming: httpNaming(server, "dev", ending.signal) };
}

test("over HTTP names and services are asked for as 1.x has them, unhealthy instances too", async () => {
  const { asked, naming } = http(({ path }) =>
    path.endsWith("service/list") ? '{"count":2,"doms":["x",7,"y"]}' : '{"name":"G@@x","hosts":[]}',
  );
  expect(await naming.list("G", 2, 50)).toEqual({ count: 2, names: ["x", "y"] });
  expect(await naming.read("G", "x")).toEqual({ name: "G@@x", hosts: [] });
  expect(asked.map(({ method, path, query }) => [method, path, { ...query }])).toEqual([
    ["GET", "/v1/ns/service/list", { groupName: "G", pageNo: "2", pageSize: "50", namespaceId: "dev" }],
    ["GET", "/v1/ns/instance/list", { serviceName: "G@@x", groupName: "G", healthyOnly: "false", namespaceId: "dev" }],
  ]);
});

test("over HTTP what cannot be read is a failure, and so is an answer that has no end", async () => {
  await expect(http(() => "<html>").naming.list("G", 1, 1)).rejects.toThrow(
    new TransientError("nacos answers /v1/ns/service/list unreadably: nacos message is no json"),
  );
  const huge = http(() => " ".repeat(5 * 1024 * 1024)).naming.list("G", 1, 1);
  await expect(huge).rejects.toThrow("nacos answers /v1/ns/service/list with more than 4194304 bytes");
});

test.each(["", "{}", '{"code":200}', '{"count":1,"doms":"x"}'])(
  "over HTTP %j is no list of services, though it says 200",
  async (answer) => {
    const { naming } = http(() => answer);
    await expect(naming.list("G", 1, 10)).rejects.toThrow("nacos answers /v1/ns/service/list without a list");
  },
);

test("over HTTP it is open until the signal, and pushes nothing", () => {
  const { naming, ending } = http(() => "{}");
  expect([naming.isOpen, naming.pushes]).toEqual([true, false]);
  ending.abort();
  expect(naming.isOpen).toBe(false);
});

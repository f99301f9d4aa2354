import { expect, test } from "vitest";
import { TransientError } from "../../../../../src/base/errors.ts";
import type { NacosHttp, NacosRequest } from "../../../../../src/registry-sync/sources/nacos/http.ts";
import { readText } from "../../../../../src/registry-sync/sources/nacos/http-text.ts";

function server(status: number, body: string) {
  const asked: NacosRequest[] = [];
  const http: NacosHttp = {
    async request(request) {
      asked.push(request);
      return { status, headers: new Headers(), body: Buffer.from(body).subarray(0, request.maxBytes) };
    },
    token: async () => undefined,
    forgetToken() {},
  };
  const read = (tenant = "") =>
    readText(http, { dataId: "shop:r1", group: "dubbo", tenant }, AbortSignal.timeout(1_000));
  return { asked, read };
}

test.each([
  ["", {}],
  ["dev", { tenant: "dev" }],
])("a configuration is asked for in namespace %j", async (tenant, more) => {
  const { asked, read } = server(200, "{}");
  expect(await read(tenant)).toBe("{}");
  expect({ ...asked[0]!.query }).toEqual({ dataId: "shop:r1", group: "dubbo", ...more });
});

test("what is not there is nothing, and what has no end is refused", async () => {
  expect(await server(404, "config data not exist").read()).toBeUndefined();
  await expect(server(200, "x".repeat(5_000_000)).read()).rejects.toThrow(
    new TransientError("configuration shop:r1 has more than 4194304 bytes"),
  );
});

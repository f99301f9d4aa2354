import { expect, test } from "vitest";
import { servedLookup } from "../../../../src/bridge-proxy/authz/served.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";

const header = (name: string) => `said ${name}`;
const behind = (...keys: string[]) => ({ servedOf: () => keys.map(parseServiceKey) });
const read = (config: Parameters<typeof servedLookup>[0], key: string) => {
  const lookup = servedLookup(config, parseServiceKey(key), header);
  return [lookup("dubbo-group"), lookup("dubbo-version"), lookup("user")];
};

test("group and version are those of the service that the provider takes the call for", () => {
  expect(read(behind("g/a.B:1"), "a.B")).toEqual(["g", "1", "said user"]);
  expect(read(behind("a.B"), "a.B")).toEqual([undefined, undefined, "said user"]);
});

test("they are not read where that is not certain, and other headers are", () => {
  const lookup = servedLookup(behind(), parseServiceKey("a.B"), header);
  for (const name of ["dubbo-group", "dubbo-version"]) expect(() => lookup(name)).toThrow(`asks for ${name}`);
  expect(lookup("user")).toBe("said user");
});

test("elsewhere, and of services that no registry has, they are what the call says", () => {
  expect(servedLookup({}, parseServiceKey("a.B"), header)).toBe(header);
  for (const name of ["grpc.health.v1.Health", "org.apache.dubbo.metadata.MetadataService"])
    expect(servedLookup(behind(), parseServiceKey(name), header)).toBe(header);
});

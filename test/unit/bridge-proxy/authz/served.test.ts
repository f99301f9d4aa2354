import { expect, test } from "vitest";
import type { Asking, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import { askedAsServed, certain, servedLookup } from "../../../../src/bridge-proxy/authz/served.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";
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
  expect([certain(lookup, "dubbo-group"), certain(lookup, "user")]).toEqual([undefined, "said user"]);
});

test("elsewhere, and of services that no registry has, they are what the call says", () => {
  expect(servedLookup({}, parseServiceKey("a.B"), header)).toBe(header);
  for (const name of ["grpc.health.v1.Health", "org.apache.dubbo.metadata.MetadataService"])
    expect(servedLookup(behind(), parseServiceKey(name), header)).toBe(header);
});

/** What servers are told of a call, and what policies behind them see of it. */
function asked(config: Parameters<typeof servedLookup>[0], key: string): Record<string, string | undefined> {
  const target = {} as Target;
  const told: Record<string, string | undefined> = {};
  const question: Asking = {
    ask: (subject) => {
      Object.assign(told, Object.fromEntries(subject.text.headers));
      told["seen"] = subject.header("user");
      return () => {};
    },
  };
  const ruling = { denial: undefined, denied: undefined, open: new Map([[target, { changes: undefined, question }]]) };
  const served = askedAsServed(config, parseServiceKey(key), ruling);
  const headers = new Map([
    ["dubbo-version", "said"],
    ["user", "ann"],
  ]);
  const subject = { header, text: { headers }, timeLeftMs: 1 } as unknown as Subject;
  served.open!.get(target)!.question!.ask(subject, () => {});
  return told;
}

test("servers are told the group and version that the provider takes the call for, and neither where that is not certain", () => {
  const rest = { user: "ann", seen: "said user" };
  expect(asked(behind("g/a.B:1"), "a.B")).toEqual({ "dubbo-group": "g", "dubbo-version": "1", ...rest });
  expect(asked(behind("a.B"), "a.B")).toEqual(rest);
  expect(asked(behind(), "a.B")).toEqual(rest);
});

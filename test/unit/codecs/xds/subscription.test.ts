import { describe, expect, test } from "vitest";
import { Subscription } from "../../../../src/codecs/xds/subscription.ts";
import { servedSet, TYPES } from "../../../support/xds-playbook.ts";

const CDS = TYPES["CDS"]!;
const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(" ");
const changes = {
  variant: "delta",
  typeUrl: CDS,
  nonce: "",
  subscribe: [],
  unsubscribe: [],
  initialVersions: {},
} as const;

describe("what a stream wants of one type", () => {
  test("names count once, and their characters", () => {
    const one = new Subscription(CDS);
    one.takeNames(["abc", "abc", "de"], false);
    expect([one.names.size, one.nameChars]).toEqual([2, 5]);
    one.takeNames(["de"], true);
    expect([one.names.size, one.nameChars]).toEqual([1, 2]);
    one.takeChanges({ ...changes, unsubscribe: ["de", "zz"] });
    expect([one.names.size, one.nameChars]).toEqual([0, 0]);
  });

  test("what nobody wants is not kept", () => {
    const one = new Subscription(CDS);
    one.refresh(servedSet({ CDS: "a1 b1" }));
    one.refresh(servedSet({ CDS: "b2" }));
    expect([one.due.size, one.gone.size, one.hasNews]).toEqual([0, 0, false]);
  });

  test("what comes back before it was said to be gone is due, not gone", () => {
    const one = new Subscription(CDS);
    one.refresh(servedSet({ CDS: "a1" }));
    one.takeChanges({ ...changes, subscribe: ["*"] });
    one.due.clear();
    one.refresh(servedSet({ CDS: "" }));
    expect([one.due.list(), [...one.gone.keys()]]).toEqual([[], ["a"]]);
    one.refresh(servedSet({ CDS: "a1" }));
    expect([one.due.list(), [...one.gone.keys()]]).toEqual([["a"], []]);
  });

  test("all and by name are one list without doubles", () => {
    const one = new Subscription(CDS);
    const find = (_type: string, name: string) => (name === "z" ? { name, version: "1", resource: {} } : undefined);
    one.refresh(servedSet({ CDS: "a1 b1" }, find));
    one.takeNames(["*", "a", "z"], false);
    expect(names(one.current())).toBe("a b z");
    expect(one.find("z")?.version).toBe("1");
    expect(one.wants("anything")).toBe(true);
  });
});
